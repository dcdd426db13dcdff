"""Figures of merit: pure functions of predictions."""

from qaml_qiskit.evaluation.accuracy import Proportion as Proportion
from qaml_qiskit.evaluation.accuracy import accuracy as accuracy
from qaml_qiskit.evaluation.accuracy import rms_difference as rms_difference
