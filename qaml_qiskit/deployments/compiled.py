"""A QVC's circuit, compiled for a target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import Recipe, Target, compile_for, load_recipe
from qaml_qiskit.execution.compilation.layout import LineUsage
from qaml_qiskit.execution.compilation.lines import PlacedLine
from qaml_qiskit.execution.compilation.recipes import usage_for
from qaml_qiskit.execution.compilation.tiles import compile_tiles, join_tiles, split_tiles, tile_lines
from qaml_qiskit.models import QVC


@dataclass(frozen=True)
class Compiled:
    """A circuit before and after compilation for a target, encoding and measurements included.

    Attributes:
        target: where it runs.
        recipe: how it was compiled.
        circuit: as it was built; the encoding's angles are free, one circuit for all images, and those of noise layers.
        isa: in the target's instructions, on its physical qubits.
        weights: of the parts of its line, by which a recipe with ``layout: margin`` put it there.
    """

    target: Target
    recipe: Recipe
    circuit: QuantumCircuit
    isa: QuantumCircuit
    weights: LineUsage | None = None

    def resolved(self) -> dict[str, Any]:
        """What the names of target and recipe stood for, so that a run is not mixed with one from before an edit."""
        return {"target": self.target.entry.model_dump(mode="json"), "recipe": self.recipe.model_dump(mode="json")}

    def resource_rows(self) -> list[Row]:
        """Gate counts before and after compilation."""
        return circuit_rows(self.circuit, self.isa, self.target.name)

    def lines(self, tiles: int | None, gap: int = 0) -> tuple[PlacedLine, ...]:
        """Where so many copies of the circuit go, the best line first; None for as many as fit.

        Raises:
            ConfigurationError: so many do not fit, or the target has no lines.
        """
        usage = usage_for(self.circuit, self.target.isa, self.recipe, self.weights) if self.recipe.layout else None
        return tile_lines(self.circuit, self.target.isa, tiles, gap, usage)

    def on_lines(self, lines: Sequence[PlacedLine], recipe: str = "given") -> tuple[QuantumCircuit, ...]:
        """The circuit compiled for each of some lines of the target; ``recipe`` is its name, for messages.

        Raises:
            ConfigurationError: it cannot be compiled there, or needs other parameters.
        """
        found = compile_tiles(self.circuit, self.target.isa, self.recipe, lines, name=recipe)
        if any(list(tile.parameters) != list(self.isa.parameters) for tile in found):
            raise ConfigurationError(
                "the tiles do not take the same values as the circuit alone",
                got=f"{self.isa.num_parameters} parameters alone and {found[0].num_parameters} in a tile",
                expected="the same parameters",
                remedy="use another recipe, or leave --tiles out",
            )
        return found

    def tiled(self, tiles: int, gap: int = 0, recipe: str = "given") -> QuantumCircuit:
        """Several copies of the circuit on disjoint lines of the target, as one; a single one is :attr:`isa`.

        Args:
            tiles: how many.
            gap: idle qubits between two of them, at least.
            recipe: its name, for messages.

        Raises:
            ConfigurationError: so many do not fit, the target has no lines, or a copy needs other parameters.
        """
        if tiles == 1:
            return self.isa
        return join_tiles(self.on_lines(self.lines(tiles, gap), recipe))


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
    return Compiled(target, found, circuit, compile_for(circuit, target, found, recipe, weights), weights)


def circuit_rows(circuit: QuantumCircuit, isa: QuantumCircuit, target: str, tiles: int = 1) -> list[Row]:
    """Gate counts of a circuit as it was built, and compiled for a target; of several tiles, of each."""
    found = split_tiles(isa, tiles)
    names = [f"for {target}"] if tiles == 1 else [f"tile {tile} of {target}" for tile in range(tiles)]
    compiled = zip(names, found, strict=True)
    return [
        {"circuit": "as built", **gate_counts(circuit).as_dict()},
        *({"circuit": name, **gate_counts(each).as_dict()} for name, each in compiled),
    ]
