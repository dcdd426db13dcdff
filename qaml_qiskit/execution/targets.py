"""From an entry of backends.yaml to something that runs circuits."""

import warnings
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.providers import BackendV2
from qiskit.transpiler import Target as ISATarget
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime import fake_provider

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution.catalogue import (
    AerEntry,
    FakeEntry,
    IBMEntry,
    IdealEntry,
    ProviderEntry,
    SnapshotEntry,
    TargetEntry,
)
from qaml_qiskit.execution.circuits import active_qubits
from qaml_qiskit.execution.compilation.faulty import without_faulty
from qaml_qiskit.execution.compilation.fractional import with_fractional
from qaml_qiskit.execution.ibm.service import open_device
from qaml_qiskit.execution.provider.opening import MOST_CIRCUITS, gives_jobs_back, has_errors, open_provider, promise
from qaml_qiskit.execution.snapshot import read_snapshot
from qaml_qiskit.noise import BASIS_GATES, check_touches, device_noise, device_notes

#: Up to this many active qubits the density matrix is exact and faster than trajectories.
DENSITY_MATRIX_QUBITS = 9
#: Images of a batch side by side on all cores; every circuit has its own seed, so the counts do not depend on it. And
#: gates are fused from the first qubit on: Aer waits for 14 qubits by default, and noisy circuits of six take half the
#: time fused, trajectories a third.
_SPEED = {"max_parallel_experiments": 0, "fusion_threshold": 1}


@dataclass(frozen=True)
class Target:
    """A place that runs ISA circuits.

    Attributes:
        name: the entry's name in backends.yaml.
        entry: the entry.
        isa: gates, connectivity, error rates and durations, for the transpiler; without what does not work.
        backend: the open handle of a real device or of a provider's backend; None elsewhere.
        notes: what a user should know of the device, in sentences.
    """

    name: str
    entry: TargetEntry
    isa: ISATarget
    backend: BackendV2 | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_hardware(self) -> bool:
        """Whether running there costs QPU time."""
        return self.entry.is_hardware

    @property
    def gives_jobs_back(self) -> bool:
        """Whether another process than the one that sent a job can fetch its result, or run it again for nothing."""
        return not self.is_hardware or isinstance(self.entry, IBMEntry) or gives_jobs_back(self.backend)

    @property
    def most_circuits(self) -> int | None:
        """Circuits that a provider's backend takes at once; None elsewhere."""
        if not isinstance(self.entry, ProviderEntry) or self.backend is None:
            return None
        return min(MOST_CIRCUITS, self.backend.max_circuits or MOST_CIRCUITS)

    @property
    def promises(self) -> tuple[str, ...]:
        """How far "sent once, and found again" goes at a provider's backend, in sentences; empty elsewhere."""
        return promise(self.entry, self.backend) if isinstance(self.entry, ProviderEntry) and self.backend else ()

    def noise_model(self, isa_circuit: QuantumCircuit) -> NoiseModel | None:
        """This target's noise for :func:`compact` copies of circuits on the qubits that ``isa_circuit`` uses.

        It is that of those qubits and of no others: a device model of 133 qubits costs Aer more to serialise than the
        circuit costs to simulate, and noise on qubits that carry no gate changes nothing. That of a real device is
        what its calibration says. None for an ideal target.

        Raises:
            ConfigurationError: the noise touches no gate of the circuit, or a provider's backend says nothing of it.
        """
        if isinstance(self.entry, ProviderEntry) and not has_errors(self.isa):
            raise ConfigurationError(
                f"there is no noise model of {self.name}",
                got="a backend that says no error rate of any gate on any qubit",
                expected="error rates in its target, for a forecast or a simulation",
                remedy="run on it with `qaml run`, or forecast under a noise of your own",
            )
        match self.entry:
            case IdealEntry():
                return None
            case AerEntry(noise=noise):
                model = noise.build()
            case _:
                model = device_noise(self.isa, active_qubits(isa_circuit))
        check_touches(model, isa_circuit)
        return model

    def noise_notes(self, isa_circuit: QuantumCircuit) -> tuple[str, ...]:
        """:attr:`notes`, and what :meth:`noise_model` had to repair of the data that it is made from, in sentences."""
        match self.entry:
            case IdealEntry():
                return self.notes
            case ProviderEntry() if not has_errors(self.isa):
                return self.notes
            case AerEntry(noise=noise):
                return (*self.notes, *noise.notes())
            case _:
                return (*self.notes, *device_notes(self.isa, active_qubits(isa_circuit)))

    def options_not_applied(self) -> tuple[str, ...]:
        """Names of the entry's options that nothing here applies; those of a real device all are."""
        return () if self.is_hardware else self.entry.primitive_options.not_applied_locally()

    def simulator(self, isa_circuit: QuantumCircuit) -> AerSimulator:
        """An Aer simulator with :meth:`noise_model`, for :func:`compact` copies of circuits on the same qubits.

        Raises:
            ConfigurationError: the target is real hardware, or its noise touches no gate of the circuit.
        """
        if self.is_hardware:
            raise real_hardware(
                self.name,
                got="a request to simulate it",
                expected="a target of kind ideal, aer, fake or snapshot",
                remedy="choose a simulated target",
            )
        model = self.noise_model(isa_circuit)
        if model is None:
            return AerSimulator(method="statevector", **_SPEED)
        few = len(active_qubits(isa_circuit)) <= DENSITY_MATRIX_QUBITS
        return AerSimulator(method="density_matrix" if few else "automatic", noise_model=model, **_SPEED)


