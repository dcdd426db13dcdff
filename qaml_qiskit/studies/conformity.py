"""By which score an image's labels are sorted into conformal sets; for requests, which do not wait for torch."""

from typing import Literal

#: ``probability``: softmax at the model's temperature. ``adaptive``: probabilities added up from the highest on.
#: ``margin``: the least of ⟨g_y − g_k⟩, inflated exactly. ``lipschitz``: the same, inflated by a general bound.
#: ``radius``: the exact signed distance to the region where the class wins.
ConformityScore = Literal["probability", "adaptive", "margin", "lipschitz", "radius"]
#: Scores of the quadratic forms, of which it is known how much an attacker within a radius changes them.
ROBUST_SCORES: tuple[ConformityScore, ...] = ("margin", "lipschitz", "radius")
