"""Attacks, audits and answers of victims: the same bytes wherever they are computed, and as deployed."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import BaseModel

from qaml_qiskit.artifacts.mapping import HERE, Counted, Pool, Work
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.attacks import DeepFoolConfig, PGDConfig
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments import Batch, Deployment, UnderNoise, deploy
from qaml_qiskit.models import QVC, DataCard, ModelCard, QVCConfig, StoredModel
from qaml_qiskit.progress import Silent, ignore
from qaml_qiskit.simulation import chosen_kernel
from qaml_qiskit.studies import Cell, attacking, audit_cells, make_adversarial, score_images
from tests.tolerances import BOUND

SHAPE = (1, 2, 2)
Opened = Callable[[str], Run]


class Nothing(BaseModel):
    """A request without options."""


class Elsewhere:
    """A pool that computes every group with a work that has come over a wire, the last group first."""

    def values(
        self, groups: list[dict[str, object]], work: Work[object, object], shown: Counted
    ) -> Iterator[tuple[str, object]]:
        for group in reversed(groups):
            there, tasks = pickle.loads(pickle.dumps((work, list(group.values()))))
            yield from zip(group, [there(task, ignore) for task in tasks], strict=True)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(open_run("attack", Nothing(), out=tmp_path / name))


def sources(compute: Compute = DEFAULT_COMPUTE) -> list[Deployment]:
    config = QVCConfig(image_shape=SHAPE, num_classes=2, num_layers=2, init_std=1.0)
    card = ModelCard(model=config, data=DataCard(dataset="digits", classes=(0, 1)))
    stored = StoredModel(QVC(config, 3), card)
    return [
        deploy(stored, name="ideal", compute=compute),
        deploy(stored, UnderNoise("depolarizing", 0.02), name="noisy", compute=compute),
    ]


def batch() -> Batch:
    images = torch.rand(12, *SHAPE, generator=torch.Generator().manual_seed(1)) + 0.01
    labels = sources()[0].logits(images.clamp(max=1)).argmax(1).numpy()
    return Batch(images.clamp(max=1), labels, np.arange(12), "12")


def cells() -> dict[str, Cell]:
    attacks = [PGDConfig(eps=eps, steps=3) for eps in (0.1, 0.2)] + [DeepFoolConfig(eps=eps) for eps in (0.1, None)]
    return {
        f"{number}-{each.name}-{each.budget}": Cell(source.name, each)
        for number, source in enumerate(sources())
        for each in attacks
    }


def everything(run: Run, pool: Pool = HERE, compute: Compute = DEFAULT_COMPUTE) -> dict[str, bytes]:
    """The files of all three studies."""
    made = make_adversarial(run, cells(), sources(compute), batch(), Silent(), pool)
    chosen = {key: cell for key, cell in cells().items() if cell.attack.budget == 0.2 or key.endswith("None")}
    names = [each.name for each in sources()]
    some = batch().first(6)
    audit_cells(run, chosen, sources(compute), some, 0, Silent(), pool, made=made.values(), rivals=names[:1])
    sets = {key: torch.from_numpy(each.images) for key, each in made.items()}
    score_images(run, sets, sources(compute), dict.fromkeys(sets, "images"), Silent(), pool)
    return {str(path.relative_to(run.path)): path.read_bytes() for path in run.path.glob("*/*")}


def test_the_bytes_are_the_same_wherever_and_in_which_order(opened: Opened) -> None:
    here = everything(opened("here"))
    assert {name.partition("/")[0] for name in here} == {"adversarial", "audits", "scores"}
    assert len(here) == 8 + 4 + 8
    assert everything(opened("elsewhere"), Elsewhere()) == here


def test_what_is_lost_is_made_again_from_any_place(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    run = opened("run")
    before = everything(run)
    lost = ["adversarial/0-deepfool-None.npz", "adversarial/1-pgd-0.1.npz", "audits/0-pgd-0.2.json"]
    for name in (*lost, "scores/0-pgd-0.1.npz"):
        (run.path / name).unlink()
    real, searches = attacking.run_attack, []

    def counted(*arguments: object, **options: object) -> object:
        searches.append(arguments)
        return real(*arguments, **options)

    monkeypatch.setattr(attacking, "run_attack", counted)
    assert everything(run) == before
    # Two cells, and the rival of the audit.
    assert len(searches) == 2 + 1


def test_cells_of_one_search_attack_once(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    real, budgets = attacking.run_attack, []

    def counted(*arguments: object, **options: object) -> object:
        budgets.append(arguments[3].budget)  # type: ignore[attr-defined]
        return real(*arguments, **options)

    monkeypatch.setattr(attacking, "run_attack", counted)
    made = make_adversarial(opened("run"), cells(), sources(), batch(), Silent(), Elsewhere())
    assert sorted(budgets, key=str) == [0.1, 0.1, 0.2, 0.2, None, None]
    bounded, free = made["0-deepfool-0.1"], made["0-deepfool-None"]
    assert bounded.provenance.parameters["eps"] == bounded.provenance.eps == 0.1
    assert free.fooled.all()
    near = np.linalg.norm((free.images - batch().images.numpy()).reshape(12, -1), axis=1) <= 0.1
    assert 0 < near.sum() < 12
    np.testing.assert_array_equal(bounded.fooled, near)
    np.testing.assert_array_equal(bounded.images[near], free.images[near])
    np.testing.assert_array_equal(bounded.images[~near], batch().images.numpy()[~near])


def test_everything_is_computed_as_deployed(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    forward = QVC.forward

    def watched(self: QVC, images: torch.Tensor) -> torch.Tensor:
        seen.append((images.dtype, chosen_kernel()))
        return forward(self, images)

    single, run = opened("single"), opened("double")
    plain = everything(single)
    monkeypatch.setattr(QVC, "forward", watched)
    precise = everything(run, Elsewhere(), Compute(precision="double", simulator="torch"))
    assert set(plain) == set(precise)
    assert (torch.float64, None) in seen
    for name in (name for name in plain if name.startswith("adversarial/")):
        with np.load(single.path / name) as one, np.load(run.path / name) as other:
            assert other["images"].dtype == np.float32
            if "pgd" in name:
                difference = np.abs(one["images"] - other["images"]).max()
                assert difference < BOUND
