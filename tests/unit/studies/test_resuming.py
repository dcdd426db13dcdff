"""Every study in a run: killed and continued, or spread over workers, it leaves the bytes that it would have left."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import torch
from pydantic import BaseModel

from qaml_qiskit.artifacts import HERE, Run, open_run
from qaml_qiskit.artifacts.mapping import Counted
from qaml_qiskit.attacks import DefenceSettings, PGDConfig
from qaml_qiskit.confidence import SequentialRule, Temperature
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.detection import Adaptive, make_detectors
from qaml_qiskit.execution import load_recipe
from qaml_qiskit.progress import Advance
from qaml_qiskit.studies import (
    FITTED,
    LEARNED,
    AdaptiveAttempt,
    AskingMembers,
    Classifier,
    ConformityScorer,
    Defence,
    Encoder,
    FamilyInquiry,
    Grid,
    Inquiry,
    OnDevice,
    Preparation,
    Projecting,
    Sampling,
    ShotScores,
    ShownImages,
    SmoothedCertification,
    TrainingSample,
    ask_models,
    audit_defences,
    calibrated_models,
    count_circuits,
    cover,
    coverage_rows,
    encode_images,
    forecast_trails,
    gather_evidence,
    make_adaptive,
    perturb_everywhere,
    predict_on_devices,
    predictors,
    project_sets,
    score_labels,
    score_sets,
    score_without_noise,
    set_rows,
    smooth_batch,
    smoothed_levels,
    smoothed_summary,
)
from qaml_qiskit.studies.tracing import trace_images
from tests.integration.small import deployed, ideal, images, model, strong_readout
from tests.tolerances import VALUE

ATTACK = PGDConfig(eps=0.2, steps=2)


class Options(BaseModel):
    seed: int = 0


class Display:
    """A display that adds up every bar that it shows."""

    def __init__(self) -> None:
        self.total = self.done = 0

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Advance]:
        self.total, self.done = self.total + total, self.done + done

        def advance(steps: int, note: str = "") -> None:
            self.done += steps

        yield advance

    def say(self, message: str) -> None:
        pass


class Workers:
    """A pool that does what workers do, pickling included, and may die after some values."""

    def __init__(self, values: int | None = None) -> None:
        self.left = values
        self.computed: list[str] = []

    def values(self, groups: list[dict[str, Any]], work: Any, shown: Counted) -> Iterator[tuple[str, Any]]:
        sent = pickle.loads(cloudpickle.dumps((groups, work)))
        for key, value in HERE.values(*sent, shown):
            self.computed.append(key)
            yield key, value
            if self.left is not None and len(self.computed) >= self.left:
                raise KeyboardInterrupt


@pytest.fixture(scope="module")
def device() -> Deployment:
    return deployed(strong_readout())


def batch(count: int = 6) -> Batch:
    return Batch(images(count), np.arange(count) % 3, np.arange(count), "6")


def predicting(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    sets = {name: OnDevice(device, images(22), name, bitstrings=name == "b") for name in ("a", "b")}
    found = predict_on_devices(sets, run, shown, pool)
    assert found["a"].frequencies is None
    assert found["b"].frequencies is not None
    assert np.array_equal(found["a"].read, found["b"].read)


def perturbing(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    found = perturb_everywhere(run, {"0": (device, batch())}, (0.1, 0.2), ATTACK, shown, pool)
    for (_, eps), attacked in found.items():
        assert 0 < (attacked - images()).abs().max() <= eps + torch.finfo(torch.float32).eps


def comparing(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    found = score_without_noise(run, {"0": (device, batch())}, ATTACK, shown, pool)["0"]
    assert list(found) == ["fidelity", "clean_accuracy", "robust_accuracy", "robust_unrolled"]
    logits = model()(images()).argmax(1).numpy()
    assert found["clean_accuracy"] == (logits == batch().labels).mean() >= found["robust_accuracy"]


def counting(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    exact, none = Preparation("multiplexed", 3), Preparation("none", 3)
    circuits = [Classifier("ladder", prepared, 1) for prepared in (exact, none)]
    assert device.target is not None
    where = {"poor": device.target}
    grid = Grid(circuits, {exact: images().double(), none: images()}, where, {"quick": load_recipe("quick")}, seed=0)
    rows = [row for row, _ in count_circuits(grid, shown, run, pool)]
    assert [row["target"] for row in rows] == [None, "poor"] * 2
    assert [row["fidelity"] for row in rows] == [pytest.approx(1)] * 2 + [None] * 2


def encoding(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    found = encode_images(Encoder("approximate", (1, 2, 4), (1, 2), 0.98), images(30), run, shown, pool)
    assert len(found["layers"]) == len(found["fidelity"]) == 30
    assert sum(len(found[f"angles-{layers}"]) for layers in {*found["layers"].tolist()}) == 30


def projecting(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    sets = {"clean": images(), "few": images(2)}
    found = project_sets(run, "states/0", sets, Projecting(ideal(), "circuit"), shown, pool)
    assert [each["vectors"].shape for each in found.values()] == [(6, 9), (2, 9)]
    assert found["clean"]["predicted"].tolist() == model()(images()).argmax(1).tolist()


def defending(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    defence = Defence(ideal().under("global-depolarizing", 0.05), ideal(), (ideal(),))
    settings = DefenceSettings(queries=5)
    found = audit_defences(run, defence, [ATTACK], batch(), settings, shown, pool)["pgd-eps0.2"]
    assert [each.knows for each in found.encounters] == [
        "nothing",
        "expectation",
        "scale-free",
        "twin",
        "source",
        "queries",
    ]
    assert found.rescaling is not None
    assert found.rescaling.is_proven
    assert found.verdict == "nil"


def smoothing(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    work = SmoothedCertification(ideal(), batch(30), sigma=0.2, samples=20, selection=5)
    rows = smooth_batch(run, work, 30, shown, pool)
    assert [row["index"] for row in rows] == list(range(30))
    assert smoothed_summary(rows)["images"] == 30
    assert set(smoothed_levels(rows)[0]) == {"distance", "smoothed", "smoothed_without_draws", "base"}


def detecting(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    detectors, models = make_detectors(["divergence", "confidence"]), [ideal(), ideal().under("depolarizing", 0.1)]
    seen = gather_evidence(run, {"a": ShownImages(images(), "a")}, models, detectors, Sampling(), shown, pool)
    labels = torch.arange(6) % 3
    calibrated = calibrated_models(models, seen["a", "divergence"], labels.numpy())
    fitted = {name: each.fit(calibrated, seen["a", name], labels) for name, each in detectors.items()}
    scores = score_sets(run, fitted, seen, shown, pool)
    assert (scores["a", "divergence"] > 0).all()
    attack = Adaptive(eps=0.1, steps=2, restarts=1)
    attempts = {
        f"{rows[0]}": AdaptiveAttempt("divergence", 0.0, attack, rows, (), "attacker") for rows in ((0, 1), (3, 5))
    }
    made = make_adaptive(run, attempts, models, detectors, fitted, batch(), 0, shown, pool)
    for key, attempt in attempts.items():
        change = np.abs(made[key] - images().numpy()[list(attempt.rows or ())])
        assert 0 < change.max() <= attack.eps + torch.finfo(torch.float32).eps


def calibrating(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    sets = {"validation": images(22), "clean": images(6)}
    inquiries = [Inquiry(device, each, name) for name, each in sets.items()]
    found = dict(zip(sets, ask_models(run, inquiries, Sampling(None), shown, pool), strict=True))
    # Readout errors are all that disturbs this device, and they are inverted.
    exact = model().logits(torch.from_numpy(model().expectations(images(22)).detach().numpy()))
    np.testing.assert_allclose(found["validation"], exact.detach(), atol=VALUE[torch.float32])
    assert found["clean"].shape == (6, 3)


def doubting(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    sets = {LEARNED: images(6), FITTED: images(6), "images": images(8)}
    work = AskingMembers([ideal(), device], sets, strength=0.01, learned=TrainingSample(images(3), 30), with_shots=True)
    asking = FamilyInquiry(run, work, batch(), batch(), ("images",), 2, 2, 0, 100, shown, pool)
    for family in ("ensemble", "laplace", "noise"):
        found = asking.answers(family).uncertainty("images", 100, 0)
        assert found.expected + found.model + found.shots == pytest.approx(found.total)


def deciding(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    reading = ShotScores(device.head, device.circuit.products)
    rule = SequentialRule(0.9, (10, 30), reading.reach, reading.test)
    chances = np.random.default_rng(0).dirichlet(np.ones(8), size=60)
    found = forecast_trails(run, {"a": chances, "b": chances[:7]}, reading, rule, 2, 0, shown, pool)
    assert found["a"].logits.shape == (2, 60, 2, 3)
    # The shots of another set are others.
    assert not np.array_equal(found["a"].logits[:, :7], found["b"].logits)


def covering(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    scored = ConformityScorer(ideal(), ["margin", "radius"])
    said = score_labels(run, scored, ["margin", "radius"], batch(300), shown, pool)
    fitted = list(predictors(scored, said, batch(300).labels, [0.1], ["margin", "radius"]))
    found = cover(run, fitted, batch(10), (0.0, 0.1), shown, pool)
    rows = coverage_rows(fitted, found, batch(10).labels, (0.0, 0.1))
    assert [(row["score"], row["radius"]) for row in rows] == [
        ("margin", 0),
        ("margin", 0.1),
        ("radius", 0),
        ("radius", 0.1),
    ]
    assert len(set_rows(fitted, found, batch(10), (0.0, 0.1))) == 10


def tracing(run: Run, device: Deployment, shown: Display, pool: Any) -> None:
    sharp, sets = Temperature(value=0.1, images=1), {"clean": images(), "b": images() / 2 + 0.1}
    found = trace_images(run, (4, 0), batch().labels, sets, [ideal()], {"small": sharp}, {}, shown, pool)
    expected = sharp.probabilities(ideal().logits(sets["b"][[4, 0]]).numpy())
    np.testing.assert_allclose(found.probabilities["b", "small"], expected)


def contents(run: Run) -> dict[str, bytes]:
    """The kept files, without the time that a compilation took."""
    files = {path.relative_to(run.path) for path in run.path.glob("*/*")}
    return {
        str(file): b"" if file.parts[0] == "cells" else (run.path / file).read_bytes()
        for file in files
        if file.suffix in (".json", ".npz")
    }


@pytest.mark.parametrize(
    "study",
    [
        predicting,
        perturbing,
        comparing,
        counting,
        encoding,
        projecting,
        defending,
        smoothing,
        detecting,
        calibrating,
        doubting,
        deciding,
        covering,
        tracing,
    ],
    ids=lambda each: each.__name__,
)
def test_a_killed_study_goes_on_where_it_was(
    study: Callable[[Run, Deployment, Display, Any], None], device: Deployment, tmp_path: Path
) -> None:
    whole, killed = (open_run("demo", Options(), out=tmp_path / name) for name in ("whole", "killed"))
    everything = Workers()
    with whole, killed:
        study(whole, device, Display(), HERE)
        with pytest.raises(KeyboardInterrupt):
            study(killed, device, Display(), Workers(values=1))
        kept, shown = contents(killed), Display()
        study(killed, device, shown, everything)
        assert len(kept) == 1
        assert len(everything.computed) == len(contents(whole)) - 1
        assert contents(killed) == contents(whole)
    assert shown.done == shown.total > 0


def test_every_attacker_of_what_draws_meets_a_fresh_one(tmp_path: Path) -> None:
    def audited(run: Run, pool: Any) -> None:
        # Everything draws: what is judged, its undefended twin, and the source.
        defence = Defence(ideal().smoothed(0.1, 2), ideal().smoothed(0.2, 2), (ideal().smoothed(0.3, 2),))
        settings = DefenceSettings(draws=(1,), judged=2, queries=3)
        audit_defences(run, defence, [ATTACK], batch(40), settings, Display(), pool)

    whole, killed = (open_run("demo", Options(), out=tmp_path / name) for name in ("whole", "killed"))
    with whole, killed:
        audited(whole, HERE)
        for count in range(1, len(contents(whole)) + 1):
            with pytest.raises(KeyboardInterrupt):
                audited(killed, Workers(values=1))
            assert len(contents(killed)) == count
        assert contents(killed) == contents(whole)
