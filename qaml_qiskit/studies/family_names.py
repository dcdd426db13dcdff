"""Where doubt about a model comes from; for requests, which do not wait for torch."""

from typing import Literal

#: ``ensemble``: several trainings. ``laplace``: a Gaussian over the angles, the model linearised in them.
#: ``laplace-samples``: the same, angles drawn. ``draws``: what the model draws, afresh. ``noise``: errors of gates.
FamilyName = Literal["ensemble", "laplace", "laplace-samples", "draws", "noise"]
