"""What is left of a defence's gain: the work behind ``qaml audit``."""

from pathlib import Path

from qaml_qiskit.artifacts import digest, open_pool, open_run
from qaml_qiskit.attacks import DefenceSettings
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments import load_batch, read_deployments
from qaml_qiskit.deployments.defence_views import twin_of
from qaml_qiskit.deployments.networks import code_of, network_data
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies import Defence, audit_defences
from qaml_qiskit.workflows.audit.report import write_report
from qaml_qiskit.workflows.audit.request import AuditRequest
from qaml_qiskit.workflows.calling import takes


@takes(AuditRequest)
def audit(
    request: AuditRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    compute: Compute = DEFAULT_COMPUTE,
) -> Outcome:
    """Attack a defended model through everything that can be known of it. What each attacker did is kept.

    Raises:
        QamlError: the request cannot be served; nothing was computed.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    defence = _read(request, data_dir, compute, progress)
    for each in defence.everyone:
        each.check_attackable(request.attacks())
    batch = load_batch(request.images, defence.everyone, data_dir, or_all=request.is_default("images"))
    weights = {each.name: each.weights for each in defence.everyone}
    resolved = {"weights": weights, "images": digest(batch.images), **code_of(defence.everyone), **compute.record()}
    settings = DefenceSettings(draws=request.draws, judged=request.judged, queries=request.queries, seed=request.seed)
    with opening as pool, computing(compute), open_run("audit", request, resolved, out) as run:
        if not run.complete:
            reports = audit_defences(run, defence, request.attacks(), batch, settings, progress, pool)
            write_report(run, request, defence, reports)
    return Outcome.of(run, "gains", "rescaling")


def _read(request: AuditRequest, data_dir: Path | None, compute: Compute, progress: Progress) -> Defence:
    """The defence that a request names."""
    names = [request.defended, *([] if request.twin is None else [request.twin]), *request.sources]
    data = network_data(request.dataset, request.loading(data_dir))
    defended, *others = read_deployments(names, compute=compute, data=data, progress=progress, seed=request.seed)
    if request.twin is None:
        return Defence(defended, twin_of(defended), tuple(others))
    return Defence(defended, others[0], tuple(others[1:]))
