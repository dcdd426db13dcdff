"""Exact robustness certificates of classifiers whose logits are quadratic forms. Sees matrices and images only."""

from qaml_qiskit.certificates.ball import L2Certificates as L2Certificates
from qaml_qiskit.certificates.ball import certify_l2 as certify_l2
from qaml_qiskit.certificates.box import linf_lower_bounds as linf_lower_bounds
from qaml_qiskit.certificates.classical import hypothesis_testing_radii as hypothesis_testing_radii
from qaml_qiskit.certificates.classical import lipschitz_radii as lipschitz_radii
from qaml_qiskit.certificates.classical import widest_margins as widest_margins
from qaml_qiskit.certificates.forms import DecisionForms as DecisionForms
from qaml_qiskit.certificates.forms import Spectrum as Spectrum
from qaml_qiskit.certificates.forms import decompose as decompose
from qaml_qiskit.certificates.gradient import l2_attack as l2_attack
from qaml_qiskit.certificates.gradient import linf_attack as linf_attack
from qaml_qiskit.certificates.nearest import NearestFlips as NearestFlips
from qaml_qiskit.certificates.nearest import nearest_flips as nearest_flips
from qaml_qiskit.certificates.privacy import privacy_radii as privacy_radii
from qaml_qiskit.certificates.smoothing import SmoothedCertificates as SmoothedCertificates
from qaml_qiskit.certificates.smoothing import certify_smoothed as certify_smoothed
from qaml_qiskit.certificates.smoothing import certify_smoothed_forms as certify_smoothed_forms
from qaml_qiskit.certificates.smoothing import positive_shares as positive_shares
from qaml_qiskit.certificates.smoothing import share_at_least as share_at_least
from qaml_qiskit.certificates.smoothing import vote as vote
from qaml_qiskit.certificates.smoothing import votes_of as votes_of