def real_hardware(name: str, *, got: str, expected: str, remedy: str) -> ConfigurationError:
    """What to raise for something that only a simulated target can be asked for, or only with consent."""
    return ConfigurationError(f"target {name} is real hardware", got=got, expected=expected, remedy=remedy)


def open_target(name: str, entry: TargetEntry, num_qubits: int) -> Target:
    """Resolve an entry.

    Args:
        name: the entry's name.
        entry: what backends.yaml says.
        num_qubits: width of the circuits to come; an ideal or Aer target is made as wide as needed.

    Raises:
        CredentialsError: a real device without a saved account (exit code 3).
        UnavailableError: the service could not be reached.
        ConfigurationError: a real device that the account cannot see, or a provider that gives no backend.
    """
    match entry:
        case FakeEntry(device=device):
            described, said = _fake(device)
            # Whoever opens a target may change it.
            target = _device(name, entry, deepcopy(described), num_qubits)
            return replace(target, notes=(*said, *target.notes))
        case SnapshotEntry(folder=folder):
            return _device(name, entry, read_snapshot(Path(folder)), num_qubits)
        case IBMEntry(device=device):
            backend, described = open_device(device, fractional=entry.fractional)
            return _device(name, entry, described, num_qubits, backend)
        case ProviderEntry():
            backend = open_provider(name, entry)
            return _device(name, entry, backend.target, num_qubits, backend)
        case _:
            gates = get_standard_gate_name_mapping()
            isa = ISATarget(num_qubits=num_qubits)
            for gate in (*BASIS_GATES, "measure"):
                isa.add_instruction(gates[gate])
            return _fractional(Target(name, entry, isa))


def _device(name: str, entry: TargetEntry, isa: ISATarget, num_qubits: int, backend: BackendV2 | None = None) -> Target:
    working, notes = without_faulty(isa, num_qubits)
    return _fractional(Target(name, entry, working, backend, notes))


def _fractional(target: Target) -> Target:
    """With fractional gates where the entry says so; a real device says itself how good they are."""
    if target.is_hardware or not getattr(target.entry, "fractional", False):
        return target
    isa, assumed = with_fractional(target.isa)
    return replace(target, isa=isa, notes=(*target.notes, *assumed))


@cache
def _fake(device: str) -> tuple[ISATarget, tuple[str, ...]]:
    """A device that ships with the Runtime's client, and what the client warns of, such as invented properties.

    Kept, not to be changed: to read its files takes ten times as long as to copy it.
    """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        target = getattr(fake_provider, device)().target
    return target, tuple(str(each.message).rstrip(".") for each in told if each.category is UserWarning)
