"""The best line of qubits, against a search through all of them."""

from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import ClassicalRegister, Measure, Parameter, QuantumCircuit
from qiskit.circuit.library import CZGate, RZGate, SXGate, U2Gate, U3Gate
from qiskit.transpiler import InstructionProperties
from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution.compilation import layout
from qaml_qiskit.execution.compilation.layout import LineUsage, best_line, is_on_a_line, line_usage
from tests.tolerances import VALUE

Errors = dict[tuple[int, ...], float | None]


def device(pairs: Errors, one_qubit: list[float | None], readout: list[float | None]) -> ISATarget:
    """A device of CZ, SX, RZ and measurements; an error of None is one that the calibration does not give."""

    def properties(error: float | None) -> InstructionProperties:
        return InstructionProperties(error=error)

    n = len(one_qubit)
    target = ISATarget(num_qubits=n)
    target.add_instruction(CZGate(), {key: properties(error) for key, error in pairs.items()})
    target.add_instruction(SXGate(), {(qubit,): properties(error) for qubit, error in enumerate(one_qubit)})
    target.add_instruction(RZGate(0.5), {(qubit,): properties(0.0) for qubit in range(n)})
    target.add_instruction(Measure(), {(qubit,): properties(error) for qubit, error in enumerate(readout)})
    return target


def chance(line: tuple[int, ...], usage: LineUsage, pairs: Errors, one: list[float], read: list[float]) -> float:
    """The probability that nothing fails, straight from its definition."""
    result = 1.0
    for bond, pair in enumerate(pairwise(line)):
        result *= (1 - (pairs.get(pair) or pairs[pair[::-1]])) ** usage.bonds[bond]
    for place, qubit in enumerate(line):
        result *= (1 - one[qubit]) ** usage.one_qubit[place] * ((1 - read[qubit]) if usage.readout[place] else 1)
    return result


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 5))
def test_no_other_line_is_better(seed: int, n: int) -> None:
    generator = np.random.default_rng(seed)
    size = 7
    everywhere = [(a, b) for a in range(size) for b in range(a + 1, size)]
    chosen = generator.choice(len(everywhere), 11, replace=False)
    pairs: Errors = {everywhere[index]: float(generator.uniform(0.001, 0.2)) for index in chosen}
    one, read = generator.uniform(0.0001, 0.05, size).tolist(), generator.uniform(0.001, 0.3, size).tolist()
    usage = LineUsage(
        tuple(generator.integers(0, 9, n - 1).tolist()),
        tuple(generator.integers(0, 9, n).tolist()),
        tuple(generator.integers(0, 2, n).astype(bool).tolist()),
    )
    lines = [
        line
        for line in permutations(range(size), n)
        if all(pair in pairs or pair[::-1] in pairs for pair in pairwise(line))
    ]
    best = max((chance(line, usage, pairs, one, read) for line in lines), default=None)
    if best is None:
        with pytest.raises(ConfigurationError, match="no line"):
            best_line(device(pairs, one, read), usage)
        return
    found = best_line(device(pairs, one, read), usage)
    assert found in lines
    assert chance(found, usage, pairs, one, read) == pytest.approx(best, abs=VALUE[torch.float64])


def test_both_orientations_are_tried() -> None:
    """The busy end of the circuit goes to the good end of the line, whichever that is."""
    usage = LineUsage((20, 1), (0, 0, 0), (False, False, False))
    good_first: Errors = {(0, 1): 0.001, (1, 2): 0.1}
    good_last: Errors = {(0, 1): 0.1, (1, 2): 0.001}
    assert best_line(device(good_first, [0.0] * 3, [0.0] * 3), usage) == (0, 1, 2)
    assert best_line(device(good_last, [0.0] * 3, [0.0] * 3), usage) == (2, 1, 0)


@pytest.mark.parametrize("error", [None, 1.0])
def test_faulty_parts_are_never_used(error: float | None) -> None:
    """A ring of five: without the faulty part there is one way round, however bad its errors are."""
    ring: Errors = {(qubit, (qubit + 1) % 5): 0.4 for qubit in range(5)}
    usage = LineUsage((0, 0, 0), (0,) * 4, (True,) * 4)
    fine: list[float | None] = [0.3] * 5
    assert {*pairwise(best_line(device(ring | {(1, 2): error}, fine, fine), usage))}.isdisjoint({(1, 2), (2, 1)})
    broken: list[float | None] = [0.3, error, 0.3, 0.3, 0.3]
    assert 1 not in best_line(device(ring, broken, fine), usage)
    assert 1 not in best_line(device(ring, fine, broken), usage)


