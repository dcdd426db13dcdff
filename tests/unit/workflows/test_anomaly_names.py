"""An anomaly that nobody knows is refused where a request is made, from Python too."""

import pytest

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.detect.request import DetectRequest
from qaml_qiskit.workflows.uncertainty.request import UncertaintyRequest


@pytest.mark.parametrize("kind", [DetectRequest, UncertaintyRequest])
@pytest.mark.parametrize("word", ["nowhere", "", "noise:2", "Blank", "other", "other:"])
def test_no_anomaly(kind: type[DetectRequest | UncertaintyRequest], word: str) -> None:
    with pytest.raises(ConfigurationError, match="--anomalies does not fit"):
        kind(models=("here",), anomalies=(word,))


@pytest.mark.parametrize("kind", [DetectRequest, UncertaintyRequest])
def test_anomalies(kind: type[DetectRequest | UncertaintyRequest]) -> None:
    words = ("noise", "blank", "other:mnist", "other:a:b.npz")
    assert kind(models=("here",), anomalies=words).anomalies == words


def test_drifts() -> None:
    for word in ("drift:", "drift:depolarizing:much", "drift:depolarizing:2"):
        with pytest.raises(ConfigurationError):
            DetectRequest(models=("here",), anomalies=(word,))
    assert DetectRequest(models=("here",), anomalies=("drift:depolarizing:0.1",))
    with pytest.raises(ConfigurationError, match="other:FILE"):
        UncertaintyRequest(models=("here",), anomalies=("drift:depolarizing:0.1",))
