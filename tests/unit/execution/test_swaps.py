"""SWAPs next to gates: the meaning stays, and two CZ an adjacent SWAP are saved although angles stay free."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Operator
from qiskit.transpiler import CouplingMap, PassManager
from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.encodings import MultiplexedEncoding
from qaml_qiskit.execution import Recipe, to_isa
from qaml_qiskit.execution.compilation.swaps import SwapsBesideGates
from tests.tolerances import VALUE


def moved(circuit: QuantumCircuit) -> QuantumCircuit:
    return PassManager([SwapsBesideGates()]).run(circuit)


def line(num_qubits: int) -> ISATarget:
    return ISATarget.from_configuration(
        ["rz", "sx", "x", "cz"], num_qubits, coupling_map=CouplingMap.from_line(num_qubits)
    )


def plain(**change: object) -> Recipe:
    return Recipe(why="test", optimization_level=3, seeds=(1, 2, 3), **change)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_meaning_and_gates_stay(seed: int) -> None:
    generator = np.random.default_rng(seed)
    circuit = QuantumCircuit(4, global_phase=0.3)
    for _ in range(30):
        a, b = generator.choice(3, 2, replace=False).tolist()
        match generator.integers(5):
            case 0 | 1:
                circuit.swap(a, b)
            case 2:
                circuit.cz(a, b)
            case 3:
                circuit.barrier(a)
            case _:
                circuit.ry(generator.uniform(0, 6), a)
                circuit.rz(generator.uniform(0, 6), b)
    after = moved(circuit)
    assert np.abs(Operator(after).data - Operator(circuit).data).max() < VALUE[torch.float64]
    assert Counter(map(str, (each.operation.params for each in after.data))) == Counter(
        map(str, (each.operation.params for each in circuit.data))
    )


@pytest.mark.parametrize("swap_first", [False, True])
def test_free_angles_do_not_part_a_swap_from_its_gate(swap_first: bool) -> None:
    """CZ, RY with a free angle and SWAP on a pair: two CZ in place of four, in either order."""
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    gates = [circuit.swap, circuit.cz] if swap_first else [circuit.cz, circuit.swap]
    gates[0](0, 1)
    circuit.ry(Parameter("a"), 1)
    gates[1](0, 1)
    names = [each.operation.name for each in moved(circuit).data]
    assert abs(names.index("cz") - names.index("swap")) == 1
    recipe = {"layout_method": "trivial", "approximation_degree": 1.0}
    # Level 3 takes a first or last SWAP as a relabelling, so gates on both sides keep it.
    framed = QuantumCircuit(3)
    framed.cz(1, 2)
    framed.ry(Parameter("b"), 1)
    framed = framed.compose(circuit, [0, 1])
    framed.ry(Parameter("c"), 0)
    framed.cz(1, 2)
    with_it = gate_counts(to_isa(framed, line(3), plain(merge_swaps=True, **recipe))).two_qubit_gates
    assert with_it <= gate_counts(to_isa(framed, line(3), plain(**recipe))).two_qubit_gates


def test_the_gap_between_free_and_bound_angles_closes() -> None:
    """Routed with free angles and SWAPs merged, the encoding is no longer than with the angles of one image."""
    encoding = MultiplexedEncoding(5)
    image = torch.rand(1, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    bound = encoding.circuit.assign_parameters(encoding.angles(image)[0].numpy())

    def count(circuit: QuantumCircuit, **change: object) -> int:
        return gate_counts(to_isa(circuit, line(5), plain(**change))).two_qubit_gates

    free = count(encoding.circuit, merge_swaps=True)
    assert free <= count(bound)
    assert free < count(encoding.circuit)


def test_other_instructions_keep_their_place() -> None:
    circuit = QuantumCircuit(2, 1)
    circuit.cz(0, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.swap(0, 1)
    circuit.x(1)
    assert moved(circuit) == circuit
