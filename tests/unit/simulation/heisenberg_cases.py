"""Noisy circuits that the tests of the noisy engine share, and what Aer says about them."""

from collections.abc import Callable, Sequence
from itertools import product
from math import pi

import numpy as np
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Kraus, Statevector, random_quantum_channel, random_unitary
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    QuantumError,
    amplitude_damping_error,
    coherent_unitary_error,
    depolarizing_error,
    pauli_error,
    reset_error,
    thermal_relaxation_error,
)

ONE_QUBIT = ("sx", "x", "rz", "ry", "u", "h", "id")
TWO_QUBIT = ("cz", "cx", "ecr", "swap", "rzz", "rzx", "cp")

Error = Callable[[int, np.random.Generator], QuantumError]


def _kraus(width: int, rng: np.random.Generator) -> QuantumError:
    """Any channel: it has no structure at all."""
    return QuantumError(Kraus(random_quantum_channel(2**width, 2**width, rank=2, seed=rng)))


def _pauli(width: int, rng: np.random.Generator) -> QuantumError:
    """Asymmetric and correlated."""
    strings = ["".join(string) for string in product("IXYZ", repeat=width)]
    return pauli_error(list(zip(strings, rng.dirichlet(np.ones(len(strings))).tolist(), strict=True)))


def _coherent(width: int, rng: np.random.Generator) -> QuantumError:
    return coherent_unitary_error(random_unitary(2**width, seed=rng))


def _on_each(make: Callable[[np.random.Generator], QuantumError]) -> Error:
    """Local relaxation of each qubit, behind depolarising as device models have it, or before it."""

    def error(width: int, rng: np.random.Generator) -> QuantumError:
        local = make(rng)
        if width == 2:
            local = local.tensor(make(rng))
        depolarising = depolarizing_error(rng.uniform(0, 0.5), width)
        return local.compose(depolarising) if rng.random() < 0.5 else depolarising.compose(local)

    return error


def _relaxation(rng: np.random.Generator) -> QuantumError:
    t1 = rng.uniform(1, 5)
    return thermal_relaxation_error(t1, t1 * rng.uniform(0.2, 2), rng.uniform(0, 2), rng.uniform(0, 0.5))


ERRORS: dict[str, Error] = {
    "kraus": _kraus,
    "pauli": _pauli,
    "coherent": _coherent,
    "depolarising": lambda width, rng: depolarizing_error(rng.uniform(0, 1), width),
    "damping": _on_each(lambda rng: amplitude_damping_error(rng.uniform(0, 1), rng.uniform(0, 1))),
    "relaxation": _on_each(_relaxation),
    "reset": _on_each(lambda rng: reset_error(rng.uniform(0, 0.5), rng.uniform(0, 0.5))),
}


@st.composite
def noisy_circuits(draw: st.DrawFn, max_qubits: int = 5) -> tuple[QuantumCircuit, NoiseModel]:
    """A random circuit, and a model with random errors on some of its gates, everywhere and on particular qubits."""
    num_qubits = draw(st.integers(1, max_qubits))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    qubits = st.permutations(range(num_qubits))
    names = st.sampled_from(ONE_QUBIT + (TWO_QUBIT if num_qubits > 1 else ()))
    circuit, model, used = QuantumCircuit(num_qubits), NoiseModel(), set()
    for name in draw(st.lists(names, min_size=1, max_size=24)):
        order = draw(qubits)
        apply(circuit, name, order, rng)
        width = 2 if name in TWO_QUBIT else 1
        used.add((name, tuple(order[:width])))
    for name, place in sorted(used):
        kind = draw(st.sampled_from([*ERRORS, "none", "none"]))
        if kind == "none":
            continue
        error = ERRORS[kind](len(place), rng)
        if draw(st.booleans()):
            model.add_quantum_error(error, name, place, warnings=False)
        else:
            model.add_all_qubit_quantum_error(error, name, warnings=False)
    return circuit, model


def apply(circuit: QuantumCircuit, name: str, qubits: Sequence[int], rng: np.random.Generator) -> None:
    """Append the named gate with random angles to the first of the qubits."""
    gate = get_standard_gate_name_mapping()[name]
    gate = gate.base_class(*rng.uniform(-pi, pi, len(gate.params))) if gate.params else gate
    circuit.append(gate, qubits[: gate.num_qubits])


def qvc_native(num_qubits: int, layers: int, seed: int = 0) -> QuantumCircuit:
    """RZ·SX·RZ·SX·RZ on every qubit, then a chain of CZ: the ansatz in native gates."""
    circuit, rng = QuantumCircuit(num_qubits), np.random.default_rng(seed)
    for _ in range(layers):
        for qubit in range(num_qubits):
            for name in ("rz", "sx", "rz", "sx", "rz"):
                apply(circuit, name, [qubit], rng)
        for qubit in range(num_qubits - 1):
            circuit.cz(qubit, qubit + 1)
    return circuit


def aer_expectations(circuit: QuantumCircuit, model: NoiseModel | None, state: np.ndarray | None = None) -> np.ndarray:
    """⟨Z⟩ of every qubit after the circuit, by Aer's density matrix; readout errors left out. |0…0⟩ if no state."""
    diagonal = aer_probabilities(circuit, model, state)
    index = np.arange(len(diagonal))
    return np.array([((1 - 2 * (index >> qubit & 1)) * diagonal).sum() for qubit in range(circuit.num_qubits)])


def aer_probabilities(circuit: QuantumCircuit, model: NoiseModel | None, state: np.ndarray | None = None) -> np.ndarray:
    """The distribution over all qubits' bitstrings after the circuit, by Aer's density matrix, shape (2ⁿ,)."""
    full = QuantumCircuit(circuit.num_qubits)
    if state is not None:
        full.set_statevector(Statevector(state))
    full.compose(circuit, inplace=True)
    full.save_density_matrix()
    result = AerSimulator(method="density_matrix", noise_model=model, max_parallel_threads=1).run(full).result()
    return result.data()["density_matrix"].data.diagonal().real
