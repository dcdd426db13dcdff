"""Transpilation recipes: how a circuit is compiled, one YAML file each in transpile/."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from qiskit.circuit import QuantumCircuit
from qiskit.transpiler import PassManager, StagedPassManager, generate_preset_pass_manager
from qiskit.transpiler import Target as ISATarget
from qiskit.transpiler.exceptions import TranspilerError
from qiskit.transpiler.passes import BarrierBeforeFinalMeasurements, SabreLayout

from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution.catalogue import parse_yaml
from qaml_qiskit.execution.compilation.fractional import (
    FoldFreeAngles,
    RZZBetweenCX,
    check_angles,
    check_fractional,
    without_fractional,
)
from qaml_qiskit.execution.compilation.layout import LineUsage, best_line, line_usage
from qaml_qiskit.execution.compilation.scheduling import DecouplingSequence, scheduling
from qaml_qiskit.execution.compilation.swaps import SwapsBesideGates
from qaml_qiskit.execution.names import recipe_file

#: Rounds of forward and backward routing behind each layout that SABRE tries; as Qiskit's level 3 has it.
_SABRE_ITERATIONS = 4


class Recipe(BaseModel):
    """What the transpiler is asked to do.

    The seeds are tried in turn; the fewest two-qubit gates win, then the smallest two-qubit depth, then the depth.

    Attributes:
        why: why the recipe exists.
        optimization_level: Qiskit's.
        seeds: of the transpiler.
        layout: ``line`` puts the circuit on the line of qubits on which it most likely survives, see
            :func:`~qaml_qiskit.execution.compilation.layout.best_line`; ``margin`` on the one on which a classifier
            loses least of its expected accuracy, which takes the weights of its parts.
        layout_method: a plugin of Qiskit's; left out, Qiskit chooses.
        routing_method: likewise.
        trials: layouts and routings that SABRE tries for each seed; left out, as many as the level has (20 at most).
        merge_swaps: bring SWAPs next to gates that they can be merged with, see
            :class:`qaml_qiskit.execution.compilation.swaps.SwapsBesideGates`.
        approximation_degree: 1 compiles exactly.
        schedule: ``alap`` plays every gate as late as possible and writes idle times down as delays.
        dynamical_decoupling: fills idle times with this sequence of pulses; schedules, too.
        fractional: use RX(θ) and RZZ(θ), which the target must have; see
            :mod:`qaml_qiskit.execution.compilation.fractional`. Otherwise they are left alone where a target has them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    why: Annotated[str, Field(min_length=1)]
    optimization_level: Annotated[int, Field(ge=0, le=3)]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    layout: Literal["line", "margin"] | None = None
    layout_method: str | None = None
    routing_method: str | None = None
    trials: Annotated[int, Field(ge=1)] | None = None
    merge_swaps: bool = False
    approximation_degree: Annotated[float, Field(ge=0, le=1)] = 1.0
    schedule: Literal["alap"] | None = None
    dynamical_decoupling: DecouplingSequence | None = None
    fractional: Annotated[bool, Field(exclude_if=lambda fractional: not fractional)] = False

    @model_validator(mode="after")
    def _one_layout(self) -> Self:
        given = [name for name in ("layout", "layout_method", "trials") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"only one of {' and '.join(given)}, because each of them chooses the layout")
        return self


def load_recipe(name: str) -> Recipe:
    """Read a recipe by its name in transpile/, or by the path of a YAML file of your own.

    Raises:
        ConfigurationError: no such recipe (see :func:`qaml_qiskit.execution.names.recipe_file`), or its content does
            not fit.
    """
    return parse_yaml(*recipe_file(name), Recipe)


def to_isa(
    circuit: QuantumCircuit,
    target: ISATarget,
    recipe: Recipe,
    line: tuple[int, ...] | None = None,
    *,
    weights: LineUsage | None = None,
) -> QuantumCircuit:
    """Compile a circuit to a device's own instructions; parameters stay free, so one compilation serves all images.

    Args:
        circuit: any circuit, parameterised or not.
        target: the device's gates and connectivity.
        recipe: what the transpiler is asked to do.
        line: the physical qubits that a recipe with a ``layout`` puts the circuit on; by default it finds them.
        weights: of the parts of the circuit's line, by which ``layout: margin`` finds them.

    Raises:
        ConfigurationError: the device has too few qubits or not the gates that the recipe asks for, the recipe names a
            method that Qiskit does not know, or it wants weights and there are none.
    """
    if target.num_qubits is not None and circuit.num_qubits > target.num_qubits:
        raise ConfigurationError(
            "the target is too small for the circuit",
            got=f"{target.num_qubits} qubits",
            expected=f"at least {circuit.num_qubits}",
            remedy="choose a larger target, or a model on fewer qubits",
        )
    if recipe.fractional:
        check_fractional(target)
    else:
        target = without_fractional(target)
    if recipe.layout is None:
        line = None
    elif line is None:
        line = best_line(target, usage_for(circuit, target, recipe, weights))
    best = min((_compile(circuit, target, recipe, seed, line) for seed in recipe.seeds), key=_preference)
    check_angles(best)
    return best


