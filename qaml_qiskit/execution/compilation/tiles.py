"""Disjoint copies of a compiled circuit on one chip, as one circuit, and back."""

from collections.abc import Sequence

from qiskit.circuit import CircuitInstruction, ClassicalRegister, ParameterVector, QuantumCircuit
from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution.circuits import active_qubits, check_isa
from qaml_qiskit.execution.compilation.device_parts import part_of
from qaml_qiskit.execution.compilation.layout import LineUsage, line_usage
from qaml_qiskit.execution.compilation.lines import PlacedLine, best_lines
from qaml_qiskit.execution.compilation.recipes import Recipe, to_isa, usage_for
from qaml_qiskit.simulation.measurements import measured_qubits


def tile_lines(
    circuit: QuantumCircuit,
    target: ISATarget,
    tiles: int | None,
    gap: int = 0,
    usage: LineUsage | None = None,
) -> tuple[PlacedLine, ...]:
    """Lines for so many copies of a circuit, the best one first.

    Args:
        circuit: the classifier before compilation.
        target: the device, with its calibrated error rates.
        tiles: T; None for as many as fit.
        gap: idle qubits between two tiles, at least.
        usage: of the parts of a line, or their weights, see :func:`.usage_for`; by default that of the circuit.

    Raises:
        ConfigurationError: fewer than one tile, more than fit, or as :func:`.best_lines`.
    """
    if tiles is not None and tiles < 1:
        raise ConfigurationError(
            "a chip holds no such number of copies",
            got=f"{tiles} tiles",
            expected="1 or more",
            remedy="correct --tiles, or leave it out",
        )
    usage = usage or line_usage(circuit)
    lines = best_lines(target, usage, tiles, gap)
    if tiles is None or len(lines) == tiles:
        return lines
    apart, remedy = "", "ask for fewer tiles, for --tiles auto, or choose a larger device"
    if gap:
        without = len(best_lines(target, usage, tiles))
        apart = f" with {gap} idle qubit{'s' * (gap > 1)} between any two"
        if without > len(lines):
            remedy = f"ask for fewer tiles, or for a smaller --tile-gap: without one {without} fit"
    raise ConfigurationError(
        "the tiles do not fit on the device",
        got=f"{tiles} tiles of {circuit.num_qubits} qubits{apart}, on a device of {target.num_qubits}",
        expected=f"at most {len(lines)}",
        remedy=remedy,
    )


def compile_tiles(
    circuit: QuantumCircuit,
    target: ISATarget,
    recipe: Recipe,
    lines: Sequence[PlacedLine] | int,
    *,
    gap: int = 0,
    name: str = "given",
    weights: LineUsage | None = None,
) -> tuple[QuantumCircuit, ...]:
    """Compile a circuit once for every line, on the qubits of that line alone.

    A recipe with a ``layout`` keeps the line's order; another one lays the circuit out on the line's qubits as it
    likes. Each tile is compiled as if the device had no other qubits, so no routing leaves it.

    Args:
        circuit: measured at its end; parameters stay free.
        target: the device.
        recipe: what the transpiler is asked to do, for every tile.
        lines: disjoint ones, or how many; then :func:`tile_lines` finds them.
        gap: of lines that are found here.
        name: of the recipe, for messages.
        weights: of the parts of the circuit's line, for a recipe with ``layout: margin``.

    Returns:
        An ISA circuit a tile, for :func:`join_tiles`: all with the same parameters in the same order.

    Raises:
        ConfigurationError: as :func:`tile_lines` and :func:`.to_isa`.
    """
    if isinstance(lines, int):
        usage = usage_for(circuit, target, recipe, weights) if recipe.layout else None
        lines = tile_lines(circuit, target, lines, gap, usage)
    return tuple(_compiled_on(circuit, target, recipe, line.qubits, name) for line in lines)


def _compiled_on(
    circuit: QuantumCircuit, target: ISATarget, recipe: Recipe, qubits: tuple[int, ...], name: str
) -> QuantumCircuit:
    small = to_isa(circuit, part_of(target, qubits=qubits), recipe, tuple(range(len(qubits))))
    isa = QuantumCircuit(target.num_qubits, name=circuit.name, global_phase=small.global_phase)
    for register in small.cregs:
        isa.add_register(register)
    for instruction in small.data:
        places = [qubits[small.find_bit(qubit).index] for qubit in instruction.qubits]
        isa.append(instruction.operation, places, instruction.clbits)
    check_isa(isa, target, name)
    if set(isa.parameters) != set(circuit.parameters):
        raise ConfigurationError(
            "the tiles do not have the same parameters",
            got=f"{isa.num_parameters} of {circuit.num_parameters} parameters behind recipe {name}",
            expected="all of them in every tile, so that any tile takes any image",
            remedy="use another recipe, or leave --tiles out",
        )
    return isa


