"""Workloads whose images are drawn: whole images in every job, limits for all of their draws."""

from pathlib import Path

import numpy as np
import pytest
from qiskit.circuit import Parameter, QuantumCircuit

from qaml_qiskit.errors import InputError
from qaml_qiskit.execution import Workload
from qaml_qiskit.execution.splitting import MAX_EXECUTIONS, build_workload


def circuit() -> QuantumCircuit:
    made = QuantumCircuit(1)
    made.rz(Parameter("a"), 0)
    made.measure_all()
    return made


def drawn(images: int, draws: int, **how: object) -> Workload:
    values = np.arange(images * draws, dtype=float)[:, None]
    options = {"target": "ideal", "shots": 10, "mitigation": "none", "draws": draws, **how}
    return build_workload(circuit(), values, **options)


@pytest.mark.parametrize(
    ("images", "how", "stops"),
    [
        (5, {"images_per_job": 2}, [6, 12, 15]),
        (5, {"most_per_job": 7}, [6, 12, 15]),
        (5, {"most_per_job": 2}, [3, 6, 9, 12, 15]),
        (5, {}, [15]),
        (5, {"shots": MAX_EXECUTIONS // 7}, [6, 12, 15]),
    ],
)
def test_the_draws_of_an_image_stay_together(images: int, how: dict[str, int], stops: list[int]) -> None:
    workload = drawn(images, 3, **how)
    assert [job.stop for job in workload.image_jobs] == stops
    assert workload.num_images == images


def test_the_number_of_draws_is_kept_where_there_are_some(tmp_path: Path) -> None:
    drawn(2, 3).save(tmp_path)
    assert Workload.load(tmp_path).settings.draws == 3
    assert "draws" not in drawn(2, 1).settings.model_dump()


def test_an_image_is_refused_where_its_draws_are_too_many() -> None:
    with pytest.raises(InputError, match="of each of 3 draws"):
        drawn(1, 3, shots=MAX_EXECUTIONS // 3 + 1)
    with pytest.raises(InputError, match="1 to 2 images"):
        drawn(4, 3, shots=MAX_EXECUTIONS // 7, images_per_job=3)
    with pytest.raises(InputError, match="7 rows and 2 draws"):
        build_workload(circuit(), np.zeros((7, 1)), target="ideal", shots=1, draws=2)
