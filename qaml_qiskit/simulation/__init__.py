"""The exact maths: compile a Qiskit circuit, run it on a batch of states, differentiate it.

>>> from qaml_qiskit.simulation import compile_circuit, z_expectations
>>> program = compile_circuit(circuit)  # doctest: +SKIP
>>> logits = z_expectations(program, amplitudes, weights, qubits=range(10))  # doctest: +SKIP

This room knows circuits and tensors, not images or classes. Bit order is Qiskit's: qubit 0 is the least significant
bit of the amplitude index.
"""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.simulation.choice import backend_description as backend_description
    from qaml_qiskit.simulation.choice import chosen_kernel as chosen_kernel
    from qaml_qiskit.simulation.choice import computing as computing
    from qaml_qiskit.simulation.choice import use_backend as use_backend
    from qaml_qiskit.simulation.compiler import compile_circuit as compile_circuit
    from qaml_qiskit.simulation.factored import FactoredForms as FactoredForms
    from qaml_qiskit.simulation.factored import collapse as collapse
    from qaml_qiskit.simulation.primitives import ExactEstimator as ExactEstimator
    from qaml_qiskit.simulation.primitives import ExactSampler as ExactSampler
    from qaml_qiskit.simulation.program import Program as Program
    from qaml_qiskit.simulation.readings import Reading as Reading
    from qaml_qiskit.simulation.readings import string_signs as string_signs
    from qaml_qiskit.simulation.statevector import Jacobians as Jacobians
    from qaml_qiskit.simulation.statevector import basis_states as basis_states
    from qaml_qiskit.simulation.statevector import evolve as evolve
    from qaml_qiskit.simulation.statevector import unitary as unitary
    from qaml_qiskit.simulation.statevector import z_expectations as z_expectations
    from qaml_qiskit.simulation.statevector import z_jacobians as z_jacobians

load_lazily(__name__)
