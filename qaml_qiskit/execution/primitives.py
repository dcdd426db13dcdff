"""The one place that decides which Runtime primitive is used.

qiskit-ibm-runtime is replacing its SamplerV2 by a client-side one; the old class is deprecated since 0.50. Whatever
the installed version offers is taken, and the rest of the package sees a V2 sampler.
"""

from typing import Any

from qiskit.primitives import BaseSamplerV2
from qiskit_aer import AerSimulator


def local_sampler(simulator: AerSimulator, seed: int) -> BaseSamplerV2:
    """A Runtime sampler in local mode.

    Args:
        simulator: runs the circuits, with the noise that it carries.
        seed: the same seed gives the same counts, bit for bit.
    """
    sampler = _sampler_class()(mode=simulator)
    # The deprecated primitive takes seed 0 for "no seed".
    sampler.options.simulator.seed_simulator = seed + 1
    return sampler


def _sampler_class() -> Any:
    try:
        from qiskit_ibm_runtime.executor_sampler import Sampler
    except ImportError:
        from qiskit_ibm_runtime import SamplerV2 as Sampler
    return Sampler
