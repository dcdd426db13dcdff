"""Transpilation recipes: how a circuit is compiled, one YAML file each in transpile/."""

from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from qiskit.circuit import QuantumCircuit
from qiskit.transpiler import Target as ISATarget
from qiskit.transpiler import generate_preset_pass_manager
from qiskit.transpiler.exceptions import TranspilerError

from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution.catalogue import parse_yaml, read_yaml


class Recipe(BaseModel):
    """What the transpiler is asked to do. The seeds are tried in turn; the fewest two-qubit gates win."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    why: Annotated[str, Field(min_length=1)]
    optimization_level: Annotated[int, Field(ge=0, le=3)]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    layout_method: str | None = None
    routing_method: str | None = None
    approximation_degree: Annotated[float, Field(ge=0, le=1)] = 1.0


def recipe_names() -> list[str]:
    """The recipes that ship with the package."""
    folder = resources.files("qaml_qiskit._recipes")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name: str) -> Recipe:
    """Read a recipe by its name in transpile/, or by the path of a YAML file of your own.

    A local file wins when the name ends in ``.yaml`` or contains a slash; otherwise ``./transpile/NAME.yaml`` is
    looked for first, then the packaged recipes.

    Raises:
        ConfigurationError: no such recipe, or its content does not fit.
    """
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return read_yaml(Path(name), Recipe)
    local = Path("transpile") / f"{name}.yaml"
    if local.is_file():
        return read_yaml(local, Recipe)
    if name not in recipe_names():
        raise ConfigurationError(
            "unknown recipe",
            got=repr(name),
            expected=f"one of {', '.join(recipe_names())}, or the path of a YAML file",
            remedy="choose one of these or write a recipe of your own",
        )
    packaged = resources.files("qaml_qiskit._recipes").joinpath(f"{name}.yaml")
    return parse_yaml(packaged.read_text(encoding="utf-8"), f"recipe {name}", Recipe)


def to_isa(circuit: QuantumCircuit, target: ISATarget, recipe: Recipe) -> QuantumCircuit:
    """Compile a circuit to a device's own instructions; parameters stay free, so one compilation serves all images.

    Args:
        circuit: any circuit, parameterised or not.
        target: the device's gates and connectivity.
        recipe: what the transpiler is asked to do.

    Raises:
        ConfigurationError: the device has too few qubits, or the recipe names a method that Qiskit does not know.
    """
    if target.num_qubits is not None and circuit.num_qubits > target.num_qubits:
        raise ConfigurationError(
            "the target is too small for the circuit",
            got=f"{target.num_qubits} qubits",
            expected=f"at least {circuit.num_qubits}",
            remedy="choose a larger target, or a model on fewer qubits",
        )
    compiled = [_compile(circuit, target, recipe, seed) for seed in recipe.seeds]
    return min(compiled, key=lambda isa: (gate_counts(isa).two_qubit_gates, gate_counts(isa).two_qubit_depth))


def _compile(circuit: QuantumCircuit, target: ISATarget, recipe: Recipe, seed: int) -> QuantumCircuit:
    try:
        manager = generate_preset_pass_manager(
            target=target,
            optimization_level=recipe.optimization_level,
            seed_transpiler=seed,
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
    try:
        return manager.run(circuit)
    except TranspilerError as error:
        raise ConfigurationError(
            "the circuit cannot be compiled for the target",
            got=" ".join(str(error.message).split()),
            expected=f"{circuit.num_qubits} qubits that are connected, and gates that the target can express",
            remedy="choose another target, or a recipe with another layout and routing",
        ) from error
