"""The one table of numerical tolerances. Tests name an entry and never write a number of their own."""

import torch

#: Largest allowed absolute difference of amplitudes and ⟨Z⟩ between two ways to compute the same circuit.
VALUE = {torch.float32: 1e-5, torch.float64: 1e-10}

#: Largest allowed absolute difference of gradients (relative to the largest gradient where that exceeds 1).
GRADIENT = {torch.float32: 2e-4, torch.float64: 1e-9}

#: The same through Euler angles, at the nearest to their singular points that anything goes through them.
SINGULAR_GRADIENT = {torch.float32: 5e-3, torch.float64: 1e-9}

#: Sums of a few numbers in float32 that were each computed in double precision: some last places, relative.
ROUNDED = 2**-21

#: Step of central differences in float64, and what truncation and rounding leave (about 1e-9, with room for curvature).
DIFFERENCE_STEP = 1e-5
FINITE_DIFFERENCE = 1e-6

#: A mean over images in float32, summed in two orders; relative.
MEAN = 1e-4

#: Logits of a stored model computed again, by another path or build of the simulator; relative to the largest.
REFERENCE_LOGITS = 1e-4

#: Rounding of a bound that is enforced in float32.
BOUND = 1e-6

#: Two values that must differ for a test to mean anything differ by more than this.
DIFFERENT = 1e-3

#: Fidelity of an encoding that claims to be exact.
EXACT_FIDELITY = 1e-12

#: Statistical tests accept this many standard errors, computed from the shot count (false alarms below 1e-6).
SIGMAS = 5.0
#: A χ² test accepts down to this probability of a statistic at least as large.
FALSE_ALARM = 1e-6

#: Mean fidelity of the approximate encoding on the embedded digits by number of layers, measured less 0.005.
DIGITS_FIDELITY = {1: 0.904, 2: 0.972, 3: 0.991}

#: Mean fidelity at three layers on the first test images of the full data sets; they vary, so well below the means.
IMAGES_FIDELITY = {"fashion-mnist": 0.93, "mnist": 0.87}

#: Largest difference of a derivative through a fit of several sweeps from central differences, relative: the map is
#: strongly curved, so the differences themselves are no better than this.
FIT_DERIVATIVE = 1e-4

#: ⟨Z⟩ by Aer's density matrix where errors hold Kraus operators of small norm, which Aer leaves out (about 1e-9).
AER = 1e-7

#: Length of a minimal attack relative to a linear model's exact radius, above 1; and how far rounding lowers it.
MINIMAL_ATTACK = {"deepfool": 0.01, "cw": 0.3, "rounding": 1e-3}

#: Exact certificates in double precision, relative to the radius.
CERTIFICATE = 1e-9

#: A minimum that a general optimiser found, relative.
OPTIMISER = 1e-5

#: Standard errors of probabilities by a fixed set of draws, relative to those by endless ones.
DRAWN_ERROR = 0.1
#: Sums of probabilities in double precision.
VALUE_OF_PROBABILITIES = 1e-12

#: A fit with a weak prior against one without, of twenty thousand images.
WEAK_PRIOR = 1e-3

#: Smallest p-value of a Kolmogorov–Smirnov test that p-values are uniform, of the few that are made with fixed seeds.
UNIFORM = 1e-3

#: Derivative by the scale of all errors from a difference of two forecasts, against the sum of exact ones in float32,
#: relative to the largest.
SCALE_DERIVATIVE = 0.02

#: Fits of V-layers by two programs, or of images that differ by rounding: the overlaps that are reached, and the states
#: that reach them. Where a fit has settled, rounding says whether a last sweep is kept, so the states are only near.
FIT_REACHED = 1e-9
FIT_STATE = 1e-6
