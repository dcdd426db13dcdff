"""Feature squeezing: what a classifier says of an image should not hang on what a filter takes away."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field, PrivateAttr
from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Detector, Evidence, FittedDetector
from qaml_qiskit.detection.learning import check_learnable
from qaml_qiskit.detection.principal import Principal, principal
from qaml_qiskit.filters import FilterName, parse_filter

#: The view that principal components make.
_PRINCIPAL = "principal"


class Squeezing(Detector):
    """How far filters move the probabilities: the largest l1 distance over all of them (Xu et al. 2018, 1704.01155).

    Attributes:
        filters: fixed ones, each ``median:SIZE`` or ``bits:BITS``.
        kept: share of the variance of the images' pixels that the principal components keep which make a further view;
            None for no such view.
    """

    name = "squeezing"
    learns = True

    filters: Annotated[tuple[FilterName, ...], Field(min_length=1)] = ("median:3", "bits:4")
    kept: Annotated[float | None, Field(gt=0, lt=1)] = 0.9
    _principal: Principal | None = PrivateAttr(None)

    def prepared(self, images: Tensor) -> Detector:
        """With the principal components of these images."""
        if self.kept is None:
            return self
        check_learnable(self.name, len(images))
        ready = self.model_copy()
        ready._principal = principal(images.detach().double().flatten(1).cpu(), self.kept)
        return ready

    def views(self, images: Tensor) -> dict[str, Tensor]:
        """The filtered copies, by the filters' names."""
        found = {words: parse_filter(words)(images) for words in self.filters}
        if self._principal is not None:
            found[_PRINCIPAL] = self._principal.projected(images.flatten(1)).reshape(images.shape).clamp(0, 1)
        return found

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """What is learned, the views have."""
        return FittedSqueezing(models[0].temperature.value)


@dataclass(frozen=True)
class FittedSqueezing(FittedDetector):
    """By the model's temperature."""

    temperature: float

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,), from 0 to 2."""
        said = self._probabilities(evidence.logits[0])
        moved = [(said - self._probabilities(view[0])).abs().sum(1) for view in evidence.views.values()]
        return torch.stack(moved).amax(0)

    def _probabilities(self, logits: Tensor) -> Tensor:
        return (logits.double() / self.temperature).softmax(1)
