"""West et al. as data: the plan asks for what the commands take, and names what is kept."""

from pathlib import Path

import pytest

import qaml_qiskit
from qaml_qiskit.deployments import deploy
from qaml_qiskit.deployments.references import reference_names
from qaml_qiskit.models import ConvNetConfig, ResNet18Config, build_model
from qaml_qiskit.papers import TIERS, Paper, Tier, load_paper
from qaml_qiskit.papers.consistency import measures_of
from qaml_qiskit.papers.merging import run_fields
from qaml_qiskit.papers.schema import Larger

REFERENCES = Path(qaml_qiskit.__file__).parent.parent / "runs" / "reference"


@pytest.fixture(scope="module")
def paper() -> Paper:
    return load_paper("west2023")


def test_every_figure_and_table_is_an_item(paper: Paper) -> None:
    numbered = {f"figS{number}" for number in range(1, 16)} | {f"fig{number}" for number in range(1, 6)} | {"table1"}
    assert numbered <= {*paper.plan.items} == {*paper.said.items}


def test_what_was_not_run_says_so_in_every_claim(paper: Paper) -> None:
    told = [claim for claim in paper.said.claims if "Celeb-A" in claim.told or "celeba" in claim.id]
    assert len(told) >= 10
    for claim in told:
        assert claim.expect.kind == "not run"
        assert "cannot be had" in claim.expect.why


def test_kept_weights_are_those_that_the_plan_names(paper: Paper) -> None:
    known = reference_names()
    for name, model in paper.plan.models.items():
        for seed, kept in model.kept.items():
            assert kept in known, name
            # Building the deepest takes half a second each; who runs the plan checks them, too.
            if not kept.endswith(("-qvc500", "-qvc1000")):
                assert deploy(REFERENCES / kept).weights == model.weights[seed], kept


def test_five_trainings_of_the_circuit_on_both_grey_sets(paper: Paper) -> None:
    for name in ("mnist-qvc200", "fashion-mnist-qvc200"):
        assert [*paper.plan.models[name].kept] == [0, 1, 2, 3, 4]
        assert len({*paper.plan.models[name].weights.values()}) == 5


def test_classical_networks_have_the_published_order_of_parameters() -> None:
    """Table I: about 10^6 and 10^7."""
    counts = {}
    for kind, config in (("convnet", ConvNetConfig), ("resnet18", ResNet18Config)):
        model = build_model(config(image_shape=(1, 28, 28), num_classes=10), 0)
        counts[kind] = sum(weight.numel() for weight in model.parameters())
    assert round(counts["convnet"], -3) == 962_000
    assert round(counts["resnet18"], -5) == 11_200_000


def test_no_claim_of_a_margin_hides_what_was_chosen(paper: Paper) -> None:
    """Whoever turns an adjective into a number says so."""
    for claim in paper.said.claims:
        bounded = claim.expect.kind in ("no difference", "at least", "at most")
        if bounded or (isinstance(claim.expect, Larger) and claim.expect.by):
            assert "margins" in claim.open, claim.id


@pytest.mark.parametrize("tier", TIERS)
def test_every_row_of_a_transfer_that_a_claim_reads_is_made(paper: Paper, tier: Tier) -> None:
    for claim in paper.said.claims:
        for measure in measures_of(claim):
            for each in (measure, measure.minus):
                if each is None or each.run is None or paper.plan.runs[each.run].command != "transfer":
                    continue
                fields = run_fields(paper.plan, each.run, tier)
                assert each.row["victim"] in fields["victims"], claim.id
                if each.row["attack"] != "none":
                    assert each.row["eps"] in fields["eps"], claim.id
                    assert each.row["source"] in fields["sources"], claim.id
                    assert each.row["attack"].removesuffix("-binary") in fields["attacks"], claim.id


@pytest.mark.parametrize("tier", TIERS)
def test_every_noise_that_a_claim_reads_is_swept(paper: Paper, tier: Tier) -> None:
    fields = run_fields(paper.plan, "figS14", tier)
    for claim in paper.said.claims:
        for measure in measures_of(claim):
            if measure.run == "figS14" and measure.row["noise"] != "none":
                assert measure.row["noise"] in fields["noise"], claim.id
                assert measure.row["strength"] in fields["strengths"], claim.id
                assert measure.row["placement"] in fields["placement"], claim.id
