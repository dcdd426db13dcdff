"""The papers that the package knows: their plans fit its commands, and their claims what is run."""

from functools import cache

import pytest

from qaml_qiskit.artifacts.run import CONFIG_FILE, RUN_KEYS
from qaml_qiskit.campaigns.reproduce.foreseeing import check_rows
from qaml_qiskit.campaigns.reproduce.planning import Planning
from qaml_qiskit.deployments.references import reference_folders
from qaml_qiskit.formats import read_bytes, yaml_of
from qaml_qiskit.papers import PAPERS, TIERS, load_paper
from qaml_qiskit.papers.merging import train_fields
from qaml_qiskit.papers.schema import Tier
from qaml_qiskit.workflows.train.request import TrainRequest


@cache
def planned(name: str, tier: Tier) -> Planning:
    paper = load_paper(name)
    return Planning(paper, tuple(paper.plan.items), tier, 2)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", PAPERS)
def test_every_run_is_a_request_and_every_claim_reads_a_row(name: str, tier: Tier) -> None:
    planning = planned(name, tier)
    check_rows(planning)
    for job, request in planning.requests.items():
        assert type(request).model_validate(request.model_dump(mode="json")) == request, job


@pytest.mark.parametrize("name", PAPERS)
def test_nothing_is_planned_in_vain(name: str) -> None:
    plan, planning = load_paper(name).plan, planned(name, "full")
    used = {job.name for job in planning.jobs}
    followed = {other for each in (*plan.models.values(), *plan.runs.values()) for other in each.like}
    spared = {run for item in plan.items.values() if item.not_run is not None for run in item.runs}
    kept_for = {model for run in spared for model in plan.models if model in str(plan.runs[run].fields)}
    assert {*plan.runs} <= used | followed | spared
    assert {*plan.models} <= used | followed | kept_for


@pytest.mark.parametrize("name", PAPERS)
def test_kept_models_were_trained_as_the_plan_says(name: str) -> None:
    plan = load_paper(name).plan
    for model, planned_model in plan.models.items():
        assert {*planned_model.weights} <= {*planned_model.kept}
        for seed, kept in planned_model.kept.items():
            files = [file for folder in reference_folders() if (file := folder / kept / CONFIG_FILE).is_file()]
            if not files:
                continue
            config = yaml_of(read_bytes(files[0]), str(files[0]))
            asked = {name: value for name, value in config.items() if name not in RUN_KEYS}
            ours = TrainRequest.model_validate({"seed": seed, **train_fields(plan, model, "paper")})
            assert TrainRequest.model_validate(asked).resolved() == ours.resolved(), model
