"""Which engine simulates a target: the exact one where it applies, and otherwise Aer, with the reason."""

from dataclasses import dataclass, replace

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution.catalogue import IdealEntry, ProviderEntry, SimulatedEntry
from qaml_qiskit.execution.circuits import compact
from qaml_qiskit.execution.options import ESTIMATED, Engine, Mitigation
from qaml_qiskit.execution.targets import Target, real_hardware
from qaml_qiskit.simulation.primitives import check_exact

_EXACT = "Simulated exactly: shots are drawn from the computed distribution of each image's bitstrings"


@dataclass(frozen=True)
class EngineChoice:
    """What simulates a target.

    Attributes:
        engine: the exact engine, or Aer; of real hardware, which nothing simulates, it says nothing.
        why: why it is Aer although nobody asked for it; empty otherwise.
    """

    engine: Engine
    why: str = ""


def choose_engine(target: Target, isa_circuit: QuantumCircuit, mitigation: Mitigation = "none") -> EngineChoice:
    """What simulates a target: what its entry says, or the exact engine where it applies, and otherwise Aer.

    An ideal target is left to Aer's state vectors unless its entry says something else: there is no noise to follow.

    Args:
        target: where the circuit was compiled for.
        isa_circuit: with free parameters.
        mitigation: ``trex`` and ``zne`` ask the Runtime's Estimator, which needs Aer.

    Raises:
        ConfigurationError: the entry asks for the exact engine, which cannot follow this.
    """
    entry = target.entry
    if not isinstance(entry, SimulatedEntry) or entry.engine == "aer":
        return EngineChoice("aer")
    if entry.engine is None and isinstance(entry, IdealEntry):
        return EngineChoice("aer")
    obstacle = _obstacle(entry, isa_circuit, mitigation)
    if obstacle is None:
        return EngineChoice("exact")
    got, expected = obstacle
    if entry.engine == "exact":
        raise ConfigurationError(
            f"the exact engine cannot simulate this on {target.name}",
            got=got,
            expected=expected,
            remedy="leave the engine open, or choose aer",
        )
    return EngineChoice("aer", f"{got}; the exact engine takes {expected}")


def told_engine(target: Target, isa_circuit: QuantumCircuit, engine: Engine, mitigation: Mitigation) -> tuple[str, ...]:
    """What simulates a workload, in a sentence without its full stop; nothing of real hardware and ideal targets.

    Args:
        target: where it runs.
        isa_circuit: what runs.
        engine: what the workload says; one of an earlier version goes on with Aer, whatever would apply today.
        mitigation: of the workload.
    """
    if engine == "exact":
        return (_EXACT,)
    if not isinstance(target.entry, SimulatedEntry) or isinstance(target.entry, IdealEntry):
        return ()
    # Where the exact engine was asked for, a workload has it.
    why = "" if target.entry.engine is not None else choose_engine(target, isa_circuit, mitigation).why
    return (f"Simulated by Aer: {why}" if why else "Simulated by Aer",)


def with_engine(target: Target, engine: Engine | None) -> Target:
    """The same target simulated by another engine; None leaves what its entry says.

    Raises:
        ConfigurationError: the target is real hardware, or a provider runs what is sent there.
    """
    if engine is None:
        return target
    if isinstance(target.entry, ProviderEntry):
        raise ConfigurationError(
            f"target {target.name} has no engine to choose",
            got=f"--engine {engine}",
            expected="no engine: its own provider runs the circuits",
            remedy="leave out --engine, or choose a target of kind aer, fake or snapshot",
        )
    if not isinstance(target.entry, SimulatedEntry):
        raise real_hardware(
            target.name,
            got=f"--engine {engine}",
            expected="no engine: nothing is simulated there",
            remedy="leave out --engine, or choose a simulated target",
        )
    return replace(target, entry=target.entry.model_copy(update={"engine": engine}))


def check_simulated(target: Target, isa_circuit: QuantumCircuit, mitigation: Mitigation = "none") -> None:
    """Refuse what could not be sampled here, before anything is computed.

    Raises:
        ConfigurationError: the target is real hardware, its noise touches no gate of the circuit, or its entry asks for
            the exact engine, which cannot follow the circuit.
    """
    target.simulator(isa_circuit)
    choose_engine(target, isa_circuit, mitigation)


def _obstacle(entry: SimulatedEntry, isa_circuit: QuantumCircuit, mitigation: Mitigation) -> tuple[str, str] | None:
    """What the exact engine cannot follow, and what it takes; None where it applies."""
    if mitigation in ESTIMATED:
        return f"the mitigation {mitigation}, which the Runtime's Estimator carries out", "none, readout and m3"
    twirling = entry.primitive_options.twirling
    if twirling is not None and (twirling.gates or twirling.measure):
        return "twirling, which the Runtime's primitives carry out", "gates and measurements as they are"
    try:
        # No target has a readout error of several qubits, which only the noise would show.
        check_exact(compact(isa_circuit), None)
    except ConfigurationError as error:
        return str(error.got), error.expected
    return None
