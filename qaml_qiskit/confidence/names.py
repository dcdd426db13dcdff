"""The registered recalibrations; for requests, which wait for nothing."""

from typing import TYPE_CHECKING, Annotated

from qaml_qiskit.registry import Named, Registry

if TYPE_CHECKING:
    from qaml_qiskit.confidence.recalibration import Recalibration

_HERE = "qaml_qiskit.confidence"

#: What makes probabilities of logits; each is fitted by its :meth:`~.Recalibration.fit`.
RECALIBRATIONS: Registry[type["Recalibration"]] = Registry(
    "recalibration",
    {
        "temperature": (f"{_HERE}.temperature:Temperature", "one temperature for all logits"),
        "platt": (f"{_HERE}.platt:Platt", "a slope and an offset a class (vector scaling)"),
        "isotonic": (f"{_HERE}.isotonic:Isotonic", "a rising staircase a class, one against the others"),
    },
    base="qaml_qiskit.confidence.recalibration:Recalibration",
)

RecalibrationName = Annotated[str, Named(RECALIBRATIONS)]
