"""The registered detectors; for requests, which do not wait for torch."""

from typing import TYPE_CHECKING, Annotated

from qaml_qiskit.registry import Named, Registry

if TYPE_CHECKING:
    from qaml_qiskit.detection.detector import Detector

_HERE = "qaml_qiskit.detection"

#: What gives an image a score, the higher the more suspicious; the settings of each are its fields.
DETECTORS: Registry[type["Detector"]] = Registry(
    "detector",
    {
        "disagreement": (f"{_HERE}.disagreement:Disagreement", "share of pairs of models with different labels (West)"),
        "divergence": (f"{_HERE}.disagreement:Divergence", "how far apart the probabilities of the models are"),
        "entropy": (f"{_HERE}.uncertain:Entropy", "how unsure the mean of the models is about the label"),
    },
    base="qaml_qiskit.detection.detector:Detector",
)

DetectorName = Annotated[str, Named(DETECTORS)]
