"""What does not work leaves the target; where nothing else is left, a sentence says so."""

import pytest
from qiskit.circuit import Measure
from qiskit.circuit.library import CZGate, RZGate, SXGate
from qiskit.transpiler import InstructionProperties
from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.execution.compilation.faulty import without_faulty

Errors = dict[tuple[int, ...], float | None]


def ring(pairs: Errors | None = None, one_qubit: Errors | None = None, readout: Errors | None = None) -> ISATarget:
    """Six qubits in a ring, with some errors replaced."""
    target = ISATarget(num_qubits=6, dt=1e-9)

    def places(default: Errors, replaced: Errors | None) -> dict[tuple[int, ...], InstructionProperties]:
        return {key: InstructionProperties(error=error) for key, error in {**default, **(replaced or {})}.items()}

    target.add_instruction(CZGate(), places({(q, (q + 1) % 6): 0.01 for q in range(6)}, pairs))
    target.add_instruction(SXGate(), places({(q,): 0.001 for q in range(6)}, one_qubit))
    target.add_instruction(RZGate(0.5), places({(q,): 0.0 for q in range(6)}, None))
    target.add_instruction(Measure(), places({(q,): 0.02 for q in range(6)}, readout))
    return target


def test_a_device_that_works_is_left_as_it_is() -> None:
    target = ring()
    assert without_faulty(target, 6) == (target, ())
    silent = ring({(q, (q + 1) % 6): None for q in range(6)}, readout={(q,): None for q in range(6)})
    assert without_faulty(silent, 6) == (silent, ())


@pytest.mark.parametrize("error", [1.0, None])
def test_a_pair_that_does_not_work_is_dropped(error: float | None) -> None:
    kept, notes = without_faulty(ring({(2, 3): error}), 6)
    assert notes == ()
    assert (2, 3) not in kept["cz"]
    assert len(kept["cz"]) == 5
    assert kept["sx"].keys() == {(q,) for q in range(6)}
    assert (kept.num_qubits, kept.dt) == (6, 1e-9)


@pytest.mark.parametrize("broken", [{"one_qubit": {(2,): 1.0}}, {"readout": {(2,): 0.46}}, {"readout": {(2,): None}}])
def test_a_qubit_that_does_not_work_is_dropped_with_its_pairs(broken: dict[str, Errors]) -> None:
    kept, notes = without_faulty(ring(**broken), 5)
    assert notes == ()
    assert all(2 not in qubits for name in kept.operation_names for qubits in kept[name])
    assert kept["cz"].keys() == {(0, 1), (3, 4), (4, 5), (5, 0)}


def test_nothing_is_dropped_where_too_little_would_be_left() -> None:
    """Two halves of three qubits: enough for three, not for four."""
    target = ring({(2, 3): 1.0, (5, 0): 1.0})
    kept, notes = without_faulty(target, 3)
    assert len(kept["cz"]) == 4
    assert notes == ()
    kept, notes = without_faulty(target, 4)
    assert kept is target
    assert len(notes) == 1
    assert "2 pairs of the device do not work" in notes[0]
    assert "does not connect 4 qubits" in notes[0]
    assert "1 qubit of the device" in without_faulty(ring(readout={(0,): 0.5}), 6)[1][0]
