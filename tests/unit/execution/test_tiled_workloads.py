"""Workloads of several tiles: images dealt to them and read back, each with the readout errors of its own qubits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from qiskit.circuit import ClassicalRegister, ParameterVector, QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit_aer.noise import NoiseModel, ReadoutError
from qiskit_aer.primitives import SamplerV2

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution import Sampled, Workload, collect, join_tiles, read_outcomes, read_shots, submit
from qaml_qiskit.execution.dealing import deal, executions_of
from qaml_qiskit.execution.fingerprint import fingerprints
from qaml_qiskit.execution.local import PrimitiveRunner
from qaml_qiskit.execution.readings.counts import bits_between
from qaml_qiskit.execution.readings.job_results import decode
from qaml_qiskit.execution.readings.outcomes import sent_fingerprints
from qaml_qiskit.execution.runner import BrokenResultError
from qaml_qiskit.execution.splitting import MAX_EXECUTIONS, build_workload
from tests.tolerances import SIGMAS, VALUE
from tests.unit.execution.job_cases import counts, pub

SHOTS = 4000
#: Physical qubits of each tile; qubit 4 lies idle between.
PLACES = ((1, 0), (2, 3), (6, 5))
#: Probabilities of reading 1 for |0⟩ and 0 for |1⟩, by physical qubit.
FLIPS = {0: (0.01, 0.02), 1: (0.02, 0.10), 2: (0.15, 0.05), 3: (0.0, 0.2), 5: (0.1, 0.1), 6: (0.05, 0.0)}


def tile(places: tuple[int, ...]) -> QuantumCircuit:
    """⟨Z_0⟩ = cos a and ⟨Z_1⟩ = cos a · cos b."""
    angles = ParameterVector("x", 2)
    circuit = QuantumCircuit(7)
    for angle, qubit in zip(angles, places, strict=True):
        circuit.ry(angle, qubit)
    circuit.cx(*places)
    circuit.add_register(register := ClassicalRegister(2, "meas"))
    circuit.measure(places, register)
    return circuit


def exact(values: NDArray[np.float64]) -> NDArray[np.float64]:
    first, second = np.cos(values).T
    return np.stack([first, first * second], axis=1)


def tiled(images: int = 7, tiles: int = 3, **how: object) -> Workload:
    draws = how.get("draws", 1)
    values = np.random.default_rng(5).uniform(0, np.pi, (images * draws, 2))
    joint = join_tiles([tile(places) for places in PLACES[:tiles]])
    options = {"target": "device", "shots": SHOTS, "mitigation": "readout", "tiles": tiles, **how}
    return build_workload(joint, values, **options)


def device() -> PrimitiveRunner:
    noise = NoiseModel()
    for qubit, (p10, p01) in FLIPS.items():
        noise.add_readout_error(ReadoutError([[1 - p10, p10], [p01, 1 - p01]]), [qubit])
    return PrimitiveRunner(SamplerV2(seed=11, options={"backend_options": {"noise_model": noise}}))


def ran(folder: Path, workload: Workload) -> Sampled:
    runner = device()
    submit(folder, workload, runner)
    assert collect(folder, workload, runner).complete
    found = read_outcomes(folder, workload)
    assert found is not None
    return found


def as_read(z: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    p10, p01 = np.array([FLIPS[qubit] for qubit in PLACES[number]]).T
    return (1 - p10 - p01) * z + p01 - p10


# Dealing


@pytest.mark.parametrize(("images", "draws", "tiles"), [(7, 1, 3), (6, 1, 3), (1, 1, 4), (5, 3, 2), (4, 2, 1)])
def test_every_row_counts_once_and_the_rest_repeats(images: int, draws: int, tiles: int) -> None:
    start, stop = 12, 12 + images * draws
    dealt = deal(start, stop, draws=draws, tiles=tiles)
    assert len(dealt.rows) == executions_of(stop - start, draws=draws, tiles=tiles) == -(-images // tiles) * draws
    assert sorted(dealt.rows[dealt.counts]) == list(range(start, stop))
    assert {*dealt.rows[~dealt.counts]} <= {*range(start, stop)}
    assert dealt.surplus == (-images % tiles) * draws
    for number in range(tiles):
        _, rows = dealt.of_tile(number)
        # All draws of an image, in their order, on the tile whose turn it is.
        assert rows.tolist() == [
            start + image * draws + draw for image in range(number, images, tiles) for draw in range(draws)
        ]


def test_all_images_run_on_all_tiles() -> None:
    dealt = deal(4, 7, tiles=3, images="all")
    assert dealt.rows.tolist() == [[4] * 3, [5] * 3, [6] * 3]
    assert dealt.counts.all()
    assert executions_of(3, tiles=3, images="all") == 3


def test_an_execution_has_the_values_of_its_images_side_by_side() -> None:
    workload = tiled(4, images_per_job=4)
    _, job = workload.settings.jobs
    ((_, rows),) = workload.pubs(job, workload.circuits(job))
    values = workload.values
    assert np.array_equal(rows[0], np.concatenate(values[:3]))
    assert np.array_equal(rows[1], np.concatenate([values[3], values[0], values[1]]))
    ((_, same),) = tiled(4, tile_images="all").pubs(job, workload.circuits(job))
    assert np.array_equal(same, np.tile(values, (1, 3)))


def test_jobs_hold_as_many_executions_as_the_service_takes() -> None:
    shots = MAX_EXECUTIONS // 2
    assert [job.rows for job in tiled(14, shots=shots).image_jobs] == [6, 6, 2]
    assert [job.rows for job in tiled(5, shots=shots, tile_images="all").image_jobs] == [2, 2, 1]
    # Those that are simulated here have no surplus but at the end.
    assert [job.rows for job in tiled(14, most_per_job=5).image_jobs] == [3, 3, 3, 3, 2]
    assert [job.rows for job in tiled(2, draws=3, most_per_job=2).image_jobs] == [6]
    with pytest.raises(InputError, match="1 to 6 images"):
        tiled(14, shots=shots, images_per_job=7)


def test_tiles_that_the_circuit_does_not_have_are_refused() -> None:
    joint = join_tiles([tile(places) for places in PLACES])
    with pytest.raises(InputError, match="4 tiles in a circuit of 6 parameters and 6 measured qubits"):
        build_workload(joint, np.zeros((1, 2)), target="device", shots=1, tiles=4)
    with pytest.raises(InputError, match=r"shape \(1, 6\)"):
        build_workload(joint, np.zeros((1, 6)), target="device", shots=1, tiles=3)
    with pytest.raises(InputError, match="from 0 to 1"):
        tiled(strings=((2,),))
    with pytest.raises(ConfigurationError, match="zne does not work with tiles"):
        tiled(mitigation="zne")


# On disk


def test_settings_of_tiles_are_kept_where_there_are_some(tmp_path: Path) -> None:
    workload = tiled(tile_images="all")
    workload.save(tmp_path)
    loaded = Workload.load(tmp_path)
    assert loaded.settings == workload.settings
    assert (loaded.settings.tiles, loaded.settings.tile_images) == (3, "all")
    assert loaded.tile_qubits == [list(places) for places in PLACES]
    alone = tiled(tiles=1).settings.model_dump()
    assert not {"tiles", "tile_images"} & alone.keys()


def test_how_images_are_dealt_is_part_of_a_job(tmp_path: Path) -> None:
    """The same circuit and images in another order on the chip are other work."""
    (dealt := tiled()).save(tmp_path)
    other = replace(dealt, settings=dealt.settings.model_copy(update={"tile_images": "all"}))
    assert fingerprints(tmp_path, dealt) != fingerprints(tmp_path, other)


def test_only_joint_outcomes_are_taken() -> None:
    workload = tiled(4, mitigation="none", shots=64)
    (job,) = workload.settings.jobs
    assert decode(workload, job, [pub(counts(2, bits=6))])["bits"].shape == (2, 64, 1)
    for wrong in (counts(4, bits=6), counts(2, bits=2)):
        with pytest.raises(BrokenResultError):
            decode(workload, job, [pub(wrong)])


# Read back


@pytest.mark.parametrize(("first", "last"), [(0, 3), (3, 11), (6, 9), (8, 16), (17, 20), (0, 20)])
def test_some_bits_alone(first: int, last: int) -> None:
    ones = np.random.default_rng(2).integers(0, 2, (3, 50, 20), dtype=np.uint8)
    bits = BitArray.from_bool_array(ones.astype(bool), order="little")
    wanted = BitArray.from_bool_array(ones[..., first:last].astype(bool), order="little")
    found = bits_between(bits, first, last)
    assert found.num_bits == last - first
    assert np.array_equal(found.array, wanted.array)


@pytest.mark.parametrize("mitigation", ["readout", "m3"])
def test_each_image_is_corrected_by_the_qubits_that_read_it(tmp_path: Path, mitigation: str) -> None:
    workload = tiled(mitigation=mitigation, images_per_job=4)
    found = ran(tmp_path, workload)
    # The first job holds images 0 to 3, the second 4 to 6, and each deals anew.
    assert found.tiles is not None
    assert found.tiles.tolist() == [0, 1, 2, 0, 0, 1, 2]
    assert [each.places.tolist() for each in found.by_tile] == [[0, 3, 4], [1, 5], [2, 6]]
    assert [each.qubits for each in found.by_tile] == list(PLACES)
    z = exact(workload.values)
    read = np.stack([as_read(row, number) for row, number in zip(z, found.tiles, strict=True)])
    for stage, wanted in (("raw", read), ("mitigated", z)):
        errors = found.estimates[stage].standard_errors()
        assert (np.abs(found.estimates[stage].values - wanted) < SIGMAS * errors + 1 / SHOTS).all()
        for each in found.by_tile:
            own = each.estimates[stage]
            assert np.array_equal(own.values, found.estimates[stage].values[each.places])
            assert np.abs(own.standard_errors() - errors[each.places]).max() < VALUE[torch.float64]
    assert (found.by_qubit is None) == (mitigation == "readout")


def test_the_mean_over_all_tiles_is_surer_than_one(tmp_path: Path) -> None:
    workload = tiled(tile_images="all", images_per_job=3)
    found = ran(tmp_path, workload)
    assert found.tiles is None
    z = exact(workload.values)
    for stage, wanted in (("raw", np.mean([as_read(z, n) for n in range(3)], axis=0)), ("mitigated", z)):
        errors = found.estimates[stage].standard_errors()
        assert (np.abs(found.estimates[stage].values - wanted) < SIGMAS * errors + 1 / SHOTS).all()
        alone = np.stack([each.estimates[stage].standard_errors() for each in found.by_tile])
        assert np.abs(errors - np.sqrt((alone**2).sum(axis=0)) / 3).max() < VALUE[torch.float64]
    assert read_shots(tmp_path, workload).shape == (7, 3 * SHOTS, 2)


def test_draws_of_an_image_stay_on_its_tile(tmp_path: Path) -> None:
    workload = tiled(4, draws=2, images_per_job=4)
    found = ran(tmp_path, workload)
    assert found.tiles is not None
    assert found.tiles.tolist() == [0, 1, 2, 0]
    drawn = exact(workload.values).reshape(4, 2, 2)
    assert found.drawn["mitigated"].shape == drawn.shape
    margin = SIGMAS * 2 / np.sqrt(SHOTS) / 0.8
    assert np.abs(found.drawn["mitigated"] - drawn).max() < margin
    assert np.abs(found.estimates["mitigated"].values - drawn.mean(axis=1)).max() < margin


def test_shots_of_rows_are_those_of_their_tiles(tmp_path: Path) -> None:
    workload = tiled(5, mitigation="none")
    found = ran(tmp_path, workload)
    shots = read_shots(tmp_path, workload)
    assert shots.shape == (5, SHOTS, 2)
    assert np.abs(1 - 2.0 * shots.mean(axis=1) - found.raw).max() < VALUE[torch.float64]


def test_outcomes_that_are_there_are_read_without_the_others(tmp_path: Path) -> None:
    workload = tiled(images_per_job=4)
    ran(tmp_path, workload)
    (tmp_path / "outcomes" / "images-0000.npz").unlink()
    partly = read_outcomes(tmp_path, workload)
    assert partly is not None
    assert partly.rows.tolist() == [4, 5, 6]
    assert partly.tiles is not None
    assert partly.tiles.tolist() == [0, 1, 2]
    assert sent_fingerprints(tmp_path, workload).keys() == {job.chunk for job in workload.settings.jobs}
