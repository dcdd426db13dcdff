"""The engines of a sweep against each other and against primitives, on three qubits."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qaml_qiskit.deployments.circuits import (
    CircuitWithNoise,
    check_measured_last,
    device_circuit,
    native_circuit,
)
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import open_target
from qaml_qiskit.execution.catalogue import FakeEntry, IdealEntry
from qaml_qiskit.formats import Arrays, arrays_of, npz
from qaml_qiskit.models import QVC, QVCConfig
from qaml_qiskit.noise import named_noise
from qaml_qiskit.progress import ignore
from qaml_qiskit.studies import SweepCell, score_cell
from qaml_qiskit.studies.engines import Inputs, density, sampled, seed_of, trajectories
from qaml_qiskit.studies.sweeping import pack
from tests.integration.small import SHOTS, compiled, deployed, exact, ideal, images, model
from tests.mthree_cases import M3
from tests.tolerances import AER, DIFFERENT, SIGMAS, VALUE

LABELS = np.arange(6) % 3
#: Noises of every kind, with strengths that leave something of the signal.
NOISES = {
    "depolarizing": 0.03,
    "amplitude-damping": 0.05,
    "bit-flip": 0.02,
    "phase-damping": 0.05,
    "thermal-relaxation": 0.05,
    "over-rotation": 0.1,
    "crosstalk": 0.1,
    "readout": 0.08,
    "global-depolarizing": 0.02,
}


def cell(engine: str, noise: str, placement: str = "gate", *, with_encoding: bool = False) -> SweepCell:
    return SweepCell(
        deployment=ideal().under(noise, NOISES[noise], placement, on_encoding=with_encoding),
        encoding_noise=with_encoding,
        images=pack(images(), LABELS),
        engine=engine,
        attacks=(),
        shots=(SHOTS,),
        mitigation=("none",),
        trajectories=400,
        seed=5,
        case_seed=6,
    )


def scored(task: SweepCell) -> Arrays:
    return score_cell(task, ignore)


def values(found: Arrays, what: str = "z", *, mitigation: str = "none", shots: int = 0) -> NDArray[np.float64]:
    return found[f"0.{mitigation}.{shots}.{what}"].astype(np.float64)


def assert_within_errors(found: NDArray[np.float64], truth: NDArray[np.float64], errors: NDArray[np.float64]) -> None:
    """Within the errors, and the errors are about as large as the deviations: neither too small nor too large."""
    deviation = np.abs(found - truth)
    assert (deviation < SIGMAS * errors + AER).all()
    assert np.sqrt((deviation**2).mean()) > np.sqrt((errors**2).mean()) / SIGMAS


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("placement", ["gate", "layer"])
def test_exact_is_aers_density_matrix(noise: str, placement: str) -> None:
    exactly, by_aer = (values(scored(cell(engine, noise, placement))) for engine in ("exact", "aer-density"))
    assert np.abs(exactly - by_aer).max() < VALUE[torch.float32]
    assert np.abs(exactly - exact()).max() > DIFFERENT


@pytest.mark.parametrize("noise", ["depolarizing", "thermal-relaxation", "readout"])
def test_a_noisy_encoding_is_the_same_to_aer(noise: str) -> None:
    exactly, by_aer = (values(scored(cell(engine, noise, with_encoding=True))) for engine in ("exact", "aer-density"))
    assert np.abs(exactly - by_aer).max() < AER
    noiseless_encoding = values(scored(cell("exact", noise)))
    is_readout = noise == "readout"
    assert (np.abs(exactly - noiseless_encoding).max() < VALUE[torch.float32]) == is_readout


@pytest.mark.parametrize("noise", ["depolarizing", "amplitude-damping", "bit-flip"])
@pytest.mark.parametrize("with_encoding", [False, True])
def test_trajectories_agree_within_their_error(noise: str, with_encoding: bool) -> None:
    truth = values(scored(cell("exact", noise, with_encoding=with_encoding)))
    found = scored(cell("aer-trajectories", noise, with_encoding=with_encoding))
    errors = np.sqrt(np.diagonal(values(found, "covariance"), axis1=1, axis2=2))
    assert errors.max() > DIFFERENT
    assert_within_errors(values(found), truth, errors)


def test_images_have_trajectories_of_their_own() -> None:
    """The same image several times: its values differ as much as their error bars say."""
    where = native_circuit(model(), "gate", with_encoding=False).under(named_noise("depolarizing", 0.1))
    state = model().encoding.state(images(1)).numpy()
    found = trajectories(where, Inputs(states=state.repeat(30, axis=0)), 100, seed=2)
    errors = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2)).mean(axis=0)
    # The relative error of a standard deviation from 30 values is 1/√58.
    assert (np.abs(found.z.std(axis=0, ddof=1) / errors - 1) < SIGMAS / np.sqrt(58)).all()


@pytest.mark.parametrize("noise", ["depolarizing", "crosstalk", "readout"])
@pytest.mark.parametrize("with_encoding", [False, True])
def test_sampled_counts_agree_within_their_error(noise: str, with_encoding: bool) -> None:
    truth = values(scored(cell("exact", noise, with_encoding=with_encoding)))
    found = scored(cell("aer-sampler", noise, with_encoding=with_encoding))
    assert_within_errors(values(found, shots=SHOTS), truth, np.sqrt((1 - truth**2).clip(DIFFERENT) / SHOTS))


@pytest.mark.parametrize("method", ["readout", M3])
def test_drawn_shots_are_corrected_within_their_error(method: str) -> None:
    both = replace(cell("aer-sampler", "readout"), mitigation=("none", method))
    found = scored(both)
    raw, mitigated = values(found, shots=SHOTS), values(found, "mitigated", mitigation=method, shots=SHOTS)
    contrast = 1 - 2 * NOISES["readout"]
    assert np.abs(raw - exact()).max() > NOISES["readout"] / 2
    assert (np.abs(mitigated - exact()) < SIGMAS * 2 / np.sqrt(SHOTS) / contrast).all()


@pytest.mark.parametrize("with_encoding", [False, True])
def test_device_circuit_computes_the_model(with_encoding: bool) -> None:
    """Compiled and relabelled, without noise, class k is still read from the qubit that ⟨Z_k⟩ has moved to."""
    target = open_target("torino", FakeEntry(kind="fake", device="FakeTorino"), 3)
    circuit = device_circuit(model(), target, "level3", with_encoding=with_encoding)
    silent = CircuitWithNoise(circuit.circuit, None, circuit.inputs, circuit.read)
    columns = [parameter.index for parameter in circuit.circuit.parameters]
    inputs = (
        Inputs(values=model().encoding.angles(images()).numpy()[:, columns])
        if with_encoding
        else Inputs(states=model().encoding.state(images().double()).numpy())
    )
    assert np.abs(density(silent, inputs).z - exact()).max() < VALUE[torch.float32]


@pytest.mark.parametrize("recipe", ["quick", "level3"])
def test_a_qubit_of_the_image_may_be_left_without_gates(recipe: str) -> None:
    """In one brickwork layer of angles 0 the third qubit carries nothing but its part of the image."""
    qvc = QVC(QVCConfig(image_shape=(1, 2, 4), num_classes=2, num_layers=1, ansatz="brickwork"))
    with torch.no_grad():
        qvc.weight.zero_()
    target = open_target("manila", FakeEntry(kind="fake", device="FakeManilaV2"), 3)
    circuit = device_circuit(qvc, target, recipe, with_encoding=False)
    silent = CircuitWithNoise(circuit.circuit, None, circuit.inputs, circuit.read)
    states = qvc.encoding.state(images().double())
    with torch.no_grad():
        truth = qvc.expectations(images()).numpy()
    assert np.abs(density(silent, Inputs(states=states.numpy())).z - truth).max() < VALUE[torch.float32]
    read = circuit.observables(torch.float64).expectations(states)
    assert np.abs(read.numpy() - density(circuit, Inputs(states=states.numpy())).z).max() < AER


def test_device_noise_is_that_of_local_mode() -> None:
    """A Runtime primitive in local mode, with Aer's own reading of the device, readout error and all.

    (A fake device run by itself knows two readout errors a qubit, of which the target has the mean.)
    """
    target = open_target("manila", FakeEntry(kind="fake", device="FakeManilaV2"), 3)
    task = replace(cell("exact", "readout", with_encoding=True), deployment=deployed(target))
    found = values(scored(task))
    isa, columns = compiled(target)
    sampler = SamplerV2(mode=AerSimulator.from_backend(FakeManilaV2()), options={"simulator": {"seed_simulator": 3}})
    outcomes = sampler.run([(isa, columns)], shots=SHOTS).result()[0].data.meas
    measured = np.stack([outcomes.expectation_values(label) for label in ("IIZ", "IZI", "ZII")], axis=1)
    assert (np.abs(measured - found) < SIGMAS * np.sqrt((1 - found**2).clip(DIFFERENT) / SHOTS)).all()
    assert np.abs(found - exact()).max() > SIGMAS / np.sqrt(SHOTS)


def test_an_ideal_target_has_no_noise() -> None:
    target = open_target("ideal", IdealEntry(kind="ideal"), 3)
    where = device_circuit(model(), target, "quick", with_encoding=False)
    assert where.noise is None
    assert where.notes == ()
    assert where.readout.is_perfect


def test_a_measurement_in_the_middle_is_refused() -> None:
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    check_measured_last(circuit)
    circuit.x(0)
    with pytest.raises(ConfigurationError, match="after a measurement"):
        check_measured_last(circuit)


def test_sampler_needs_no_state_of_its_own() -> None:
    """States on more than nine qubits enter as vectors, on fewer as density matrices; both are the same state."""
    where = native_circuit(model(), "gate", with_encoding=False)
    state = model().encoding.state(images(2)).numpy()
    wide = QuantumCircuit(10)
    wide.compose(where.circuit, [7, 0, 9], inplace=True)
    found = sampled(
        CircuitWithNoise(wide, None, (7, 0, 9), (7, 0, 9)), Inputs(states=state), SHOTS, 1, method=None, case_seed=2
    )
    truth = exact()[:2]
    assert (np.abs(found.z - truth) < SIGMAS * np.sqrt((1 - truth**2).clip(DIFFERENT) / SHOTS)).all()


def test_arrays_survive_storage_and_seeds_differ() -> None:
    arrays = {"z": np.arange(6.0).reshape(2, 3), "labels": np.array([1, 2])}
    assert npz(**arrays_of(npz(**arrays), "a cell")) == npz(**arrays)
    assert len({seed_of("case", start) for start in range(1000)}) == 1000


def test_a_cell_gives_the_same_bytes_with_any_number_of_threads() -> None:
    before, found = torch.get_num_threads(), []
    for threads in (1, 4):
        torch.set_num_threads(threads)
        found.append(npz(**scored(cell("exact", "amplitude-damping"))))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert found[0] == found[1]


def test_ten_qubits_agree_with_aer_within_its_errors() -> None:
    """The papers' width, where Aer's density matrix is out of reach of a test: trajectories and counts."""
    ten = QVC(QVCConfig(image_shape=(1, 28, 28), num_classes=10, num_layers=4), seed=2)
    batch = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(8))
    small = replace(
        cell("exact", "amplitude-damping"),
        deployment=ideal(ten).under("amplitude-damping", NOISES["amplitude-damping"]),
        images=pack(batch, np.array([0, 1])),
        trajectories=200,
        shots=(500,),
    )
    truth = values(scored(small))
    found = scored(replace(small, engine="aer-trajectories"))
    errors = np.sqrt(np.diagonal(values(found, "covariance"), axis1=1, axis2=2))
    assert_within_errors(values(found), truth, errors)
    counted = scored(replace(small, engine="aer-sampler"))
    assert_within_errors(values(counted, shots=500), truth, np.sqrt((1 - truth**2).clip(DIFFERENT) / 500))
    with torch.no_grad():
        assert np.abs(truth - ten.expectations(batch).numpy()).max() > DIFFERENT
