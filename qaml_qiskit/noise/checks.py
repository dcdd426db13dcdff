"""The native gates that carry noise, and the refusal of noise that would not act."""

from qiskit.circuit import QuantumCircuit
from qiskit_aer.noise import NoiseModel

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise.layers import CROSSTALK, MARKERS

#: The gates that IBM's devices execute. RZ is a change of frame: it takes no time and has no noise.
ONE_QUBIT_GATES = ("sx", "x", "rx")
TWO_QUBIT_GATES = ("cz", "cx", "ecr", "rzz")
BASIS_GATES = ("rz", "sx", "x", "cz")


def check_touches(model: NoiseModel, circuit: QuantumCircuit) -> None:
    """Raise ConfigurationError when ``model`` has noise that would not act on ``circuit``.

    That is a model that is not ideal but names no instruction of the circuit, or one that has noise on a marker that
    the circuit lacks. Aer would leave such noise out and say nothing.
    """
    used = {instruction.label or instruction.name for instruction in circuit.data}
    # Readout errors are read off the model where a circuit is not measured.
    named = set(model.noise_instructions) - ({"measure"} - used)
    if named and not used & named:
        raise ConfigurationError(
            "the noise model touches no gate of the circuit",
            got=f"noise on {', '.join(sorted(named))}; gates {', '.join(sorted(used))}",
            expected="noise on at least one gate that the compiled circuit uses",
            remedy=_remedy(named),
        )
    if missing := named & MARKERS - used:
        raise ConfigurationError(
            "a part of the noise would not act on the circuit",
            got=f"no {', '.join(sorted(missing))} marker in it",
            expected="a circuit with the markers that the noise sits on",
            remedy=_remedy(missing),
        )


def _remedy(named: set[str]) -> str:
    if not named & MARKERS:
        return f"compile the circuit to {', '.join(BASIS_GATES)} first"
    extra = "; crosstalk needs a neighbour beside the gate's own qubits" if CROSSTALK in named else ""
    return f"attach the noise to the compiled circuit with NoiseSpec.attach{extra}"
