"""The plan of Huang & Zhang holds to their protocol, and their numbers are all there."""

import pytest

from qaml_qiskit import TransferRequest
from qaml_qiskit.papers import load_paper
from qaml_qiskit.papers.merging import run_fields, train_fields

PAPER = load_paper("huang2023")
THEIRS = [name for name in PAPER.plan.runs if name.startswith("theirs-")]
#: Numbers of accuracies in each of their tables, and those of β that are tested as means.
NUMBERS = {"table1": 12, "table2": 12 + 2, "table3": 9, "table4": 18, "figure2": 1}


@pytest.mark.parametrize("name", THEIRS)
def test_images_are_made_on_a_draw_and_answered_by_a_vote(name: str) -> None:
    """Steps of .05 at ε = .15; where layers act, a draw a gradient and a hundred votes, of one model."""
    fields = run_fields(PAPER.plan, name, "paper")
    request = TransferRequest.model_validate(fields)
    (source,), (victim,) = request.sources, request.victims
    assert source.partition("@")[0] == victim.partition("@")[0]
    rules = (source.partition("@")[2], victim.partition("@")[2])
    assert rules in {("", ""), ("layers:mean:1", "layers:majority:100"), ("layers:off", "layers:off")}
    noisy = "noise_layers" in train_fields(PAPER.plan, source.partition("@")[0], "paper")
    assert noisy == (rules != ("", ""))
    assert int(str(request.images)) == {"moons": 200, "ising": 400}.get(name.split("-")[1], 1000)
    (middle,) = (attack for attack in request.every_attack() if (attack.name, attack.budget) == ("bim", 0.15))
    assert middle.model_dump()["steps"] == 3
    assert middle.model_dump()["step_share"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", [name for name, model in PAPER.plan.models.items() if not model.only_pattern])
def test_every_model_has_seeds_and_their_training(name: str) -> None:
    fields = train_fields(PAPER.plan, name, "paper")
    assert PAPER.plan.models[name].seeded
    assert train_fields(PAPER.plan, name, "quick")["epochs"] <= 2
    if "model" in fields or name == "moons-amplitude-first":
        return
    assert (fields["batch_size"], fields["learning_rate"], fields["keep_epoch"]) == (64, 0.005, "last")
    shorter = name.startswith(("moons", "ising")) or fields["layers"] == 40
    assert fields["epochs"] == (100 if shorter else 200)


def test_all_published_numbers_are_tested() -> None:
    found = [claim.item for claim in PAPER.said.claims if claim.published is not None]
    assert {item: found.count(item) for item in found} == NUMBERS
    assert all(claim.expect.kind == "equal" for claim in PAPER.said.claims if claim.published is not None)
