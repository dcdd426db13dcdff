"""A trained QVC, compiled for a target, and its images sampled there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from torch import Tensor

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.deployments.inputs import require_qvc
from qaml_qiskit.deployments.pieces import encodes_slowly, in_pieces, readable
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import (
    LOCAL_IMAGES_PER_JOB,
    Mitigation,
    Recipe,
    Target,
    build_workload,
    collect,
    compile_for,
    load_catalogue,
    load_recipe,
    open_target,
    read_outcomes,
    runner_for,
    submit,
)
from qaml_qiskit.models import QVC, StoredModel, predict
from qaml_qiskit.progress import Progress, Silent


@dataclass(frozen=True)
class Compiled:
    """A QVC's circuit before and after compilation for a target."""

    model: QVC
    target: Target
    recipe: Recipe
    circuit: QuantumCircuit
    isa: QuantumCircuit

    def resolved(self) -> dict[str, Any]:
        """What the names of target and recipe stood for, so that a run is not mixed with one from before an edit."""
        return {"target": self.target.entry.model_dump(mode="json"), "recipe": self.recipe.model_dump(mode="json")}

    def values(self, images: Tensor, progress: Progress | None = None) -> NDArray[np.float64]:
        """The encoding's angles in the order of the ISA circuit's parameters, shape (N, P)."""
        columns = [parameter.index for parameter in self.isa.parameters]
        angles = self.model.encoding.angles
        if encodes_slowly(self.model):
            return in_pieces(angles, images, "encoding images", progress or Silent()).numpy()[:, columns]
        return angles(images).numpy()[:, columns]

    def ideal(self, images: Tensor, progress: Progress | None = None) -> NDArray[np.floating]:
        """⟨Z_k⟩ without noise and shots, shape (N, m)."""
        states = readable(self.model, images, "scoring images without noise", progress or Silent())
        return predict(self.model, states).numpy() / self.model.config.logit_scale

    def resource_rows(self) -> list[Row]:
        """Gate counts before and after compilation."""
        return circuit_rows(self.circuit, self.isa, self.target.name)


def circuit_rows(circuit: QuantumCircuit, isa: QuantumCircuit, target: str) -> list[Row]:
    """Gate counts of a circuit as it was built, and compiled for a target."""
    return [
        {"circuit": "as built", **gate_counts(circuit).as_dict()},
        {"circuit": f"for {target}", **gate_counts(isa).as_dict()},
    ]


@dataclass(frozen=True)
class Scores:
    """⟨Z_k⟩ of one set of images at every stage, shape (N, m); ``mitigated`` is None without mitigation."""

    ideal: NDArray[np.floating]
    raw: NDArray[np.floating] | None
    mitigated: NDArray[np.floating] | None

    def stages(self) -> dict[str, NDArray[np.floating]]:
        """The stages that there are, by name."""
        stages = {"ideal": self.ideal, "raw": self.raw, "mitigated": self.mitigated}
        return {name: z for name, z in stages.items() if z is not None}


def compile_model(stored: StoredModel, target_name: str, recipe_name: str, backends: Path | None) -> Compiled:
    """Open the target and compile the model's circuit for it, once for all images."""
    model = require_qvc(stored, "this model cannot run on a quantum device")
    recipe = load_recipe(recipe_name)
    target = open_target(target_name, load_catalogue(backends).entry(target_name), model.config.num_qubits)
    circuit = model.circuit()
    return Compiled(model, target, recipe, circuit, compile_for(circuit, target, recipe, recipe_name))


def score(
    compiled: Compiled,
    sets: Mapping[str, Tensor],
    shots: int,
    mitigation: Mitigation,
    seed: int,
    run: Run,
    progress: Progress | None = None,
) -> dict[str, Scores]:
    """⟨Z_k⟩ of several sets of images on a simulated target, sampled as one workload and calibrated once.

    Args:
        compiled: model, target and circuits.
        sets: images by name.
        shots: shots an image.
        mitigation: see :data:`Mitigation`.
        seed: of the sampling.
        run: keeps the workload, the ledger and the outcomes; what a killed process sampled is not sampled again.
        progress: told about every job.

    Raises:
        ConfigurationError: the target's readout cannot be corrected.
    """
    stacked = np.concatenate([compiled.values(images, progress) for images in sets.values()])
    workload = build_workload(
        compiled.isa,
        stacked,
        target=compiled.target.name,
        shots=shots,
        mitigation=mitigation,
        seed=seed,
        options=compiled.target.entry.options,
        most_per_job=LOCAL_IMAGES_PER_JOB,
    )
    runner = runner_for(compiled.target, workload)
    submit(run.path, workload, runner)
    with (progress or Silent()).task(f"sampling on {compiled.target.name}", len(stacked)) as advance:
        collect(run.path, workload, runner, progress=lambda images: advance(images))
    sampled = read_outcomes(run.path, workload)
    # Local jobs are all there, and sampled.
    assert sampled is not None
    assert sampled.raw is not None
    if sampled.barred:
        raise ConfigurationError(
            f"the readout of {compiled.target.name} cannot be corrected",
            got=sampled.barred,
            expected="readout errors that can be inverted",
            remedy="choose another target, or one with smaller readout errors",
        )
    if sampled.calibration is not None:
        run.write("calibration.json", sampled.calibration.model_dump_json(indent=2) + "\n")
    scores, start = {}, 0
    for name, images in sets.items():
        part = slice(start, start + len(images))
        mitigated = None if sampled.mitigated is None else sampled.mitigated[part]
        scores[name] = Scores(compiled.ideal(images, progress), sampled.raw[part], mitigated)
        start = part.stop
    return scores
