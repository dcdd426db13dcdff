"""Figures of merit: pure functions of predictions."""

from qaml_qiskit.evaluation.draws import undecided_votes as undecided_votes
from qaml_qiskit.evaluation.draws import vote_shares as vote_shares
from qaml_qiskit.evaluation.endless import endless_interval as endless_interval
from qaml_qiskit.evaluation.estimates import Correction as Correction
from qaml_qiskit.evaluation.estimates import Estimates as Estimates
from qaml_qiskit.evaluation.estimates import factors as factors
from qaml_qiskit.evaluation.head import LinearHead as LinearHead
from qaml_qiskit.evaluation.products import Products as Products
from qaml_qiskit.evaluation.products import ZString as ZString
from qaml_qiskit.evaluation.proportions import Z_95 as Z_95
from qaml_qiskit.evaluation.proportions import Proportion as Proportion
from qaml_qiskit.evaluation.proportions import accuracy as accuracy
from qaml_qiskit.evaluation.proportions import mean_interval as mean_interval
from qaml_qiskit.evaluation.proportions import paired_difference as paired_difference
from qaml_qiskit.evaluation.proportions import paired_test as paired_test
from qaml_qiskit.evaluation.proportions import rms_difference as rms_difference
from qaml_qiskit.evaluation.proportions import slope as slope
from qaml_qiskit.evaluation.proportions import success_rate as success_rate
from qaml_qiskit.evaluation.proportions import wilson_interval as wilson_interval
from qaml_qiskit.evaluation.readout import ReadoutMap as ReadoutMap
from qaml_qiskit.evaluation.uncertainty import accuracy_interval as accuracy_interval
from qaml_qiskit.evaluation.uncertainty import sampled_accuracy as sampled_accuracy
from qaml_qiskit.evaluation.uncertainty import uncertain_labels as uncertain_labels
