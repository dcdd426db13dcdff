"""The exact noisy engine: a circuit and an Aer noise model to observables in the Pauli basis, backwards.

>>> from qaml_qiskit.simulation.heisenberg import noisy_observables
>>> observables = noisy_observables(circuit, noise_model, range(10))  # doctest: +SKIP
>>> logits = observables.expectations(amplitudes)  # doctest: +SKIP

A channel on one or two qubits is a real 4×4 or 16×16 matrix on the coefficients of Pauli strings. An observable is
propagated once, for all images.
"""

from qaml_qiskit.simulation.heisenberg.channels import PhysicalGate as PhysicalGate
from qaml_qiskit.simulation.heisenberg.memory import memory_needed as memory_needed
from qaml_qiskit.simulation.heisenberg.noise import readout_map as readout_map
from qaml_qiskit.simulation.heisenberg.observables import NoisyObservables as NoisyObservables
from qaml_qiskit.simulation.heisenberg.observables import noisy_expectations as noisy_expectations
from qaml_qiskit.simulation.heisenberg.observables import noisy_observables as noisy_observables
from qaml_qiskit.simulation.heisenberg.prepared import PreparedCircuit as PreparedCircuit
from qaml_qiskit.simulation.heisenberg.sensitivity import GateSensitivities as GateSensitivities
from qaml_qiskit.simulation.heisenberg.sensitivity import gate_sensitivities as gate_sensitivities
from qaml_qiskit.simulation.heisenberg.sensitivity import noisy_gates as noisy_gates
from qaml_qiskit.simulation.heisenberg.trainable import TrainableCircuit as TrainableCircuit
