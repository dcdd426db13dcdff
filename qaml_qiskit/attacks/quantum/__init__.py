"""Attacks on the parts of a quantum classifier: weights, gates, encoding, measurement, calibration, neighbours.

They act on numbers and callables; who builds the circuits hands them in.
"""

from qaml_qiskit.attacks.quantum.angles import AngleAttack as AngleAttack
from qaml_qiskit.attacks.quantum.angles import logits_of_weights as logits_of_weights
from qaml_qiskit.attacks.quantum.budget import Access as Access
from qaml_qiskit.attacks.quantum.budget import Budget as Budget
from qaml_qiskit.attacks.quantum.budget import Damage as Damage
from qaml_qiskit.attacks.quantum.budget import QuantumAttack as QuantumAttack
from qaml_qiskit.attacks.quantum.budget import damage_curve as damage_curve
from qaml_qiskit.attacks.quantum.crosstalk import CrosstalkAttack as CrosstalkAttack
from qaml_qiskit.attacks.quantum.gates import GateAttack as GateAttack
from qaml_qiskit.attacks.quantum.gates import rotation_groups as rotation_groups
from qaml_qiskit.attacks.quantum.gates import rotation_strength as rotation_strength
from qaml_qiskit.attacks.quantum.products import ZProducts as ZProducts
from qaml_qiskit.attacks.quantum.readout import CalibrationAttack as CalibrationAttack
from qaml_qiskit.attacks.quantum.readout import ReadoutAttack as ReadoutAttack
from qaml_qiskit.attacks.quantum.states import StateAttack as StateAttack
from qaml_qiskit.attacks.quantum.states import worst_states as worst_states
