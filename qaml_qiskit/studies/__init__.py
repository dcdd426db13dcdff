"""Work that is done on deployments, piece by piece, for several commands: works for the map of a run."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.studies.attacking import Cell as Cell
    from qaml_qiskit.studies.attacking import attack_columns as attack_columns
    from qaml_qiskit.studies.attacking import make_adversarial as make_adversarial
    from qaml_qiskit.studies.attacking import perturbations as perturbations
    from qaml_qiskit.studies.auditing import Audited as Audited
    from qaml_qiskit.studies.auditing import audit_cells as audit_cells
    from qaml_qiskit.studies.auditing import audit_rows as audit_rows
    from qaml_qiskit.studies.auditing import verdict_columns as verdict_columns
    from qaml_qiskit.studies.certifying import Certified as Certified
    from qaml_qiskit.studies.certifying import Certifying as Certifying
    from qaml_qiskit.studies.certifying import certified_accuracy as certified_accuracy
    from qaml_qiskit.studies.certifying import certify_batch as certify_batch
    from qaml_qiskit.studies.certifying import summary_of as summary_of
    from qaml_qiskit.studies.counting import Classifier as Classifier
    from qaml_qiskit.studies.counting import CountedCircuit as CountedCircuit
    from qaml_qiskit.studies.counting import Counting as Counting
    from qaml_qiskit.studies.counting import Grid as Grid
    from qaml_qiskit.studies.counting import Preparation as Preparation
    from qaml_qiskit.studies.counting import count_circuits as count_circuits
    from qaml_qiskit.studies.defending import Defence as Defence
    from qaml_qiskit.studies.defending import audit_defences as audit_defences
    from qaml_qiskit.studies.defending import defence_notes as defence_notes
    from qaml_qiskit.studies.defending import defence_rows as defence_rows
    from qaml_qiskit.studies.defending import gain_rows as gain_rows
    from qaml_qiskit.studies.encoding import Encoder as Encoder
    from qaml_qiskit.studies.encoding import encode_images as encode_images
    from qaml_qiskit.studies.encoding import movements as movements
    from qaml_qiskit.studies.measuring import Measured as Measured
    from qaml_qiskit.studies.measuring import score_sampled as score_sampled
    from qaml_qiskit.studies.parts import PARTS as PARTS
    from qaml_qiskit.studies.parts import TamperedPart as TamperedPart
    from qaml_qiskit.studies.perturbing import perturb as perturb
    from qaml_qiskit.studies.perturbing import perturb_everywhere as perturb_everywhere
    from qaml_qiskit.studies.perturbing import perturb_steps as perturb_steps
    from qaml_qiskit.studies.predicting import OnDevice as OnDevice
    from qaml_qiskit.studies.predicting import Prediction as Prediction
    from qaml_qiskit.studies.predicting import noise_notes as noise_notes
    from qaml_qiskit.studies.predicting import predict_on_devices as predict_on_devices
    from qaml_qiskit.studies.predicting import readout_notes as readout_notes
    from qaml_qiskit.studies.probabilities import NO_PROBABILITIES as NO_PROBABILITIES
    from qaml_qiskit.studies.probabilities import probability_arrays as probability_arrays
    from qaml_qiskit.studies.probabilities import temperature_notes as temperature_notes
    from qaml_qiskit.studies.probabilities import told_temperature as told_temperature
    from qaml_qiskit.studies.probabilities import with_confidence as with_confidence
    from qaml_qiskit.studies.robustness import score_without_noise as score_without_noise
    from qaml_qiskit.studies.scoring import Score as Score
    from qaml_qiskit.studies.scoring import score_images as score_images
    from qaml_qiskit.studies.smoothing import SmoothedCertification as SmoothedCertification
    from qaml_qiskit.studies.smoothing import smooth_batch as smooth_batch
    from qaml_qiskit.studies.smoothing import smoothed_levels as smoothed_levels
    from qaml_qiskit.studies.smoothing import smoothed_summary as smoothed_summary
    from qaml_qiskit.studies.substituting import Substituting as Substituting
    from qaml_qiskit.studies.substituting import first_images as first_images
    from qaml_qiskit.studies.sweeping import SweepCell as SweepCell
    from qaml_qiskit.studies.sweeping import SweepScores as SweepScores
    from qaml_qiskit.studies.sweeping import score_cell as score_cell
    from qaml_qiskit.studies.tampered import Tampered as Tampered
    from qaml_qiskit.studies.tampered import TamperedCell as TamperedCell
    from qaml_qiskit.studies.tampered_circuits import check_parts as check_parts
    from qaml_qiskit.studies.tampered_circuits import parts_of as parts_of
    from qaml_qiskit.studies.tampering import Tampering as Tampering
    from qaml_qiskit.studies.tampering import check_invertible as check_invertible
    from qaml_qiskit.studies.tampering import honest_readout as honest_readout
    from qaml_qiskit.studies.tampering import tamper_parts as tamper_parts

load_lazily(__name__)
