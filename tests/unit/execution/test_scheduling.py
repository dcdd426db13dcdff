"""Delays and decoupling pulses: nothing changes in meaning, idle times are filled, and what cannot be timed is told."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Operator
from qiskit.transpiler import Target as ISATarget
from qiskit_ibm_runtime.fake_provider import FakeManilaV2, FakeTorino

from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import Recipe, to_isa
from qaml_qiskit.execution.circuits import active_qubits, compact
from tests.tolerances import VALUE

#: Durations are whole numbers of these.
TORINO_DT = 4e-9


@pytest.fixture(scope="module")
def torino() -> ISATarget:
    return FakeTorino().target


def waiting(measured: bool = True) -> QuantumCircuit:
    """Qubit 2 has a gate, then waits for five CZ of the others."""
    circuit = QuantumCircuit(3)
    angle = Parameter("a")
    circuit.ry(angle, 0)
    circuit.ry(0.4, 2)
    circuit.cz(1, 2)
    for _ in range(5):
        circuit.cz(0, 1)
        circuit.ry(angle, 0)
        circuit.ry(0.3, 1)
    circuit.cz(1, 2)
    circuit.ry(1.1, 2)
    if measured:
        circuit.measure_all()
    return circuit


def recipe(**change: object) -> Recipe:
    return Recipe(why="test", optimization_level=3, seeds=(1,), layout="line", **change)


@pytest.mark.parametrize("sequence", ["XX", "XpXm", "XY4"])
def test_pulses_are_the_identity(sequence: str, torino: ISATarget) -> None:
    bare, filled = (
        compact(to_isa(waiting(measured=False), torino, recipe(**change)).assign_parameters([0.7]))
        for change in ({}, {"dynamical_decoupling": sequence})
    )
    pulses = filled.count_ops()["x"] - bare.count_ops().get("x", 0)
    assert pulses >= (4 if sequence == "XY4" else 2)
    wanted, got = Operator(bare).data, Operator(filled).data
    phase = np.vdot(wanted, got) / len(wanted)
    assert np.abs(got - phase * wanted).max() < VALUE[torch.float64]


def test_pulses_of_xy4_are_x_and_y_in_turn(torino: ISATarget) -> None:
    """Frame changes stand directly before every second pulse."""
    filled = compact(to_isa(waiting(), torino, recipe(dynamical_decoupling="XY4")))
    wire = max(
        range(3), key=lambda q: [i.operation.name for i in filled.data if i.qubits == (filled.qubits[q],)].count("x")
    )
    own = [each.operation for each in filled.data if each.qubits == (filled.qubits[wire],)]
    pulses = [i for i, operation in enumerate(own) if operation.name == "x"][:4]
    assert [own[i - 1].name for i in pulses] == ["delay", "rz", "delay", "rz"]


@pytest.mark.parametrize("change", [{"schedule": "alap"}, {"dynamical_decoupling": "XX"}])
def test_every_qubit_is_busy_until_its_measurement(change: dict[str, str], torino: ISATarget) -> None:
    """On each qubit the durations up to the measurement are the same, and no other qubit of the device has a delay."""
    isa = to_isa(waiting(), torino, recipe(**change))
    assert len(active_qubits(isa)) == 3
    totals = dict.fromkeys(active_qubits(isa), 0)
    done: set[int] = set()
    for each in isa.data:
        qubits = [isa.find_bit(qubit).index for qubit in each.qubits]
        if each.operation.name == "measure":
            done.update(qubits)
        if each.operation.name in ("barrier", "measure") or done & {*qubits}:
            continue
        properties = torino[each.operation.name].get(tuple(qubits))
        for qubit in qubits:
            totals[qubit] += (
                each.operation.duration
                if each.operation.name == "delay"
                else round((properties.duration or 0) / TORINO_DT)
            )
    assert all(a == b for a, b in pairwise(totals.values()))
    assert {parameter.name for parameter in isa.parameters} == {"a"}


def test_delays_are_no_gates(torino: ISATarget) -> None:
    bare, timed = (to_isa(waiting(), torino, recipe(**change)) for change in ({}, {"schedule": "alap"}))
    assert timed.count_ops()["delay"] > 0
    assert gate_counts(timed) == gate_counts(bare)


def test_a_target_without_durations_is_refused() -> None:
    target = ISATarget.from_configuration(["rz", "sx", "x", "cz"], 3)
    with pytest.raises(ConfigurationError, match="without durations"):
        to_isa(waiting(), target, recipe(dynamical_decoupling="XX"))


def test_pulses_need_x_and_rz() -> None:
    target = ISATarget.from_configuration(["u", "cz"], 3, dt=1e-9)
    with pytest.raises(ConfigurationError, match="decoupling pulses"):
        to_isa(waiting(measured=False), target, recipe(dynamical_decoupling="XX"))


def test_devices_with_coarse_clocks_are_served() -> None:
    """Pulses of a device may only begin every 16th step of its clock."""
    target = FakeManilaV2().target
    isa = to_isa(waiting(), target, recipe(dynamical_decoupling="XY4"))
    delays = [each.operation.duration for each in isa.data if each.operation.name == "delay"]
    assert delays
    assert all(duration % target.pulse_alignment == 0 for duration in delays)
