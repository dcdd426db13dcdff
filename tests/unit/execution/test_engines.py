"""Which engine simulates a target, what is said of it, and that both have the same statistics."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qiskit.circuit import ParameterVector, QuantumCircuit

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import (
    Engine,
    PrimitiveOptions,
    Target,
    Workload,
    check_simulated,
    choose_engine,
    collect,
    load_catalogue,
    open_target,
    plan,
    runner_for,
    sample,
    submit,
    told_engine,
    with_begun_engine,
    with_engine,
    workload_for,
)
from qaml_qiskit.execution.catalogue import Catalogue, IBMEntry, parse_yaml
from qaml_qiskit.execution.fingerprint import fingerprints
from qaml_qiskit.execution.options import Twirling
from qaml_qiskit.execution.readings.outcomes import read_shots
from qaml_qiskit.execution.workload import SETTINGS_FILE
from tests.tolerances import SIGMAS

NOISY = """
targets:
  noisy: {kind: aer, noise: {depolarizing: {one_qubit: 0.01, two_qubit: 0.03}, readout: {p10: 0.02, p01: 0.1}}}
  by-aer: {kind: aer, engine: aer, noise: {depolarizing: {one_qubit: 0.01, two_qubit: 0.03}}}
  exactly: {kind: aer, engine: exact, noise: {depolarizing: {one_qubit: 0.01, two_qubit: 0.03}}}
  ideal: {kind: ideal}
  ideal-exactly: {kind: ideal, engine: exact}
