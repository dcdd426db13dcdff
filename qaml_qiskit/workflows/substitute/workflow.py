"""A network that learns to answer as a victim does: the work behind ``qaml substitute``."""

from pathlib import Path

from qaml_qiskit.artifacts import Row, digest, open_pool, open_run
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments import Batch, Deployment, load_batch, read_deployments
from qaml_qiskit.deployments.networks import code_of, network_data, notes_of
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.models import Model, TrainingConfig, check_size, parse_config, predict
from qaml_qiskit.progress import Progress, Silent, Stopping, never
from qaml_qiskit.reports import Report
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies import Substituting, first_images
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.outcomes import TrainOutcome
from qaml_qiskit.workflows.substitute.request import SubstituteRequest

#: More images than any test set has.
_ALL = str(2**62)


@takes(SubstituteRequest)
def substitute(
    request: SubstituteRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    backends: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    stopping: Stopping = never,
    compute: Compute = DEFAULT_COMPUTE,
) -> TrainOutcome:
    """Train a substitute on a victim's labels. It stands wherever a model does, as among the sources of a transfer.

    Raises:
        PartialResultError: stopped; the same call continues (exit code 6).
        QamlError: the request cannot be served; the victim was not asked.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    data = network_data(request.dataset, request.loading(data_dir))
    (victim,) = read_deployments(
        [request.victim],
        recipe=request.recipe,
        backends=backends,
        compute=compute,
        data=data,
        progress=progress,
        seed=request.seed,
    )
    batch = load_batch(request.images or _ALL, [victim], data_dir, or_all=request.images is None)
    if 2 * request.first > len(batch):
        raise InputError(
            "there are not enough images to begin with",
            got=f"--first {request.first} of {len(batch)} images",
            expected=f"at most {len(batch) // 2}: half of them are for the comparison",
            remedy="begin with fewer, or give more --images",
        )
    shape, classes = victim.card.model.image_shape, victim.num_classes
    config = parse_config({"kind": request.model, "image_shape": shape, "num_classes": classes})
    check_size(config.memory)
    training = TrainingConfig(**request.model_dump(include=set(TrainingConfig.model_fields)))
    study = Substituting(victim, config, training, request.queries, request.step_size)
    resolved = {
        "weights": victim.weights,
        "images": digest(batch.images),
        **({"device": victim.resolved()} if victim.kind == "device" else {}),
        **code_of([victim]),
        **compute.record(),
    }
    with (
        opening as pool,
        computing(compute),
        open_run("substitute", request, resolved, out, backends=backends) as run,
    ):
        if not run.complete:
            compared, first = first_images(batch, request.first, request.seed)
            answers = study.asked("comparison", compared.images, run, progress, pool)
            rows = [
                _row(victim, queries, model, compared, answers)
                for queries, model in study.rounds(first, run, progress, stopping, pool, compute)
            ]
            report = Report(run, request.command_line(run.config), f"A substitute for {victim.name}")
            notes = [*_notes(request, victim, compared), *notes_of([victim])]
            report.table("Rounds", rows, *notes, file="rounds.csv")
            report.finish(_lead(request, victim, rows[-1]), rows, notes)
    return TrainOutcome.of(run)


def _row(victim: Deployment, queries: int, model: Model, compared: Batch, answers: object) -> Row:
    """How far the substitute of one round answers as the victim does."""
    said = predict(model, compared.images).numpy().argmax(1)
    agreement = Proportion(int((said == answers).sum()), len(compared))
    return {
        "victim": victim.name,
        "queries": queries,
        "agreement": agreement.value,
        "interval": list(agreement.interval),
        "accuracy": float((said == compared.labels).mean()),
        "victim_accuracy": float((answers == compared.labels).mean()),
        "images": len(compared),
    }


def _lead(request: SubstituteRequest, victim: Deployment, last: Row) -> str:
    return (
        f"After {last['queries']} queries of {victim.name}, the {request.model} agrees with it on "
        f"{last['agreement']:.1%} of {last['images']} other images."
    )


def _notes(request: SubstituteRequest, victim: Deployment, compared: Batch) -> list[str]:
    return [
        "queries: images whose label the victim was asked for, all rounds so far; nothing else of it was used. "
        "agreement: share of the images on which both say the same, with its 95 % Wilson interval; for these answers "
        f"the victim was asked beside the queries. The attacker began with {request.first} images of the second half; "
        f"to attack none of them, take at most the first {len(compared)} images."
    ]
