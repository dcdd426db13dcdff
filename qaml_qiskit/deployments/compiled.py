"""A QVC's circuit, compiled for a target."""

from dataclasses import dataclass
from typing import Any

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.execution import Recipe, Target, compile_for, load_recipe
from qaml_qiskit.execution.layout import LineUsage
from qaml_qiskit.models import QVC


@dataclass(frozen=True)
class Compiled:
    """A circuit before and after compilation for a target, encoding and measurements included.

    Attributes:
        target: where it runs.
        recipe: how it was compiled.
        circuit: as it was built; the encoding's angles are free, one circuit for all images, and those of noise layers.
        isa: in the target's instructions, on its physical qubits.
    """

    target: Target
    recipe: Recipe
    circuit: QuantumCircuit
    isa: QuantumCircuit

    def resolved(self) -> dict[str, Any]:
        """What the names of target and recipe stood for, so that a run is not mixed with one from before an edit."""
        return {"target": self.target.entry.model_dump(mode="json"), "recipe": self.recipe.model_dump(mode="json")}

    def resource_rows(self) -> list[Row]:
        """Gate counts before and after compilation."""
        return circuit_rows(self.circuit, self.isa, self.target.name)


def circuit_to_run(model: QVC) -> QuantumCircuit:
    """What is compiled for a target: one circuit for all images, and for all draws of the model's noise layers."""
    return model.circuit(None if model.config.noise_layers is None else "angles")


def compiled_for(circuit: QuantumCircuit, target: Target, recipe: str, weights: LineUsage | None = None) -> Compiled:
    """Compile a circuit for a target, once for all images.

    Args:
        circuit: as it was built.
        target: where it runs.
        recipe: its name.
        weights: of the parts of its line, for a recipe with ``layout: margin``.

    Raises:
        ConfigurationError: an unknown recipe, or a circuit that cannot be compiled for the target.
    """
    found = load_recipe(recipe)
    return Compiled(target, found, circuit, compile_for(circuit, target, found, recipe, weights))


def circuit_rows(circuit: QuantumCircuit, isa: QuantumCircuit, target: str) -> list[Row]:
    """Gate counts of a circuit as it was built, and compiled for a target."""
    return [
        {"circuit": "as built", **gate_counts(circuit).as_dict()},
        {"circuit": f"for {target}", **gate_counts(isa).as_dict()},
    ]
