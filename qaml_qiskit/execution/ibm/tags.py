"""How jobs are marked at the service, so that they are found again, and their results known for their own."""

import re
from typing import Any

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.execution.runner import BrokenResultError, SentJob

#: Job tags: this one for all of the package's, another for all of a run's, a third for one job's.
TAG = "qaml-qiskit"
_CHUNK_TAG = re.compile(r"qaml-(?P<run>[0-9a-f]{12})-(?P<chunk>.+)-(?P<attempt>[1-9]\d{0,5})")
#: In the metadata of every circuit that is sent: the tag of the job that it belongs to.
_LABEL = "qaml_job"


def run_tag(run_id: str) -> str:
    """The tag of all jobs of a run."""
    return f"qaml-{run_id}"


def chunk_tag(run_id: str, chunk: str, attempt: int) -> str:
    """The tag of one attempt at one chunk of a run's work."""
    return f"qaml-{run_id}-{chunk}-{attempt}"


def named_job(job_id: str, tags: object) -> SentJob | None:
    """The job that its tags name; None where they name none, or contradict each other."""
    found = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    matches = [match for tag in found if (match := _CHUNK_TAG.fullmatch(tag))]
    if len(matches) != 1 or run_tag(matches[0]["run"]) not in found:
        return None
    return SentJob(matches[0]["run"], matches[0]["chunk"], int(matches[0]["attempt"]), job_id)


def labelled(circuit: QuantumCircuit, tag: str) -> QuantumCircuit:
    """A circuit that takes its job's tag with it: the result brings the circuits' metadata back."""
    copy = circuit.copy()
    copy.metadata = {_LABEL: tag}
    return copy


def check_label(result: Any, tags: object, job_id: str) -> None:
    """Raise BrokenResultError if the result brings the tag of another job; services that bring none are believed."""
    try:
        labels = {pub.metadata["circuit_metadata"][_LABEL] for pub in result}
    except (AttributeError, KeyError, TypeError):
        return
    own = {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()
    if not labels <= own:
        raise BrokenResultError(
            f"the result of job {job_id} is not its own",
            got="what another job measured",
            expected="what this job measured",
            remedy="collect again; if it stays so, send the job again with `qaml submit --retry`",
        )
