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
        "entropy": (f"{_HERE}.entropy:Entropy", "how unsure the mean of the models is about the label"),
        "confidence": (f"{_HERE}.certainty:Confidence", "one less the largest probability"),
        "margin": (f"{_HERE}.certainty:Margin", "how near the second label's logit is to the first's"),
        "energy": (f"{_HERE}.certainty:Energy", "how small all logits are"),
        "mahalanobis": (f"{_HERE}.mahalanobis:Mahalanobis", "distance of the logits from the nearest class"),
        "radius": (f"{_HERE}.radius:Radius", "how near the nearest image of another label is, exactly"),
        "fidelity": (f"{_HERE}.fidelity:Fidelity", "distance of the state from those of its class"),
        "autoencoder": (f"{_HERE}.reconstruction:Autoencoder", "what a quantum autoencoder of clean states loses"),
        "reconstruction": (f"{_HERE}.reconstruction:Reconstruction", "what principal components of clean images lose"),
        "squeezing": (f"{_HERE}.squeezing:Squeezing", "how far filters of the image move the probabilities"),
        "stack": (f"{_HERE}.stack:Stack", "several of these by the sum of their p-values' logarithms"),
    },
    base="qaml_qiskit.detection.detector:Detector",
)

#: Detectors with their settings that were given to this process in place of a name.
GIVEN_DETECTORS: Registry["Detector"] = Registry("given detector", {}, base="qaml_qiskit.detection.detector:Detector")

DetectorName = Annotated[str, Named(DETECTORS, given=GIVEN_DETECTORS)]


def is_for_detectors(word: str) -> bool:
    """Whether a word ``name.key=value`` is a detector's setting by its name; other words are those of attacks."""
    return word.partition("=")[0].rpartition(".")[0] in DETECTORS
