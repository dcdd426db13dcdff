"""Exact robustness certificates of classifiers whose logits are quadratic forms. Sees matrices and images only."""

from qaml_qiskit.certificates.ball import L2Certificates as L2Certificates
from qaml_qiskit.certificates.ball import certify_l2 as certify_l2
from qaml_qiskit.certificates.box import linf_lower_bounds as linf_lower_bounds
from qaml_qiskit.certificates.classical import hypothesis_testing_radii as hypothesis_testing_radii
from qaml_qiskit.certificates.classical import lipschitz_radii as lipschitz_radii
from qaml_qiskit.certificates.forms import DecisionForms as DecisionForms
from qaml_qiskit.certificates.forms import Spectrum as Spectrum
from qaml_qiskit.certificates.forms import decompose as decompose
from qaml_qiskit.certificates.gradient import l2_attack as l2_attack
from qaml_qiskit.certificates.gradient import linf_attack as linf_attack
from qaml_qiskit.certificates.nearest import NearestFlips as NearestFlips
from qaml_qiskit.certificates.nearest import nearest_flips as nearest_flips
