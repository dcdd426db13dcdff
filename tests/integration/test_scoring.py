"""The rows and notes of a run's results, from outcomes that are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from qaml_qiskit.confidence import Temperature
from qaml_qiskit.evaluation import Correction, Estimates
from qaml_qiskit.execution import Calibration, Sampled, Workload, build_workload, open_target
from qaml_qiskit.execution.catalogue import IdealEntry
from qaml_qiskit.studies import Measured, score_sampled
from tests.integration.small import compiled
from tests.mthree_cases import needs_mthree

IMAGES, SHOTS, P10, P01 = 40, 200, 0.05, 0.15


def calibration() -> Calibration:
    return Calibration(
        target="ideal",
        created="2026-01-01T00:00:00+00:00",
        shots=SHOTS,
        qubits=(0, 1, 2),
        p10=(P10,) * 3,
        p01=(P01,) * 3,
    )


def workload(mitigation: str) -> Workload:
    isa, values = compiled(open_target("ideal", IdealEntry(kind="ideal"), 3))
    return build_workload(isa, np.resize(values, (IMAGES, 7)), target="ideal", shots=SHOTS, mitigation=mitigation)


def scored(mitigation: str, kept: float, mistakes: tuple[int, int] = (0, 0)) -> Measured:
    """Class 0 leads by 0.6 in all images but those that only the raw, or only the mitigated values get wrong."""
    z = np.tile([0.5, -0.1, -0.2], (IMAGES, 1)) + np.random.default_rng(0).normal(0, 0.05, (IMAGES, 3))
    raw = z * (1 - P10 - P01) + P01 - P10
    mitigated = kept * z
    raw[: mistakes[0], 0] = mitigated[IMAGES - mistakes[1] :, 0] = -0.9
    covariance: NDArray[np.float64] = (1 - raw**2)[:, :, None] * np.eye(3) / SHOTS
    record = calibration()
    readout = record.readout((0, 1, 2))
    estimates = {
        "raw": Estimates(raw, covariance),
        "mitigated": Estimates(mitigated, covariance, Correction.of_bits(readout)),
    }
    sampled = Sampled(np.arange(IMAGES), estimates, record, readout.inverted(raw) if mitigation == "m3" else None)
    temperature = Temperature(value=0.1, images=100, condition="somewhere")
    labels = np.zeros(IMAGES, dtype=np.int64)
    return score_sampled(workload(mitigation), sampled, labels, z, temperature=temperature)


@pytest.mark.parametrize(
    ("mistakes", "said"),
    [
        ((0, 0), "do not differ measurably on these 40 images: mitigation corrects 0 labels and spoils 0"),
        ((0, 1), "do not differ measurably on these 40 images: mitigation corrects 0 labels and spoils 1"),
        ((1, 2), "do not differ measurably on these 40 images: mitigation corrects 1 label and spoils 2"),
        ((7, 0), "accuracy differ on these 40 images: mitigation corrects 7 labels and spoils 0"),
    ],
)
def test_one_sentence_says_whether_mitigation_changed_the_accuracy(mistakes: tuple[int, int], said: str) -> None:
    note, _ = scored("readout", 1.0, mistakes).notes
    assert said in note


@needs_mthree
def test_m3_that_saw_too_few_bitstrings_is_said() -> None:
    assert any("M3 saw too few of the 8 bitstrings with 200 shots" in note for note in scored("m3", 0.85).notes)
    for mitigation, kept in (("m3", 0.995), ("readout", 0.85)):
        assert not any("M3" in note for note in scored(mitigation, kept).notes)


def test_every_stage_has_both_intervals() -> None:
    rows = scored("readout", 1.0, (0, 4)).rows
    assert [row["stage"] for row in rows] == ["ideal", "raw", "mitigated"]
    for row in rows:
        for name in ("interval", "endless_interval"):
            low, high = row[name]
            assert 0 <= low <= row["accuracy"] <= high <= 1
    errors = scored("readout", 1.0).arrays
    assert np.all(errors["standard_error_mitigated"] > errors["standard_error_raw"] / (1 - P10 - P01))
