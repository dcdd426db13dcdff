"""Copies of a circuit on one chip: disjoint lines, a circuit on each, one joint circuit, and back."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import ClassicalRegister, Delay, Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import CZGate, ECRGate, Measure, RZGate, SXGate, XGate
from qiskit.quantum_info import Statevector
from qiskit.transpiler import CouplingMap, InstructionProperties
from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.circuits.qpy_files import circuit_bytes, circuit_of
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution import Recipe, compile_tiles, join_tiles, split_tiles, tile_lines
from qaml_qiskit.execution.circuits import active_qubits
from qaml_qiskit.execution.compilation.layout import best_line, line_usage
from qaml_qiskit.execution.compilation.lines import best_lines
from qaml_qiskit.simulation.measurements import measured_qubits
from tests.tolerances import VALUE


def grid(rows: int, columns: int, seed: int, *, ecr: bool = False) -> ISATarget:
    """A device on a grid with random errors; ECR has one direction a pair."""
    generator = np.random.default_rng(seed)
    target = ISATarget(num_qubits=rows * columns)
    edges = [(a, b) for a, b in CouplingMap.from_grid(rows, columns).get_edges() if a < b]

    def properties(high: float) -> InstructionProperties:
        return InstructionProperties(error=float(generator.uniform(0.001, high)), duration=1e-7)

    target.add_instruction(ECRGate() if ecr else CZGate(), {edge: properties(0.1) for edge in edges})
    for gate in (SXGate(), XGate()):
        target.add_instruction(gate, {(qubit,): properties(0.01) for qubit in range(rows * columns)})
    places = {(qubit,): InstructionProperties(error=0.0, duration=0.0) for qubit in range(rows * columns)}
    target.add_instruction(RZGate(ParameterVector("angle", 1)[0]), places)
    target.add_instruction(Measure(), {(qubit,): properties(0.1) for qubit in range(rows * columns)})
    return target


def classifier(n: int, *, far: bool = False) -> QuantumCircuit:
    """Angles of an image, gates between neighbours, or also between the ends."""
    angles, circuit = ParameterVector("θ", 2 * n), QuantumCircuit(n)
    for qubit in range(n):
        circuit.ry(angles[qubit], qubit)
    for qubit in range(n - 1):
        circuit.cz(qubit, qubit + 1)
    if far:
        circuit.cx(0, n - 1)
    for qubit in range(n):
        circuit.rx(angles[n + qubit], qubit)
    circuit.measure_all()
    return circuit


def _measured(circuit: QuantumCircuit, count: int) -> QuantumCircuit:
    circuit.add_register(meas := ClassicalRegister(count, "meas"))
    circuit.measure(range(count), meas)
    return circuit


def recipe(**change: object) -> Recipe:
    return Recipe.model_validate({"why": "test", "optimization_level": 1, "seeds": [1, 2], **change})


LINE = recipe(layout="line")


def probabilities(circuit: QuantumCircuit, values: np.ndarray) -> np.ndarray:
    """Of the bits in their order, as they come out without noise; only the qubits that are used are simulated."""
    bound = circuit.assign_parameters(values)
    used = {qubit: place for place, qubit in enumerate(active_qubits(bound))}
    small = QuantumCircuit(len(used))
    for instruction in bound.data:
        if instruction.operation.name not in ("barrier", "measure"):
            qubits = [used[bound.find_bit(qubit).index] for qubit in instruction.qubits]
            small.append(instruction.operation, qubits)
    found: np.ndarray = Statevector(small).probabilities([used[qubit] for qubit in measured_qubits(bound)])
    return found


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    tiles=st.integers(1, 4),
    n=st.integers(2, 3),
    gap=st.integers(0, 1),
    ecr=st.booleans(),
    line=st.booleans(),
)
def test_a_joint_circuit_is_its_tiles_side_by_side(
    seed: int, tiles: int, n: int, gap: int, ecr: bool, line: bool
) -> None:
    target, circuit = grid(4, 6, seed, ecr=ecr), classifier(n)
    copies = compile_tiles(circuit, target, LINE if line else recipe(), tiles, gap=gap)
    joint = circuit_of(circuit_bytes(join_tiles(copies)), "isa.qpy", "restore it")
    back = split_tiles(joint, tiles)
    generator = np.random.default_rng(seed)
    values = generator.uniform(-3, 3, (tiles, circuit.num_parameters))
    product = np.ones(1)
    for copy, own, row in zip(copies, back, values, strict=True):
        assert (active_qubits(own), measured_qubits(own)) == (active_qubits(copy), measured_qubits(copy))
        assert own.count_ops() == copy.count_ops()
        alone = probabilities(copy, row)
        np.testing.assert_allclose(probabilities(own, row), alone, atol=VALUE[torch.float64])
        by_name = dict(zip(circuit.parameters, row, strict=True))
        np.testing.assert_allclose(_as_built(circuit, by_name), alone, atol=VALUE[torch.float64])
        product = np.kron(alone, product)
    found = probabilities(joint, values.ravel())
    np.testing.assert_allclose(found, product, atol=VALUE[torch.float64])


def _as_built(circuit: QuantumCircuit, values: dict[Parameter, float]) -> np.ndarray:
    bare = circuit.assign_parameters(values).remove_final_measurements(inplace=False)
    found: np.ndarray = Statevector(bare).probabilities()
    return found


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), n=st.integers(1, 5), gap=st.integers(0, 2))
def test_lines_share_no_qubit_and_keep_their_distance(seed: int, n: int, gap: int) -> None:
    target, usage = grid(5, 6, seed), line_usage(classifier(n))
    lines = best_lines(target, usage, gap=gap)
    couplings = target.build_coupling_map()
    assert [line.survival for line in lines] == sorted((line.survival for line in lines), reverse=True)
    for number, line in enumerate(lines):
        assert all(couplings.distance(*pair) == 1 for pair in pairwise(line.qubits))
        for other in lines[:number]:
            assert min(couplings.distance(a, b) for a in line.qubits for b in other.qubits) > gap
    for most in range(1, len(lines) + 1):
        assert len(best_lines(target, usage, most, gap)) == most
    assert best_lines(target, usage, 1, gap)[0].qubits == best_line(target, usage)


def test_room_is_made_where_the_best_line_leaves_none() -> None:
    """On a line of four with a good middle, the best pair is the middle, and then there is no second one."""
    target = ISATarget(num_qubits=4)
    errors = {(0, 1): 0.1, (1, 2): 0.09, (2, 3): 0.1}
    target.add_instruction(CZGate(), {pair: InstructionProperties(error=error) for pair, error in errors.items()})
    target.add_instruction(SXGate(), {(qubit,): InstructionProperties(error=0.001) for qubit in range(4)})
    target.add_instruction(Measure(), {(qubit,): InstructionProperties(error=0.01) for qubit in range(4)})
    usage = line_usage(classifier(2))
    assert {*best_lines(target, usage, 1)[0].qubits} == {1, 2}
    assert [{*line.qubits} for line in best_lines(target, usage, 2)] == [{0, 1}, {2, 3}]


@pytest.mark.parametrize(
    ("tiles", "gap", "match"),
    [
        (13, 0, "at most 12"),
        (11, 1, "smaller --tile-gap: without one 11 fit"),
        (2, 12, "at most 1"),
        (2, -1, "gap of -1"),
        (0, 0, "1 or more"),
    ],
)
def test_what_does_not_fit_says_how_much_does(tiles: int, gap: int, match: str) -> None:
    target = grid(2, 12, 1)
    with pytest.raises(ConfigurationError, match=match):
        tile_lines(classifier(2), target, tiles, gap)
    assert len(tile_lines(classifier(2), target, None)) == 12


def test_tiles_need_lines() -> None:
    target = ISATarget(num_qubits=8)
    for gate in (CZGate(), SXGate(), Measure()):
        target.add_instruction(gate)
    with pytest.raises(ConfigurationError, match="connects any two qubits"):
        tile_lines(classifier(2), target, 2)


@pytest.mark.parametrize("how", [LINE, recipe(), recipe(optimization_level=3, merge_swaps=True), recipe(trials=3)])
def test_routing_stays_on_its_tile(how: Recipe) -> None:
    """A gate between the ends needs SWAPs; a neighbour of the tile would be a shorter way."""
    circuit, target = classifier(4, far=True), grid(4, 4, 5)
    lines = tile_lines(circuit, target, 3)
    copies = compile_tiles(circuit, target, how, lines)
    values = np.random.default_rng(2).uniform(-3, 3, circuit.num_parameters)
    wanted = _as_built(circuit, dict(zip(circuit.parameters, values, strict=True)))
    for copy, line in zip(copies, lines, strict=True):
        assert {*active_qubits(copy)} == {*line.qubits}
        assert list(copy.parameters) == list(circuit.parameters)
        np.testing.assert_allclose(probabilities(copy, values), wanted, atol=VALUE[torch.float64])


def test_a_line_recipe_keeps_the_order_of_its_line() -> None:
    circuit, target = classifier(3), grid(3, 3, 4)
    lines = tile_lines(circuit, target, 2)
    for copy, line in zip(compile_tiles(circuit, target, LINE, lines), lines, strict=True):
        assert tuple(measured_qubits(copy)) == line.qubits


@pytest.mark.parametrize("measured", [1, 2])
def test_what_is_not_read_stays_with_its_tile(measured: int) -> None:
    angles, circuit = ParameterVector("θ", 3), QuantumCircuit(4)
    circuit.ry(angles[0], 0)
    circuit.cz(0, 1)
    circuit.rx(angles[1], 2)
    # Neither read nor turned by a parameter.
    circuit.sx(3)
    circuit.rx(angles[2], 1)
    copies = compile_tiles(_measured(circuit, measured), grid(4, 4, 3), recipe(optimization_level=0), 3)
    back = split_tiles(join_tiles(copies), 3)
    assert sum(len(own.data) for own in back) == sum(len(copy.data) for copy in copies)
    for copy, own in zip(copies, back, strict=True):
        assert measured_qubits(own) == measured_qubits(copy)
        assert own.num_parameters == copy.num_parameters == 3


def test_scheduled_tiles_keep_their_delays() -> None:
    target = grid(3, 4, 8)
    target.dt = 1e-9
    target.add_instruction(Delay(Parameter("t")), {(qubit,): None for qubit in range(12)})
    copies = compile_tiles(classifier(3), target, recipe(layout="line", schedule="alap"), 2)
    back = split_tiles(join_tiles(copies), 2)
    assert [own.count_ops() for own in back] == [copy.count_ops() for copy in copies]
    assert all(copy.count_ops().get("delay") for copy in copies)


def test_circuits_of_another_number_of_tiles_are_refused() -> None:
    circuit, target = classifier(2), grid(3, 4, 8)
    joint = join_tiles(compile_tiles(circuit, target, LINE, 2))
    for tiles in (0, 3, 4):
        with pytest.raises(InputError, match=f"not one of {tiles} tiles"):
            split_tiles(joint, tiles)
    joined = joint.copy_empty_like()
    ends = [tile[0] for tile in (measured_qubits(joint)[:2], measured_qubits(joint)[2:])]
    joined.cz(*ends)
    for instruction in joint.data:
        joined.append(instruction)
    with pytest.raises(InputError, match="joined by gates"):
        split_tiles(joined, 2)


def test_one_tile_is_left_as_it_is() -> None:
    (copy,) = compile_tiles(classifier(2), grid(2, 2, 1), LINE, 1)
    assert join_tiles([copy]) is copy
    assert split_tiles(copy, 1) == (copy,)
