"""Jobs are known by their tags, and results by the tag that their circuits brought along."""

from types import SimpleNamespace

import pytest
from qiskit.circuit import Parameter, QuantumCircuit

from qaml_qiskit.execution.ibm.tags import check_label, chunk_tag, labelled, named_job, run_tag
from qaml_qiskit.execution.runner import BrokenResultError, SentJob, is_job_id

RUN = "0123456789ab"
TAGS = [run_tag(RUN), chunk_tag(RUN, "images-0001", 2)]


def result(*labels: str) -> list[SimpleNamespace]:
    circuits = [labelled(QuantumCircuit(1), label) for label in labels]
    return [SimpleNamespace(metadata={"circuit_metadata": circuit.metadata}) for circuit in circuits]


def test_a_job_is_named_by_its_tags() -> None:
    assert named_job("job", TAGS) == SentJob(RUN, "images-0001", 2, "job")
    assert named_job("job", TAGS[:1]) is None
    assert named_job("job", [*TAGS, chunk_tag(RUN, "images-0002", 1)]) is None
    assert named_job("job", [chunk_tag(RUN, "images-0001", 2), run_tag("ba9876543210")]) is None
    assert named_job("job", [7, None, *TAGS]) == named_job("job", TAGS)


def test_a_labelled_circuit_is_the_same_circuit() -> None:
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("x"), 0)
    copy = labelled(circuit, TAGS[1])
    assert copy == circuit
    assert copy.parameters == circuit.parameters
    assert not circuit.metadata


def test_the_result_of_another_job_is_refused() -> None:
    check_label(result(TAGS[1], TAGS[1]), TAGS, "job")
    with pytest.raises(BrokenResultError, match="another job"):
        check_label(result(TAGS[1], chunk_tag(RUN, "images-0002", 2)), TAGS, "job")
    with pytest.raises(BrokenResultError, match="another job"):
        check_label(result(chunk_tag(RUN, "images-0001", 1)), TAGS, "job")


@pytest.mark.parametrize("metadata", [{}, {"circuit_metadata": {}}, {"circuit_metadata": None}, None])
def test_a_result_without_labels_is_believed(metadata: object) -> None:
    check_label([SimpleNamespace(metadata=metadata)], TAGS, "job")


@pytest.mark.parametrize("name", ["", "naïve\x00", "a/b", "a b", "x" * 129, None, 7])
def test_what_is_no_id_of_a_job(name: object) -> None:
    assert not is_job_id(name)
    assert is_job_id("d1a2b3-c4.loopback_0:1")