def join_tiles(tiles: Sequence[QuantumCircuit]) -> QuantumCircuit:
    """One circuit of T copies of a classifier that share no qubit, so that one execution runs all of them.

    Args:
        tiles: T ISA circuits of the same classifier for the same chip, each measured at its end into k bits; their free
            parameters are those of the same classifier, in the same order.

    Returns:
        A circuit with the register ``meas`` of T·k bits, tile t in bits t·k to t·k + k − 1; its parameters in their
        order are those of tile 0, then those of tile 1, and so on. A single tile is returned as it is.

    Raises:
        InputError: tiles share a qubit.
    """
    if len(tiles) == 1:
        return tiles[0]
    used = [qubit for tile in tiles for qubit in active_qubits(tile)]
    if len(set(used)) < len(used):
        raise InputError(
            "the tiles cannot stand side by side",
            got=f"{len(used) - len(set(used))} qubits in two of them",
            expected="circuits that share no qubit",
            remedy="compile them for disjoint lines, such as those of tile_lines",
        )
    width, size, digits = len(measured_qubits(tiles[0])), tiles[0].num_parameters, len(str(len(tiles)))
    joint = QuantumCircuit(tiles[0].num_qubits, name=tiles[0].name)
    meas = ClassicalRegister(width * len(tiles), "meas")
    joint.add_register(meas)
    for number, (tile, active) in enumerate(zip(tiles, map(active_qubits, tiles), strict=True)):
        # Parameters are ordered by name, and those of a vector by index.
        own = ParameterVector(f"tile{number:0{digits}d}", size)
        bound = tile.assign_parameters(dict(zip(tile.parameters, own, strict=True)))
        for instruction in bound.data:
            qubits = [bound.find_bit(qubit).index for qubit in instruction.qubits]
            if instruction.operation.name == "barrier":
                qubits = [qubit for qubit in qubits if qubit in active]
            bits = [meas[number * width + bound.find_bit(bit).index] for bit in instruction.clbits]
            joint.append(instruction.operation, qubits, bits)
    return joint


def split_tiles(joint: QuantumCircuit, tiles: int) -> tuple[QuantumCircuit, ...]:
    """The circuits that :func:`join_tiles` joined, each on its own qubits of the chip.

    A tile is what its bits and its parameters reach through gates. It follows from the joint circuit alone, so it is
    the same for one that was read from a file.

    Args:
        joint: of T tiles: T·k bits, tile t in bits t·k to t·k + k − 1, and T·P parameters, tile by tile.
        tiles: T; the single tile of T = 1 is returned as it is.

    Returns:
        A circuit a tile, with the register ``meas`` of k bits and P parameters whose order is theirs in ``joint``.

    Raises:
        InputError: the circuit is not one of so many tiles.
    """
    if tiles == 1:
        return (joint,)
    read = measured_qubits(joint)
    if tiles < 1 or len(read) % tiles or joint.num_parameters % tiles or not read:
        raise _no_tiles(joint, tiles, "another number of bits or parameters")
    width, size = len(read) // tiles, joint.num_parameters // tiles
    number = {parameter: place // max(size, 1) for place, parameter in enumerate(joint.parameters)}
    owner = _owners(joint, {qubit: bit // width for bit, qubit in enumerate(read)}, number, tiles)
    found = []
    for tile in range(tiles):
        circuit = QuantumCircuit(joint.num_qubits, name=joint.name)
        circuit.add_register(meas := ClassicalRegister(width, "meas"))
        for instruction in joint.data:
            qubits = [joint.find_bit(qubit).index for qubit in instruction.qubits]
            if instruction.operation.name == "barrier":
                qubits = [qubit for qubit in qubits if owner.get(qubit) == tile]
            if qubits and owner.get(qubits[0]) == tile:
                bits = [meas[joint.find_bit(bit).index - tile * width] for bit in instruction.clbits]
                circuit.append(instruction.operation, qubits, bits)
        old = [parameter for parameter in joint.parameters if number[parameter] == tile]
        if circuit.num_parameters != size or set(circuit.parameters) != set(old):
            raise _no_tiles(joint, tiles, "a parameter in two tiles")
        # Of names whose order is that of the joint circuit.
        found.append(circuit.assign_parameters(dict(zip(old, ParameterVector("tile", size), strict=True))))
    return tuple(found)


def _owners(joint: QuantumCircuit, read: dict[int, int], number: dict[object, int], tiles: int) -> dict[int, int]:
    """The tile of every qubit that carries an instruction, by the groups that gates make of them."""
    group = {qubit: {qubit} for qubit in active_qubits(joint)}
    claims: list[tuple[int, int]] = list(read.items())
    last = 0
    before: dict[int, int] = {}
    for instruction in joint.data:
        if instruction.operation.name == "barrier":
            continue
        qubits = [joint.find_bit(qubit).index for qubit in instruction.qubits]
        claims += [(qubits[0], number[parameter]) for parameter in _parameters(instruction)]
        merged = set().union(*(group[qubit] for qubit in qubits))
        for qubit in merged:
            group[qubit] = merged
    owner: dict[int, int] = {}
    for qubit, tile in claims:
        for each in group[qubit]:
            if owner.setdefault(each, tile) != tile:
                raise _no_tiles(joint, tiles, f"tiles {owner[each]} and {tile} joined by gates")
    # What is neither read nor turned by a parameter lies in the tile that was begun before it.
    for instruction in joint.data:
        if instruction.operation.name != "barrier":
            for qubit in (joint.find_bit(each).index for each in instruction.qubits):
                before.setdefault(qubit, last)
                last = owner.get(qubit, last)
    return {qubit: owner.get(qubit, before[qubit]) for qubit in group}


def _parameters(instruction: CircuitInstruction) -> set[object]:
    return {each for value in instruction.operation.params for each in getattr(value, "parameters", ())}


def _no_tiles(joint: QuantumCircuit, tiles: int, why: str) -> InputError:
    return InputError(
        f"the circuit is not one of {tiles} tiles",
        got=f"{why}: {len(measured_qubits(joint))} bits and {joint.num_parameters} parameters",
        expected="circuits that share no qubit, with the same number of bits and parameters each, tile by tile",
        remedy="give the number of tiles that it was joined of",
    )
