"""What ``qaml certify --method smoothing`` writes."""

from qaml_qiskit.artifacts import Pool, Run
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.progress import Progress
from qaml_qiskit.reports import Report
from qaml_qiskit.studies import SmoothedCertification, smooth_batch, smoothed_levels, smoothed_summary
from qaml_qiskit.workflows.certify.request import CertifyRequest

_FIRST_ROWS = 20
_NOTE = (
    "Two classifiers: smoothed_radius and smoothed_without_draws are l2 radii of the smoothed one, which answers with "
    "the label of most noisy copies; base_radius is the exact one of the model itself. Neither holds for the other."
)
_NOTE_EXACT = (
    "smoothed_without_draws and base_radius are computed, without sampling and without a probability of failure; "
    "smoothed_without_draws is exact for two classes and a lower bound for more."
)


def certify_smoothed_images(
    run: Run, request: CertifyRequest, deployment: Deployment, batch: Batch, progress: Progress, pool: Pool
) -> None:
    """Certify by randomised smoothing, and write the tables."""
    work = SmoothedCertification(
        deployment,
        batch,
        sigma=request.smoothing_sigma,
        samples=request.samples,
        selection=request.selection_samples,
        failure=request.failure,
        seed=request.seed,
    )
    rows = smooth_batch(run, work, len(batch), progress, pool)
    summary, levels = smoothed_summary(rows), smoothed_levels(rows)
    sampled = (
        f"smoothed_radius is sampled: {request.selection_samples} draws choose the label, {request.samples} bound its "
        f"share; each statement may be wrong with a probability of {request.failure:g}."
    )
    notes = [_NOTE, sampled, *([_NOTE_EXACT] if "base_radius" in rows[0] else []), *deployment.notes]
    lead = (
        f"{len(rows)} images, noise of {request.smoothing_sigma:g} on the pixels. Accuracy of the base "
        f"{summary['base_accuracy']:.1%}, smoothed {summary['smoothed_accuracy']:.1%}."
    )
    report = Report(run, request.command_line(run.config), f"{deployment.name}, smoothed")
    report.csv("smoothing.csv", rows)
    report.table("Summary", [summary], *notes)
    report.table("Certified accuracy", levels, "Share of the images that are right and stay so within the distance.")
    report.table("First images", rows[:_FIRST_ROWS], "All images are in smoothing.csv.")
    report.finish(lead, rows, notes, summary=[summary], certified_accuracy=levels)
