"""From an entry of backends.yaml to something that runs circuits."""

from dataclasses import dataclass

from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import Target as ISATarget
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime import fake_provider

from qaml_qiskit.errors import ConfigurationError, CredentialsError
from qaml_qiskit.execution.catalogue import AerEntry, FakeEntry, IBMEntry, IdealEntry, TargetEntry
from qaml_qiskit.noise import BASIS_GATES, check_touches

#: Up to this many active qubits the density matrix is exact and faster than trajectories.
DENSITY_MATRIX_QUBITS = 9
#: Images of a batch side by side on all cores; every circuit has its own seed, so the counts do not depend on it.
_PARALLEL = {"max_parallel_experiments": 0}


@dataclass(frozen=True)
class Target:
    """A place that runs ISA circuits.

    Attributes:
        name: the entry's name in backends.yaml.
        entry: the entry.
        isa: gates, connectivity, error rates and durations, for the transpiler.
    """

    name: str
    entry: TargetEntry
    isa: ISATarget

    @property
    def is_hardware(self) -> bool:
        """Whether running there costs QPU time."""
        return isinstance(self.entry, IBMEntry)

    def simulator(self, isa_circuit: QuantumCircuit) -> AerSimulator:
        """An Aer simulator with this target's noise on the qubits that ``isa_circuit`` uses, and on those only.

        A device model of 133 qubits costs Aer more to serialise than the circuit costs to simulate; noise on qubits
        that carry no gate changes nothing.

        Raises:
            ConfigurationError: the target is real hardware, or its noise touches no gate of the circuit.
        """
        active = active_qubits(isa_circuit)
        match self.entry:
            case IdealEntry():
                return AerSimulator(method="statevector", **_PARALLEL)
            case AerEntry(noise=noise):
                model = noise.build()
            case FakeEntry():
                model = NoiseModel.from_backend(_TargetOnly(_restrict(self.isa, set(active))))
            case _:
                raise ConfigurationError(
                    f"target {self.name} is real hardware",
                    got="a request to simulate it",
                    expected="a target of kind ideal, aer or fake",
                    remedy="choose a simulated target",
                )
        check_touches(model, isa_circuit)
        method = "density_matrix" if len(active) <= DENSITY_MATRIX_QUBITS else "automatic"
        return AerSimulator(method=method, noise_model=model, **_PARALLEL)


def open_target(name: str, entry: TargetEntry, num_qubits: int) -> Target:
    """Resolve an entry.

    Args:
        name: the entry's name.
        entry: what backends.yaml says.
        num_qubits: width of the circuits to come; an ideal or Aer target is made as wide as needed.

    Raises:
        CredentialsError: a real device without a saved account (exit code 3).
        ConfigurationError: a real device that the account cannot see.
    """
    match entry:
        case FakeEntry(device=device):
            return Target(name, entry, getattr(fake_provider, device)().target)
        case IBMEntry(device=device):
            return Target(name, entry, _ibm_backend(device).target)
        case _:
            gates = get_standard_gate_name_mapping()
            isa = ISATarget(num_qubits=num_qubits)
            for gate in (*BASIS_GATES, "measure"):
                isa.add_instruction(gates[gate])
            return Target(name, entry, isa)


def active_qubits(isa_circuit: QuantumCircuit) -> tuple[int, ...]:
    """Physical qubits that carry at least one instruction other than a barrier, in ascending order."""
    return tuple(
        sorted(
            {
                isa_circuit.find_bit(qubit).index
                for instruction in isa_circuit.data
                if instruction.operation.name != "barrier"
                for qubit in instruction.qubits
            }
        )
    )


def measured_qubits(isa_circuit: QuantumCircuit) -> list[int]:
    """The physical qubit behind each classical bit, in the order of the bits."""
    pairs = {
        isa_circuit.find_bit(instruction.clbits[0]).index: isa_circuit.find_bit(instruction.qubits[0]).index
        for instruction in isa_circuit.data
        if instruction.operation.name == "measure"
    }
    return [pairs[bit] for bit in sorted(pairs)]


def _ibm_backend(device: str) -> BackendV2:
    from qiskit_ibm_runtime import QiskitRuntimeService
    from qiskit_ibm_runtime.accounts import AccountNotFoundError
    from qiskit_ibm_runtime.exceptions import IBMError

    try:
        return QiskitRuntimeService().backend(device)
    except AccountNotFoundError as error:
        raise CredentialsError(
            f"cannot reach {device}",
            got="no saved IBM Quantum account and no QISKIT_IBM_TOKEN",
            expected="credentials of IBM Quantum Platform",
            remedy="save them once with QiskitRuntimeService.save_account, or set QISKIT_IBM_TOKEN",
        ) from error
    except IBMError as error:
        # The service's own text could repeat what was sent to it, so only the kind of failure is passed on.
        raise ConfigurationError(
            f"cannot open {device}",
            got=type(error).__name__,
            expected="a device that the account can use",
            remedy="check the device's name, the instance and the network",
        ) from None


def _restrict(full: ISATarget, active: set[int]) -> ISATarget:
    """The same device with instructions on the active qubits only; qubit numbers stay."""
    small = ISATarget(num_qubits=full.num_qubits, dt=full.dt, qubit_properties=full.qubit_properties)
    for name in full.operation_names:
        properties = full[name]
        if properties is None or None in properties:
            continue
        kept = {qubits: value for qubits, value in properties.items() if set(qubits) <= active}
        if kept:
            small.add_instruction(full.operation_from_name(name), kept, name=name)
    return small


class _TargetOnly(BackendV2):
    """The least backend that :meth:`NoiseModel.from_backend` reads a target from. It runs nothing."""

    def __init__(self, target: ISATarget) -> None:
        super().__init__(name="restricted")
        self._target = target

    @property
    def target(self) -> ISATarget:
        return self._target

    @property
    def max_circuits(self) -> None:
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: object, **options: object) -> None:
        raise TypeError("this backend only describes a device")