def usage_for(circuit: QuantumCircuit, target: ISATarget, recipe: Recipe, weights: LineUsage | None) -> LineUsage:
    """What the search for a line weighs its parts by; where any two qubits are connected, all lines are alike.

    Args:
        circuit: before compilation.
        target: the device.
        recipe: with a ``layout``.
        weights: of the parts of the circuit's line, which ``layout: margin`` needs.

    Raises:
        ConfigurationError: the recipe wants weights and there are none.
    """
    if recipe.layout == "line" or target.build_coupling_map() is None:
        return line_usage(circuit)
    if weights is None:
        raise ConfigurationError(
            "the recipe `layout: margin` needs a classifier whose margins are known",
            got="a circuit without labelled images",
            expected="a trained model with images that its training set aside",
            remedy="use a recipe with `layout: line`, such as line, or compile a trained model, as qaml run does",
        )
    return weights


def _preference(isa: QuantumCircuit) -> tuple[int, int, int]:
    counts = gate_counts(isa)
    return counts.two_qubit_gates, counts.two_qubit_depth, counts.depth


def _compile(
    circuit: QuantumCircuit, target: ISATarget, recipe: Recipe, seed: int, line: tuple[int, ...] | None
) -> QuantumCircuit:
    manager = _manager(target, recipe, seed, line)
    try:
        return manager.run(circuit)
    except TranspilerError as error:
        raise ConfigurationError(
            "the circuit cannot be compiled for the target",
            got=" ".join(str(error.message).split()),
            expected=f"{circuit.num_qubits} qubits that are connected, and gates that the target can express",
            remedy="choose another target, or a recipe with another layout and routing",
        ) from error


def _manager(target: ISATarget, recipe: Recipe, seed: int, line: tuple[int, ...] | None) -> StagedPassManager:
    """Qiskit's stages for the recipe's level, with the recipe's own steps in their places."""
    try:
        manager = generate_preset_pass_manager(
            target=target,
            optimization_level=recipe.optimization_level,
            seed_transpiler=seed,
            initial_layout=line and list(line),
            layout_method=recipe.layout_method,
            routing_method=recipe.routing_method,
            approximation_degree=recipe.approximation_degree,
        )
    except Exception as error:  # stevedore and Qiskit raise different types for an unknown plugin
        raise ConfigurationError(
            "the transpiler refused the recipe",
            got=f"layout {recipe.layout_method}, routing {recipe.routing_method}: {error}",
            expected="methods that the installed Qiskit knows",
            remedy="leave layout_method and routing_method out, or name an installed plugin",
        ) from error
    if recipe.trials is not None and target.build_coupling_map() is not None:
        manager.layout = _sabre(target, recipe, recipe.trials, seed)
    if recipe.merge_swaps:
        manager.post_routing = PassManager([SwapsBesideGates()])
    if recipe.fractional:
        manager.post_init = PassManager([RZZBetweenCX()])
        manager.post_optimization = PassManager([FoldFreeAngles()])
    if recipe.schedule is not None or recipe.dynamical_decoupling is not None:
        manager.scheduling = scheduling(target, recipe.dynamical_decoupling)
    return manager


def _sabre(target: ISATarget, recipe: Recipe, trials: int, seed: int) -> PassManager:
    """SABRE's search for layout and routing at once, longer than Qiskit's levels let it."""
    # The barrier keeps measurements at the end; Qiskit's routing stage takes it away by this label.
    barrier = BarrierBeforeFinalMeasurements("qiskit.transpiler.internal.routing.protection.barrier")
    search = SabreLayout(
        target,
        seed=seed,
        max_iterations=_SABRE_ITERATIONS,
        layout_trials=trials,
        swap_trials=trials,
        skip_routing=recipe.routing_method not in (None, "default", "sabre"),
    )
    return PassManager([barrier, search])
