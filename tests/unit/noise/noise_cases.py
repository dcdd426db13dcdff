"""The named noises written out by hand, without Aer and without the package, for the tests of the noise room."""

from collections.abc import Iterator
from functools import reduce
from itertools import product
from math import exp, sqrt

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit.library import CPhaseGate, RXGate, RZZGate
from qiskit.quantum_info import DensityMatrix, Kraus, Pauli

NOISY = ("sx", "x", "cz")

_PAULI = {name: Pauli(name).to_matrix() for name in "IXYZ"}
Operators = list[np.ndarray]


def depolarising(p: float, width: int) -> Operators:
    """(1 − p)ρ + p·1/2ᵏ: every Pauli string with weight p/4ᵏ."""
    strings = [reduce(np.kron, [_PAULI[letter] for letter in string]) for string in product("IXYZ", repeat=width)]
    weights = [p / 4**width + (1 - p) * (index == 0) for index in range(len(strings))]
    return [sqrt(weight) * string for weight, string in zip(weights, strings, strict=True)]


def damping(gamma: float) -> Operators:
    """Decay of |1⟩ to |0⟩."""
    return [np.diag([1, sqrt(1 - gamma)]), np.array([[0, sqrt(gamma)], [0, 0]])]


def dephasing(shrink: float) -> Operators:
    """Off-diagonal elements times ``shrink``."""
    return [np.diag([1, shrink]), np.diag([0, sqrt(1 - shrink**2)])]


def local(name: str, strength: float) -> list[Operators]:
    """The one-qubit channels of a noise, in time order."""
    match name:
        case "depolarizing":
            return [depolarising(strength, 1)]
        case "amplitude-damping":
            return [damping(strength)]
        case "bit-flip":
            return [[sqrt(1 - strength) * _PAULI["I"], sqrt(strength) * _PAULI["X"]]]
        case "phase-damping":
            return [dephasing(sqrt(1 - strength))]
        case "thermal-relaxation":  # e^(−t/T2) = e^(−t/T1), of which the decay itself gives the root
            return [damping(1 - exp(-strength)), dephasing(exp(-strength / 2))]
        case "over-rotation":
            return [[RXGate(strength).to_matrix()]]
        case _:
            return []


def marked(layers: list[QuantumCircuit]) -> QuantumCircuit:
    """The layers one after the other, each with its end marked."""
    whole = QuantumCircuit(layers[0].num_qubits)
    for layer in layers:
        whole.compose(layer, inplace=True)
        whole.barrier(label="layer-end")
    return whole


def hand_made(
    layers: list[QuantumCircuit], name: str, strength: float, placement: str, last: QuantumCircuit | None = None
) -> np.ndarray:
    """⟨Z⟩ of every qubit of a chain that starts in |0…0⟩, layer by layer, under a named noise.

    The last gates are none of a layer and have no noise.
    """
    num_qubits = layers[0].num_qubits
    chain = [(qubit, qubit + 1) for qubit in range(num_qubits - 1)]
    state, uses = DensityMatrix.from_label("0" * num_qubits), 0
    for layer in layers:
        for instruction in layer.data:
            qubits = [layer.find_bit(qubit).index for qubit in instruction.qubits]
            state = state.evolve(instruction.operation, qubits)
            if placement == "gate" and instruction.name in NOISY:
                uses += 1
                for operators, places in after_gate(name, strength, qubits, chain):
                    state = state.evolve(Kraus(operators), places)
        if placement == "layer":
            uses += 1
            for qubit in range(num_qubits):
                for operators in local(name, strength):
                    state = state.evolve(Kraus(operators), [qubit])
            for pair in chain if name == "crosstalk" else []:
                state = state.evolve(RZZGate(strength), pair)
    if last is not None:
        state = state.evolve(last)
    factor = {"global-depolarizing": (1 - strength) ** uses, "readout": 1 - 2 * strength}.get(name, 1.0)
    return factor * np.array([state.expectation_value(Pauli("Z"), [qubit]).real for qubit in range(num_qubits)])


def after_gate(
    name: str, strength: float, qubits: list[int], chain: list[tuple[int, int]]
) -> Iterator[tuple[Operators, list[int]]]:
    """What follows a native gate on these qubits."""
    if len(qubits) == 2 and name == "depolarizing":
        yield depolarising(strength, 2), qubits
    elif len(qubits) == 2 and name == "over-rotation":
        yield [CPhaseGate(strength).to_matrix()], qubits
    elif len(qubits) == 2 and name == "crosstalk":
        for pair in chain:
            if len({*pair} & {*qubits}) == 1:
                yield [RZZGate(strength).to_matrix()], list(pair)
    else:
        for operators in local(name, strength):
            for qubit in qubits:
                yield operators, [qubit]
