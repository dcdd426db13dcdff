"""The one table of numerical tolerances. Tests name an entry and never write a number of their own."""

import torch

#: Largest allowed absolute difference of amplitudes and ⟨Z⟩ between two ways to compute the same circuit.
VALUE = {torch.float32: 1e-5, torch.float64: 1e-10}

#: Largest allowed absolute difference of gradients (relative to the largest gradient where that exceeds 1).
GRADIENT = {torch.float32: 2e-4, torch.float64: 1e-9}

#: Central differences in float64 with step 1e-5: truncation and rounding leave about 1e-9.
FINITE_DIFFERENCE = 1e-6

#: Fidelity of an encoding that claims to be exact.
EXACT_FIDELITY = 1e-12

#: Statistical tests accept this many standard errors, computed from the shot count (false alarms below 1e-6).
SIGMAS = 5.0
