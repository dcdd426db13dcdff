"""Disjoint copies of a compiled circuit on one chip, as one circuit, and back."""

from collections.abc import Sequence

from qiskit.circuit import ClassicalRegister, ParameterVector, QuantumCircuit

from qaml_qiskit.execution.circuits import active_qubits, measured_qubits


def join_tiles(tiles: Sequence[QuantumCircuit]) -> QuantumCircuit:
    """One circuit of T copies of a classifier that share no qubit, so that one execution runs all of them.

    Args:
        tiles: T ISA circuits of the same classifier for the same chip, each measured at its end into k bits; their free
            parameters are those of the same classifier, in the same order.

    Returns:
        A circuit with the register ``meas`` of T·k bits, tile t in bits t·k to t·k + k − 1; its parameters in their
        order are those of tile 0, then those of tile 1, and so on. A single tile is returned as it is.

    Raises:
        ValueError: tiles share a qubit.
    """
    if len(tiles) == 1:
        return tiles[0]
    used = [qubit for tile in tiles for qubit in active_qubits(tile)]
    if len(set(used)) < len(used):
        raise ValueError("tiles share a qubit")
    width, size, digits = len(measured_qubits(tiles[0])), tiles[0].num_parameters, len(str(len(tiles)))
    joint = QuantumCircuit(tiles[0].num_qubits, name=tiles[0].name)
    meas = ClassicalRegister(width * len(tiles), "meas")
    joint.add_register(meas)
    for number, tile in enumerate(tiles):
        # Parameters are ordered by name, and those of a vector by index.
        own = ParameterVector(f"tile{number:0{digits}d}", size)
        bound = tile.assign_parameters(dict(zip(tile.parameters, own, strict=True)))
        for instruction in bound.data:
            qubits = [bound.find_bit(qubit).index for qubit in instruction.qubits]
            if instruction.operation.name == "barrier":
                qubits = [qubit for qubit in qubits if qubit in active_qubits(tile)]
            bits = [meas[number * width + bound.find_bit(bit).index] for bit in instruction.clbits]
            joint.append(instruction.operation, qubits, bits)
    return joint
