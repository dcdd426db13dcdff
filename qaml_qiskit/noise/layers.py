"""Where the layers of a circuit end, and markers for noise that no gate carries.

Aer attaches an error to instructions by their name or label, and only to the instruction's own qubits. Noise that acts
elsewhere gets an instruction of its own: an identity with a label, inserted after compilation, on which the error sits.
A layer's end is a barrier with a label, which an ansatz puts there when it is built (any other circuit by
``circuit.barrier(label=LAYER_END)``). It is there before compilation, and level 1 and above keep it and do not optimise
across it.
"""

from collections.abc import Collection, Iterable

from qiskit.circuit import CircuitInstruction, QuantumCircuit, Qubit
from qiskit.circuit.library import IGate, RZZGate

from qaml_qiskit.errors import ConfigurationError

#: Label of the barriers that end a layer.
LAYER_END = "layer-end"
#: Labels of the markers.
LAYER_NOISE = "layer-noise"
CROSSTALK = "crosstalk"
GLOBAL_DEPOLARIZING = "global-depolarizing"
MARKERS = frozenset({LAYER_NOISE, CROSSTALK, GLOBAL_DEPOLARIZING})

Pair = tuple[int, int]


def count_layers(circuit: QuantumCircuit) -> int:
    """How many layers are marked."""
    return sum(_ends_layer(instruction) for instruction in circuit.data)


def insert_markers(
    circuit: QuantumCircuit,
    *,
    noise_after_layers: bool = False,
    crosstalk_after: Collection[str] = (),
    at_end: bool = False,
    pairs: Collection[Pair] | None = None,
) -> QuantumCircuit:
    """A copy of a compiled circuit with markers, which compute nothing.

    Args:
        circuit: compiled; a later optimisation would remove the markers.
        noise_after_layers: put :data:`LAYER_NOISE` on every qubit of every layer's end.
        crosstalk_after: put :data:`CROSSTALK` after instructions of these names, between each of their qubits and its
            other neighbours. "barrier" means every layer's end, and there every neighbouring pair.
        at_end: put :data:`GLOBAL_DEPOLARIZING` on every qubit in use after its last gate, before its measurement.
        pairs: which qubits are neighbours; None for those that a gate of the circuit couples.

    Raises:
        ConfigurationError: the circuit has markers already, or ``pairs`` names qubits that it does not have.
    """
    if any(instruction.label in MARKERS for instruction in circuit.data):
        raise ConfigurationError(
            "the circuit carries noise markers already",
            got="a circuit that was prepared before",
            expected="a compiled circuit without markers",
            remedy="prepare the compiled circuit anew for each noise",
        )
    neighbours = _check_pairs(circuit, pairs) if pairs is not None else _coupled(circuit)
    prepared = circuit.copy_empty_like()
    ended: set[Qubit] = set()
    for instruction in circuit.data:
        if at_end and instruction.name == "measure":
            _end(prepared, instruction.qubits, ended)
        prepared.append(instruction)
        if noise_after_layers and _ends_layer(instruction):
            for qubit in instruction.qubits:
                prepared.append(IGate(label=LAYER_NOISE), [qubit])
        for pair in _disturbed(circuit, instruction, neighbours, crosstalk_after):
            prepared.append(RZZGate(0.0, label=CROSSTALK), pair)
    if at_end:
        _end(prepared, _in_use(circuit), ended)
    return prepared


def _ends_layer(instruction: CircuitInstruction) -> bool:
    return bool(instruction.label == LAYER_END)


def _disturbed(
    circuit: QuantumCircuit, instruction: CircuitInstruction, neighbours: Iterable[Pair], after: Collection[str]
) -> list[Pair]:
    """The neighbouring pairs that suffer crosstalk now."""
    if not after:
        return []
    qubits = {circuit.find_bit(qubit).index for qubit in instruction.qubits}
    if _ends_layer(instruction) and "barrier" in after:
        return [pair for pair in neighbours if qubits.issuperset(pair)]
    if instruction.name in after and instruction.name != "barrier":
        return [pair for pair in neighbours if len(qubits.intersection(pair)) == 1]
    return []


def _coupled(circuit: QuantumCircuit) -> list[Pair]:
    """Pairs of qubits with a two-qubit gate, the lower qubit first, in ascending order."""
    places = (
        sorted(circuit.find_bit(qubit).index for qubit in each.qubits)
        for each in circuit.data
        if each.name != "barrier" and len(each.qubits) == 2
    )
    return sorted({(low, high) for low, high in places})


def _check_pairs(circuit: QuantumCircuit, pairs: Collection[Pair]) -> list[Pair]:
    known = range(circuit.num_qubits)
    bad = [pair for pair in pairs if pair[0] == pair[1] or not {*pair} <= {*known}]
    if bad:
        raise ConfigurationError(
            "these qubits cannot be neighbours",
            got=", ".join(str(pair) for pair in bad),
            expected=f"pairs of different qubits from 0 to {circuit.num_qubits - 1}",
            remedy="name qubits of the circuit",
        )
    return sorted({(min(pair), max(pair)) for pair in pairs})


def _in_use(circuit: QuantumCircuit) -> list[Qubit]:
    used = {qubit for each in circuit.data if each.name != "barrier" for qubit in each.qubits}
    return [qubit for qubit in circuit.qubits if qubit in used]


def _end(circuit: QuantumCircuit, qubits: Iterable[Qubit], ended: set[Qubit]) -> None:
    for qubit in qubits:
        if qubit not in ended:
            circuit.append(IGate(label=GLOBAL_DEPOLARIZING), [qubit])
            ended.add(qubit)
