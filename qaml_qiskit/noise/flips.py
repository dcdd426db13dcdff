"""Y flips at marked places: what layers of random RY rotations do on average."""

from collections.abc import Mapping
from copy import deepcopy

from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import IGate
from qiskit_aer.noise import NoiseModel, pauli_error

from qaml_qiskit.errors import ConfigurationError


def add_flips(
    circuit: QuantumCircuit, flips: Mapping[str, float], model: NoiseModel | None = None
) -> tuple[QuantumCircuit, NoiseModel | None]:
    """A circuit with Y flips behind marked barriers, and the noise model with them, for Aer and the exact engine.

    Args:
        circuit: with barriers that have these labels, on the qubits that are to be flipped; compiled or not, but a
            compilation after this would remove the flips.
        flips: the probability of a Y on each qubit of a barrier, by the barrier's label; 0 for none.
        model: further noise, which stays as it is.

    Returns:
        The circuit with labelled identities behind the barriers, and the model; None where there is no noise at all.

    Raises:
        ConfigurationError: no barrier has one of the labels.
    """
    acting = {label: flip for label, flip in flips.items() if flip}
    if missing := acting.keys() - {instruction.label for instruction in circuit.data}:
        raise ConfigurationError(
            "a part of the noise would not act on the circuit",
            got=f"no barrier labelled {', '.join(sorted(missing))} in it",
            expected="a circuit with the markers that the noise sits on",
            remedy="build the circuit with its noise layers marked: Ansatz.circuit(noise_layers='markers')",
        )
    if not acting:
        return circuit, model
    noisy = NoiseModel() if model is None else deepcopy(model)
    for label, flip in acting.items():
        noisy.add_all_qubit_quantum_error(pauli_error([("Y", flip), ("I", 1 - flip)]), [label])
    marked = circuit.copy_empty_like()
    for instruction in circuit.data:
        marked.append(instruction)
        if instruction.label in acting:
            for qubit in instruction.qubits:
                marked.append(IGate(label=instruction.label), [qubit])
    return marked, noisy
