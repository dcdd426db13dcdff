"""Several detectors as one, combined by how unusual each of them finds an image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from pydantic import Field, PrivateAttr, field_validator
from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Detector, Evidence, FittedDetector
from qaml_qiskit.detection.learning import check_learnable
from qaml_qiskit.detection.making import make_detector
from qaml_qiskit.detection.names import DetectorName
from qaml_qiskit.errors import ConfigurationError

#: Between a member's name and that of its view.
_OF = "/"


class Stack(Detector):
    """Fisher's sum −Σ log p of the members' p-values against clean images (Fisher 1932).

    A member's p-value is the share of clean images that it finds as suspicious, the image itself among them
    (conformal p-values, Vovk et al. 2005). One half of what is learned from fits the members, the other half ranks, so
    that no member ranks images by which it was fitted. Members hang together, so that the sum has not the distribution
    that Fisher gives it; nothing is assumed about it, as thresholds are quantiles of validation images.

    No attack is needed to fit it: what it does not know, it has not got used to.

    Attributes:
        members: registered detectors, with their default settings.
    """

    name = "stack"
    learns = True

    members: Annotated[tuple[DetectorName, ...], Field(min_length=1)] = (
        "mahalanobis",
        "squeezing",
        "reconstruction",
    )
    _prepared: dict[str, Detector] | None = PrivateAttr(None)

    @field_validator("members")
    @classmethod
    def _once_each(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(members)) < len(members) or cls.name in members:
            raise ConfigurationError(
                "these detectors do not make a stack",
                got=", ".join(members),
                expected="each detector once, and no stack",
                remedy="leave out what is twice",
            )
        return members

    def check(self, models: Sequence[Deployment]) -> None:
        """Refuse what any of the members refuses."""
        super().check(models)
        for member in self._made.values():
            member.check(models)

    def prepared(self, images: Tensor) -> Detector:
        """With every member prepared by the images that it will be fitted to."""
        ready = self.model_copy()
        ready._prepared = {name: member.prepared(images[::2]) for name, member in self._made.items()}
        return ready

    def views(self, images: Tensor) -> dict[str, Tensor]:
        """Those of all members, as ``member/view``."""
        made = self._made.items()
        return {f"{name}{_OF}{view}": each for name, member in made for view, each in member.views(images).items()}

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """Fit the members to one half, and rank by the other."""
        check_learnable(self.name, len(evidence.images), 4)
        halves = [_of_member(_rows(evidence, start), self._made) for start in (0, 1)]
        members = {name: each.fit(models, halves[0][name], labels[::2]) for name, each in self._made.items()}
        with torch.no_grad():
            ranks = {name: each.scores(halves[1][name]).sort().values for name, each in members.items()}
            smooth = {name: each.surrogate(halves[1][name]) for name, each in members.items()}
        scales = {name: (float(each.mean()), float(each.std()) or 1.0) for name, each in smooth.items()}
        return FittedStack(members, ranks, scales)

    @property
    def _made(self) -> dict[str, Detector]:
        return self._prepared or {name: make_detector(name) for name in self.members}


@dataclass(frozen=True, eq=False)
class FittedStack(FittedDetector):
    """Fitted members, their scores of clean images in rising order, and the mean and spread of their surrogates."""

    members: Mapping[str, FittedDetector]
    ranks: Mapping[str, Tensor]
    scales: Mapping[str, tuple[float, float]]

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,); without a slope."""
        parts = _of_member(evidence, self.members)
        return torch.stack([-self.p_values(name, parts[name]).log() for name in self.members]).sum(0)

    def p_values(self, name: str, evidence: Evidence) -> Tensor:
        """Of one member, shape (N,): (1 + number of clean images as suspicious)/(1 + number of clean images)."""
        scores, ranks = self.members[name].scores(evidence).detach(), self.ranks[name]
        below = torch.searchsorted(ranks.to(scores), scores)
        return (1 + len(ranks) - below).double() / (1 + len(ranks))

    def surrogate(self, evidence: Evidence) -> Tensor:
        """The sum of the members' surrogates, each in units of its spread over clean images."""
        parts = _of_member(evidence, self.members)
        means = {name: (parts[name], *self.scales[name]) for name in self.members}
        return torch.stack(
            [(self.members[name].surrogate(part) - mean) / spread for name, (part, mean, spread) in means.items()]
        ).sum(0)


def _rows(evidence: Evidence, start: int) -> Evidence:
    """Every second image from one on."""
    views = {name: tuple(each[start::2] for each in said) for name, said in evidence.views.items()}
    return Evidence(evidence.images[start::2], tuple(each[start::2] for each in evidence.logits), views)


def _of_member(evidence: Evidence, members: Mapping[str, object]) -> dict[str, Evidence]:
    """What every member sees: the same, and its own views."""
    return {
        name: replace(
            evidence,
            views={
                view.removeprefix(f"{name}{_OF}"): said
                for view, said in evidence.views.items()
                if view.startswith(f"{name}{_OF}")
            },
        )
        for name in members
    }
