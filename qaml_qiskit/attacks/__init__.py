"""Attacks on images. Sees a torch module and bounds, never a circuit."""

from qaml_qiskit.attacks.gradient import AttackConfig as AttackConfig
from qaml_qiskit.attacks.gradient import attack_images as attack_images
from qaml_qiskit.attacks.gradient import frozen as frozen
