"""What members say, one by one, against the models that they are; and figures of what they are unsure about."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import BaseModel
from torch import Tensor

from qaml_qiskit.artifacts import open_run
from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.confidence import Uncertainty
from qaml_qiskit.deployments import Batch, Deployment, LayersRule
from qaml_qiskit.evaluation import auroc
from qaml_qiskit.formats import Arrays
from qaml_qiskit.models import Laplace
from qaml_qiskit.progress import Silent, ignore
from qaml_qiskit.studies import (
    ALONE,
    AskingMembers,
    FamilyInquiry,
    FamilyUncertainty,
    TrainingSample,
    uncertainty_gains,
)
from qaml_qiskit.studies.families import FITTED, LEARNED, scatter
from qaml_qiskit.studies.members import Member, exact_one_shot, one_shot_covariances
from tests.integration.small import ideal, images, model
from tests.tolerances import SIGMAS, VALUE

SINGLE = VALUE[torch.float32]
SETS = {"a": images(5)}


class Options(BaseModel):
    seed: int = 0


def say(work: AskingMembers, source: str, number: int = 0, priors: tuple[float, ...] = ()) -> Arrays:
    return work(Member(source, number, "a", priors), ignore)


def drawn_model() -> Deployment:
    layered = model().with_noise_layers(NoiseLayers(phases="both")).eval()
    with torch.no_grad():
        layered.betas.fill_(1.0)
    return ideal(layered).by(LayersRule("mean", 1))


def test_an_ensemble_says_what_its_models_say() -> None:
    work = AskingMembers([ideal(), ideal(drawn_model().qvc.without_noise_layers())], SETS)
    for number in range(2):
        assert np.array_equal(say(work, "ensemble", number)["logits"], ideal().logits(images(5)).double().numpy())


def test_draws_are_those_of_the_layers_and_come_again() -> None:
    work = AskingMembers([drawn_model()], SETS, seed=3)
    first, second, again = (say(work, "draws", number)["logits"] for number in (0, 1, 0))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    many = np.stack([say(work, "draws", number)["logits"] for number in range(400)])
    exact = drawn_model().expected.logits(images(5)).numpy()
    error = many.std(axis=0) / np.sqrt(len(many))
    assert (np.abs(many.mean(axis=0) - exact) < SIGMAS * error + SINGLE).all()


def test_sampled_errors_of_gates_are_depolarising_noise_on_average() -> None:
    strength = 0.05
    work = AskingMembers([ideal()], SETS, strength=strength)
    many = np.stack([say(work, "noise", number)["logits"] for number in range(400)])
    exact = ideal().under("depolarizing", strength).logits(images(5)).numpy()
    error = many.std(axis=0) / np.sqrt(len(many))
    assert (np.abs(many.mean(axis=0) - exact) < SIGMAS * error + SINGLE).all()


def test_the_laplace_members_are_the_posteriors() -> None:
    learned = images(4)
    work = AskingMembers([ideal()], SETS, seed=2, learned=TrainingSample(learned, 40))
    fitted = Laplace.fit(model(), learned, trained_on=40)
    found = say(work, "laplace", priors=(0.5, 2.0))
    expected = fitted.covariances(images(5), (0.5, 2.0)).numpy()
    assert found["covariances"] == pytest.approx(expected, abs=SINGLE * float(np.abs(expected).max()))
    sampled = say(work, "laplace-samples", 1, priors=(1e8,))["logits"]
    assert np.abs(sampled - found["logits"]).max() > 0
    nearer = say(work, "laplace-samples", 1, priors=(1e12,))["logits"]
    assert np.abs(nearer - found["logits"]).max() < np.abs(sampled - found["logits"]).max()


def test_one_shot_scatters_as_sampled_bitstrings_do() -> None:
    qvc, shots = model(), 20_000
    covariance = exact_one_shot(qvc, images(2))
    network = qvc.network
    with torch.no_grad():
        frequencies = network.probabilities(qvc.features(images(2)), qvc.weight).double()
    scale = qvc.config.logit_scale
    for row, mine in zip(frequencies, covariance, strict=True):
        drawn = torch.multinomial(row, shots, replacement=True, generator=torch.Generator().manual_seed(1))
        values = scale * network.signs(row)[drawn].numpy()
        found = np.cov(values.T)
        assert np.abs(found - mine).max() < SIGMAS * scale**2 * np.sqrt(2 / shots)


def test_under_noise_products_without_a_common_qubit_are_independent() -> None:
    noisy = ideal().under("depolarizing", 0.1)
    found = one_shot_covariances(noisy, images(2))
    z = noisy.expectations(images(2))
    scale = noisy.qvc.config.logit_scale
    for row, values in zip(found, z, strict=True):
        assert row == pytest.approx(np.diag(scale**2 * (1 - values**2)), abs=scale**2 * SINGLE)
    assert len(one_shot_covariances(drawn_model().expected, images(2))) == 2


def validation(seed: int) -> Batch:
    shape = (12, 1, 2, 4)
    drawn = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    labels = ideal().logits(drawn).numpy().argmax(axis=1)
    labels[:3] += 1
    return Batch(drawn, labels % 3, np.arange(12), "12")


def asking(
    path: Path, models: list[Deployment], *, shots: int | None = None, test: Tensor | None = None
) -> FamilyInquiry:
    run = open_run("uncertainty", Options(), None, path)
    parts = validation(1), validation(2)
    sets = {LEARNED: parts[0].images, FITTED: parts[1].images, "images": images(9) if test is None else test}
    work = AskingMembers(
        models, sets, learned=TrainingSample(images(4), 40), strength=0.01, with_shots=shots is not None
    )
    return FamilyInquiry(run, work, *parts, ("images",), 4, len(models), 0, shots, Silent())


@pytest.mark.parametrize("family", ["ensemble", "laplace", "laplace-samples", "noise"])
def test_every_family_is_asked_with_shots_and_without(family: str, tmp_path: Path) -> None:
    asked = asking(tmp_path / "run", [ideal(), ideal()], shots=1000)
    answers = asked.answers(family)  # type: ignore[arg-type]
    endless, few, fewer = (answers.uncertainty("images", shots, 0) for shots in (None, 1000, 100))
    assert not endless.shots.any()
    assert 0 < few.shots.mean() < fewer.shots.mean()
    assert (answers.prior is not None) == family.startswith("laplace")
    if family == "ensemble":
        # The same model twice knows no more than once.
        assert endless.model == pytest.approx(0, abs=SINGLE)
        alone = asked.alone()
        apart = np.abs(endless.probabilities - alone.uncertainty("images", None, 0).probabilities)
        # Their temperatures are fitted behind 64 draws of the shots each.
        assert apart.max() < 1 / np.sqrt(64)


def test_every_member_has_shots_of_its_own() -> None:
    drawn = scatter(np.zeros((30, 5, 3)), np.eye(3)[None, None].repeat(5, axis=1) / 10, 0)
    assert len(np.unique(drawn[:, 0, 0])) == len(drawn) == 90
    assert drawn.var() == pytest.approx(1 / 10, rel=SIGMAS * np.sqrt(2 / drawn.size))


def test_rows_and_gains_are_of_these_predictions() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    sure = np.full((60, 3), 0.1)
    sure[np.arange(60), np.where(generator.random(60) < 0.8, labels, (labels + 1) % 3)] = 0.8
    alone = FamilyUncertainty(ALONE, 1, (1.0,), None, Uncertainty.of_members(sure[None]))
    other = FamilyUncertainty(
        "ensemble", 2, (1.0, 1.0), None, Uncertainty.of_members(np.stack([sure, np.roll(sure, 1, axis=1)]))
    )
    row = other.row(labels, None, 0)
    assert row["predictive_entropy"] == pytest.approx(
        row["expected_entropy"] + row["model_part"] + row["shot_part"], abs=SINGLE
    )
    wrong = other.found.probabilities.argmax(1) != labels
    assert row["auroc_entropy"] == auroc(other.found.total[~wrong], other.found.total[wrong])[0]
    assert {each["difference"] for each in uncertainty_gains(alone, alone, labels, 0)} == {0.0, None} - {None}
    gains = {each["figure"]: each for each in uncertainty_gains(alone, other, labels, 0)}
    p = other.found.probabilities[np.arange(60), labels]
    before = alone.found.probabilities[np.arange(60), labels]
    assert gains["nll"]["difference"] == pytest.approx(np.mean(np.log(before)) - np.mean(np.log(p)), abs=SINGLE)
    assert gains["nll"]["better"] == "no, worse"


def test_where_every_label_is_right_nothing_is_told_apart() -> None:
    labels = np.arange(6) % 3
    certain = np.eye(3)[labels] * 0.7 + 0.1
    row = FamilyUncertainty(ALONE, 1, (1.0,), None, Uncertainty.of_members(certain[None])).row(labels, None, 0)
    assert row["auroc_entropy"] is None
    assert row["auroc_entropy_interval"] is None