def test_readout_counts_where_it_happens_only() -> None:
    pairs: Errors = {(0, 1): 0.01, (1, 2): 0.01}
    read: list[float | None] = [1.0, 0.01, 0.01]
    assert best_line(device(pairs, [0.0] * 3, read), LineUsage((1,), (0, 0), (True, True))) == (1, 2)
    assert best_line(device(pairs, [0.0] * 3, read), LineUsage((1,), (0, 0), (False, True))) == (0, 1)


def test_equally_good_lines_give_the_first() -> None:
    pairs: Errors = {(0, 1): 0.01, (1, 2): 0.01, (2, 3): 0.01}
    assert best_line(device(pairs, [0.0] * 4, [0.0] * 4), LineUsage((1,), (1, 1), (True, True))) == (0, 1)


def test_a_device_without_calibration_is_refused() -> None:
    pairs: Errors = {(0, 1): None, (1, 2): None}
    with pytest.raises(ConfigurationError, match="without calibrated"):
        best_line(device(pairs, [0.0] * 3, [0.0] * 3), LineUsage((1,), (0, 0), (True, True)))


def test_a_device_that_does_not_say_its_readout_weighs_gates_alone() -> None:
    pairs: Errors = {(0, 1): 0.1, (1, 2): 0.01}
    assert best_line(device(pairs, [0.0] * 3, [None] * 3), LineUsage((1,), (0, 0), (True, True))) == (1, 2)


def test_devices_of_u1_u2_and_u3_have_lines() -> None:
    """U2 is one pulse, as SX is; U3 is two and U1 none."""
    target = device({(0, 1): 0.01, (1, 2): 0.01}, [0.001, 0.001, 0.1], [0.0] * 3)
    old = ISATarget(num_qubits=3)
    old.add_instruction(CZGate(), dict(target["cz"]))
    old.add_instruction(Measure(), dict(target["measure"]))
    old.add_instruction(U2Gate(Parameter("a"), Parameter("b")), dict(target["sx"]))
    old.add_instruction(U3Gate(*map(Parameter, "abc")), {key: InstructionProperties(error=0.2) for key in target["sx"]})
    usage = LineUsage((1,), (2, 2), (True, True))
    assert best_line(old, usage) == best_line(target, usage) == (0, 1)


def test_all_to_all_needs_no_choice() -> None:
    target = ISATarget(num_qubits=4)
    target.add_instruction(CZGate())
    assert best_line(target, LineUsage((1, 1), (1,) * 3, (True,) * 3)) == (0, 1, 2)


def test_a_search_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MOST_STEPS", 5)
    pairs: Errors = {(a, b): 0.01 * (a + b) for a in range(6) for b in range(a + 1, 6)}
    with pytest.raises(ConfigurationError, match="given up"):
        best_line(device(pairs, [0.01] * 6, [0.01] * 6), LineUsage((1,) * 5, (1,) * 6, (True,) * 6))


def test_usage_of_a_circuit() -> None:
    circuit = QuantumCircuit(4)
    circuit.rz(0.1, 0)
    circuit.ry(0.1, 0)
    circuit.cz(0, 1)
    circuit.ry(0.2, 0)
    circuit.barrier()
    circuit.rz(0.2, 0)
    circuit.cz(3, 1)
    circuit.add_register(ClassicalRegister(1))
    circuit.measure(2, 0)
    usage = line_usage(circuit)
    assert usage == LineUsage((1, 1, 1), (4, 0, 0, 0), (False, False, True, False))


def test_is_on_a_line() -> None:
    circuit = QuantumCircuit(4)
    circuit.cz(2, 1)
    circuit.cz(1, 3)
    circuit.barrier(0, 2)
    assert is_on_a_line(circuit, (2, 1, 3))
    assert not is_on_a_line(circuit, (1, 2, 3))
