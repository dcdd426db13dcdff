"""How sure a prediction is: probabilities, what makes them honest, and what follows from them; no tensors."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.confidence.conformal import SetFigures as SetFigures
    from qaml_qiskit.confidence.conformal import adaptive_scores as adaptive_scores
    from qaml_qiskit.confidence.conformal import check_set_images as check_set_images
    from qaml_qiskit.confidence.conformal import coverage_interval as coverage_interval
    from qaml_qiskit.confidence.conformal import set_figures as set_figures
    from qaml_qiskit.confidence.conformal import thresholds_for as thresholds_for
    from qaml_qiskit.confidence.isotonic import Isotonic as Isotonic
    from qaml_qiskit.confidence.kept import read_recalibrations as read_recalibrations
    from qaml_qiskit.confidence.measured import Probabilities as Probabilities
    from qaml_qiskit.confidence.monitor import Monitor as Monitor
    from qaml_qiskit.confidence.names import RECALIBRATIONS as RECALIBRATIONS
    from qaml_qiskit.confidence.names import RecalibrationName as RecalibrationName
    from qaml_qiskit.confidence.platt import Platt as Platt
    from qaml_qiskit.confidence.policies import Policy as Policy
    from qaml_qiskit.confidence.policies import PolicyAnswers as PolicyAnswers
    from qaml_qiskit.confidence.policies import Trail as Trail
    from qaml_qiskit.confidence.policies import check_lead_images as check_lead_images
    from qaml_qiskit.confidence.policies import least_lead as least_lead
    from qaml_qiskit.confidence.policies import measure_in_rounds as measure_in_rounds
    from qaml_qiskit.confidence.pooling import fit_pooled_temperature as fit_pooled_temperature
    from qaml_qiskit.confidence.probabilities import probability_errors as probability_errors
    from qaml_qiskit.confidence.probabilities import softmax as softmax
    from qaml_qiskit.confidence.recalibration import Recalibration as Recalibration
    from qaml_qiskit.confidence.sequential import SequentialRule as SequentialRule
    from qaml_qiskit.confidence.sequential import SequentialTest as SequentialTest
    from qaml_qiskit.confidence.sequential import round_ends as round_ends
    from qaml_qiskit.confidence.temperature import Temperature as Temperature
    from qaml_qiskit.confidence.temperature import fit_temperature as fit_temperature
    from qaml_qiskit.confidence.uncertainty import ShotMoments as ShotMoments
    from qaml_qiskit.confidence.uncertainty import Uncertainty as Uncertainty
    from qaml_qiskit.confidence.uncertainty import entropy as entropy

load_lazily(__name__)
