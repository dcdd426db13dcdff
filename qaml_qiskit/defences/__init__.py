"""Defences: what a training makes small so that its model holds under noise and attack."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.defences.adversarial import Adversarial as Adversarial
    from qaml_qiskit.defences.adversarial import Combined as Combined
    from qaml_qiskit.defences.adversarial import Trades as Trades
    from qaml_qiskit.defences.adversary import AgainstAdversary as AgainstAdversary
    from qaml_qiskit.defences.augmented import Augmented as Augmented
    from qaml_qiskit.defences.certified import CertifiedTraining as CertifiedTraining
    from qaml_qiskit.defences.exact_noise import ExactNoise as ExactNoise
    from qaml_qiskit.defences.exact_noise import exact_noisy_logits as exact_noisy_logits
    from qaml_qiskit.defences.names import DEFENCES as DEFENCES
    from qaml_qiskit.defences.names import DefenceName as DefenceName
    from qaml_qiskit.defences.noise_aware import MAX_DRAWS as MAX_DRAWS
    from qaml_qiskit.defences.noise_aware import NoiseAware as NoiseAware
    from qaml_qiskit.defences.noise_aware import noisy_logits as noisy_logits
    from qaml_qiskit.defences.regularised import Regularised as Regularised
    from qaml_qiskit.defences.regularised import lipschitz_bound as lipschitz_bound
    from qaml_qiskit.defences.regularised import spectral_penalty as spectral_penalty
    from qaml_qiskit.defences.witnesses import Witnesses as Witnesses
    from qaml_qiskit.defences.witnesses import exact_witnesses as exact_witnesses
    from qaml_qiskit.defences.witnesses import stepped_witnesses as stepped_witnesses

load_lazily(__name__)
