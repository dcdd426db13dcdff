"""The one place that decides which Runtime primitives are used, and how options reach them.

qiskit-ibm-runtime is replacing its SamplerV2 and EstimatorV2 by client-side ones; the old classes are deprecated since
0.50. Whatever the installed version offers is taken, and the rest of the package sees a V2 primitive.
"""

from collections.abc import Sequence
from typing import Any

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit_aer import AerSimulator

from qaml_qiskit.execution.options import ESTIMATED, Mitigation, PrimitiveOptions


def runtime_primitive(
    mode: Any,
    mitigation: Mitigation,
    options: PrimitiveOptions,
    *,
    tags: Sequence[str] = (),
) -> BaseSamplerV2 | BaseEstimatorV2:
    """A Runtime primitive for a device, a batch or a session.

    Args:
        mode: a backend (job mode), a Batch or a Session.
        mitigation: ``trex`` and ``zne`` give an Estimator, the others a Sampler.
        options: of the target's entry.
        tags: that the jobs carry at the service.
    """
    primitive = _primitive(mode, mitigation)
    chosen = primitive.options
    chosen.environment.job_tags = list(tags)
    _twirl(chosen, options)
    if options.dynamical_decoupling is not None:
        chosen.dynamical_decoupling.enable = True
        chosen.dynamical_decoupling.sequence_type = options.dynamical_decoupling.sequence
    if options.rep_delay is not None:
        chosen.execution.rep_delay = options.rep_delay
    if options.max_execution_time is not None:
        chosen.max_execution_time = options.max_execution_time
    return primitive


def local_primitive(
    simulator: AerSimulator, seed: int, mitigation: Mitigation = "none", options: PrimitiveOptions | None = None
) -> BaseSamplerV2 | BaseEstimatorV2:
    """A Runtime primitive in local mode. What a simulator cannot do is left out of the options.

    Args:
        simulator: runs the circuits, with the noise that it carries.
        seed: the same seed gives the same counts, bit for bit.
        mitigation: as in :func:`runtime_primitive`.
        options: of the target's entry; see :meth:`PrimitiveOptions.not_applied_locally`.
    """
    primitive = _primitive(simulator, mitigation)
    # The deprecated primitives take seed 0 for "no seed".
    primitive.options.simulator.seed_simulator = seed + 1
    _twirl(primitive.options, options or PrimitiveOptions())
    return primitive


def _primitive(mode: Any, mitigation: Mitigation) -> Any:
    if mitigation not in ESTIMATED:
        return _sampler_class()(mode=mode)
    estimator = _estimator_class()(mode=mode)
    # Level 0 does nothing by itself, so that each name means one technique.
    estimator.options.resilience_level = 0
    estimator.options.resilience.measure_mitigation = True
    estimator.options.twirling.enable_measure = True
    if mitigation == "zne":
        estimator.options.resilience.zne_mitigation = True
    return estimator


def _twirl(chosen: Any, options: PrimitiveOptions) -> None:
    if options.twirling is None:
        return
    chosen.twirling.enable_gates = options.twirling.gates
    if options.twirling.measure:
        chosen.twirling.enable_measure = True
    if options.twirling.randomizations is not None:
        chosen.twirling.num_randomizations = options.twirling.randomizations


def _sampler_class() -> Any:
    try:
        from qiskit_ibm_runtime.executor_sampler import Sampler
    except ImportError:
        from qiskit_ibm_runtime import SamplerV2 as Sampler
    return Sampler


def _estimator_class() -> Any:
    try:
        from qiskit_ibm_runtime.executor_estimator import Estimator
    except ImportError:
        from qiskit_ibm_runtime import EstimatorV2 as Estimator
    return Estimator