"""


def circuit(num_qubits: int = 3) -> QuantumCircuit:
    """In native gates, with a free angle a qubit."""
    angles = ParameterVector("x", num_qubits)
    made = QuantumCircuit(num_qubits)
    for qubit, angle in enumerate(angles):
        made.sx(qubit)
        made.rz(angle, qubit)
        made.sx(qubit)
    for qubit in range(num_qubits - 1):
        made.cz(qubit, qubit + 1)
    made.sx(range(num_qubits))
    made.measure_all()
    return made


def target(name: str, num_qubits: int = 3) -> Target:
    return open_target(name, parse_yaml(NOISY, "test", Catalogue).entry(name), num_qubits)


def values(rows: int = 4, num_qubits: int = 3) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 3, (rows, num_qubits))


@pytest.mark.parametrize(
    ("name", "engine"),
    [("noisy", "exact"), ("by-aer", "aer"), ("exactly", "exact"), ("ideal", "aer"), ("ideal-exactly", "exact")],
)
def test_entries_choose(name: str, engine: Engine) -> None:
    found = choose_engine(target(name), circuit())
    assert (found.engine, found.why) == (engine, "")
    workload = workload_for(circuit(), values(), target(name), shots=5)
    assert workload.settings.engine == engine
    assert ("engine" in workload.settings.model_dump()) == (engine == "exact"), "Aer is not written"
    told = told_engine(target(name), workload.isa, engine, "none")
    assert told == (() if name == "ideal" else told)
    assert all(("exactly" in line) == (engine == "exact") for line in told)


def test_where_the_exact_engine_does_not_apply_aer_takes_over_and_says_so() -> None:
    wide = choose_engine(target("noisy", 14), circuit(14))
    assert wide.engine == "aer"
    assert "14 qubits" in wide.why
    assert "at most 12" in wide.why
    assert "trex" in choose_engine(target("noisy"), circuit(), "trex").why
    twirled = target("noisy")
    options = PrimitiveOptions(twirling=Twirling(gates=True))
    twirled = replace(twirled, entry=twirled.entry.model_copy(update={"options": options}))
    assert "twirling" in choose_engine(twirled, circuit()).why
    workload = workload_for(circuit(14), values(2, 14), target("noisy", 14), shots=5)
    assert workload.settings.engine == "aer"
    assert any("Aer: 14 qubits" in line for line in plan(workload, target("noisy", 14)).assumptions)


def test_tiles_that_no_gate_connects_are_simulated_exactly() -> None:
    wide = QuantumCircuit(60)
    for tile in range(6):
        wide.compose(circuit(10).assign_parameters([0.3] * 10), range(10 * tile, 10 * tile + 10), inplace=True)
    assert choose_engine(target("noisy", 60), wide).engine == "exact"


@pytest.mark.parametrize(
    ("made", "mitigation", "said"), [(circuit(14), "none", "14 qubits"), (circuit(), "zne", "Runtime's Estimator")]
)
def test_an_engine_that_was_asked_for_and_cannot_is_refused(made: QuantumCircuit, mitigation: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"exact engine cannot simulate.*{said}"):
        check_simulated(target("exactly", made.num_qubits), made, mitigation)


def test_another_engine_than_the_entrys() -> None:
    assert choose_engine(with_engine(target("noisy"), "aer"), circuit()).engine == "aer"
    assert choose_engine(with_engine(target("by-aer"), "exact"), circuit()).engine == "exact"
    assert with_engine(target("by-aer"), None).entry.engine == "aer"
    device = replace(target("ideal"), name="device", entry=IBMEntry(kind="ibm", device="ibm_torino"))
    with pytest.raises(ConfigurationError, match="device is real hardware"):
        with_engine(device, "exact")
    assert told_engine(device, circuit(), "aer", "none") == ()


def test_entries_of_other_engines_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="engine"):
        parse_yaml("targets: {a: {kind: ideal, engine: fast}}", "test", Catalogue)
    with pytest.raises(ConfigurationError, match="engine"):
        parse_yaml("targets: {a: {kind: ibm, device: ibm_torino, engine: aer}}", "test", Catalogue)
    assert "engine" not in load_catalogue().entry("fake-torino").model_dump()


@pytest.mark.parametrize("mitigation", ["none", "readout", "m3"])
def test_both_engines_have_the_same_statistics(mitigation: str) -> None:
    shots = 2000
    exact, aer = (
        sample(circuit(), values(12), with_engine(target("noisy"), engine), shots=shots, mitigation=mitigation, seed=3)
        for engine in ("exact", "aer")
    )
    for stage, found in exact.estimates.items():
        other = aer.estimates[stage]
        error = np.sqrt(np.diagonal(found.whole_covariance() + other.whole_covariance(), axis1=1, axis2=2))
        assert (np.abs(found.values - other.values) < SIGMAS * error).all(), stage


def test_counts_do_not_depend_on_who_computes_a_job(tmp_path: Path) -> None:
    workload = workload_for(circuit(), values(5), target("noisy"), shots=40, mitigation="m3", images_per_job=2)
    shots = []
    for name in ("a", "b"):
        # A fresh runner a job, as on workers, or one for all.
        for job in workload.settings.jobs if name == "b" else ():
            answer = runner_for(target("noisy"), workload).answer(f"local-{job.chunk}", workload, job)
            assert len(answer.result) == 1 + (job.chunk == "calibration")
        runner = runner_for(target("noisy"), workload)
        submit(tmp_path / name, workload, runner)
        collect(tmp_path / name, workload, runner)
        shots.append(read_shots(tmp_path / name, workload))
    assert (shots[0] == shots[1]).all()


def test_a_folder_goes_on_with_the_engine_that_it_was_begun_with(tmp_path: Path) -> None:
    begun, now = (
        workload_for(circuit(), values(), with_engine(target("noisy"), engine), shots=5) for engine in ("aer", "exact")
    )
    assert with_begun_engine(tmp_path, now) is now
    begun.save(tmp_path)
    assert "engine" not in (tmp_path / SETTINGS_FILE).read_text()
    assert with_begun_engine(tmp_path, now).settings == begun.settings
    assert Workload.load(tmp_path).settings.engine == "aer"
    now.save(tmp_path / "other")
    assert Workload.load(tmp_path / "other").settings.engine == "exact"
    assert fingerprints(tmp_path, begun) != fingerprints(tmp_path, replace(now, isa=begun.isa))
