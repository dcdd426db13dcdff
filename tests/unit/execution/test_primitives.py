"""Options of backends.yaml reach the Runtime primitives; what a simulator cannot do is named."""

import pytest
from qiskit_aer import AerSimulator

from qaml_qiskit.execution import PrimitiveOptions
from qaml_qiskit.execution.options import DynamicalDecoupling, Twirling
from qaml_qiskit.execution.primitives import local_primitive, runtime_primitive

ALL = PrimitiveOptions(
    dynamical_decoupling=DynamicalDecoupling(sequence="XY4"),
    twirling=Twirling(gates=True, measure=True, randomizations=8),
    rep_delay=1e-4,
    max_execution_time=60,
)


@pytest.mark.parametrize("mitigation", ["none", "readout", "m3", "trex", "zne"])
def test_options_reach_the_primitive_of_a_device(mitigation: str) -> None:
    options = runtime_primitive(AerSimulator(), mitigation, ALL, tags=["a", "b"]).options
    assert options.dynamical_decoupling.enable
    assert options.dynamical_decoupling.sequence_type == "XY4"
    assert options.twirling.enable_gates
    assert options.twirling.enable_measure
    assert options.twirling.num_randomizations == 8
    assert options.execution.rep_delay == 1e-4
    assert options.max_execution_time == 60
    assert options.environment.job_tags == ["a", "b"]


def test_each_mitigation_asks_for_one_technique() -> None:
    trex, zne = (runtime_primitive(AerSimulator(), name, PrimitiveOptions()).options for name in ("trex", "zne"))
    assert trex.resilience_level == zne.resilience_level == 0
    assert trex.resilience.measure_mitigation
    assert not trex.resilience.zne_mitigation
    assert zne.resilience.zne_mitigation


def test_a_simulator_gets_what_it_can_do_and_the_rest_is_named() -> None:
    options = local_primitive(AerSimulator(), 3, "m3", ALL).options
    assert options.twirling.enable_gates
    assert not options.dynamical_decoupling.enable
    assert options.max_execution_time is None
    assert ALL.not_applied_locally() == ("dynamical_decoupling", "rep_delay", "max_execution_time")
    assert PrimitiveOptions().not_applied_locally() == ()


def test_another_seed_is_another_seed() -> None:
    seeds = [local_primitive(AerSimulator(), seed).options.simulator.seed_simulator for seed in (0, 1)]
    assert seeds[0]
    assert seeds[0] != seeds[1]


def test_options_for_gates_do_not_reach_the_calibration() -> None:
    """What is measured there is the readout as the classifier has it, twirled where the classifier's is."""
    kept = ALL.for_calibration()
    assert kept.dynamical_decoupling is None
    assert kept.twirling == Twirling(gates=False, measure=True, randomizations=8)
    assert (kept.rep_delay, kept.max_execution_time) == (ALL.rep_delay, ALL.max_execution_time)
    assert PrimitiveOptions(twirling=Twirling(gates=True)).for_calibration().twirling is None
    assert PrimitiveOptions().for_calibration() == PrimitiveOptions()
