"""States that models make of images, as vectors, and their two principal axes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Run
from qaml_qiskit.circuits import is_noise_angle
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.simulation import compile_circuit, evolve

Floats = NDArray[np.float64]
#: Where states are looked at.
Behind = Literal["encoding", "circuit"]


@dataclass(frozen=True)
class Projecting:
    """The work: images to the states that a model makes of them, and the labels that it gives.

    Attributes:
        deployment: a QVC without noise, by any rule.
        behind: where states are looked at.
        seed: of the draws of noise layers, another for every image.
    """

    deployment: Deployment
    behind: Behind
    seed: int = 0

    @torch.no_grad()
    def __call__(self, images: Tensor, advance: Advance) -> Arrays:
        """``vectors``, shape (N, V), and ``predicted``, shape (N,); see :func:`state_vectors`."""
        predicted = self.deployment.logits(images).numpy().argmax(1)
        vectors = state_vectors(self.deployment, images, self.behind, self.seed)
        advance(len(images))
        return {"vectors": vectors, "predicted": predicted}


def project_sets(
    run: Run, place: str, sets: Mapping[str, Tensor], work: Projecting, progress: Progress, pool: Pool = HERE
) -> dict[str, Arrays]:
    """What a model makes of sets of images, each kept in the run as it finishes.

    Args:
        run: keeps them.
        place: of the model in the run, a name of files.
        sets: images of shape (N, C, H, W), by names of files.
        work: with the model.
        progress: told about every set.
        pool: where it is done.

    Returns:
        ``vectors`` and ``predicted`` by the names of the sets.
    """
    tasks = {f"{place}-{name}": images for name, images in sets.items()}
    told = {key: f"of {work.deployment.name}" for key in tasks}
    bar = Bar(progress, "states", told, {key: len(images) for key, images in tasks.items()})
    found = run.map(tasks, work, ARRAYS, bar=bar, pool=pool)
    return {name: found[f"{place}-{name}"] for name in sets}


@torch.no_grad()
def state_vectors(deployment: Deployment, images: Tensor, behind: Behind, seed: int = 0) -> Floats:
    """The states of images as real vectors.

    Args:
        deployment: a QVC without noise.
        images: shape (N, C, H, W).
        behind: the ``encoding``: real parts of the amplitudes, and imaginary parts where there are any, shape (N, 2ⁿ)
            or (N, 2ⁿ⁺¹); or the ``circuit``: ⟨X⟩, ⟨Y⟩ and ⟨Z⟩ of every qubit, shape (N, 3n), with qubit 0 first.
        seed: of the draws of noise layers, where they act: another for every image.

    Raises:
        ConfigurationError: the model has no circuit.
        InputError: images that the model cannot read.
    """
    qvc = deployment.qvc
    states = qvc.encoding.state(images.double())
    if behind == "encoding":
        return _as_real(states)
    acting = deployment.has_noise_layers
    circuit = qvc.ansatz(noise_layers="angles") if acting else qvc.ansatz()
    program = compile_circuit(circuit)
    if not acting:
        return _bloch_vectors(evolve(program, states, torch.zeros(0, dtype=torch.float64)))
    # Layers that act on some qubits alone have angles for these alone.
    used = [parameter.index for parameter in program.parameters if is_noise_angle(parameter)]
    generator = torch.Generator().manual_seed(seed)
    drawn = (qvc.draw(generator).double().flatten()[used] for _ in images)
    behind_circuit = [evolve(program, state[None], angles) for state, angles in zip(states, drawn, strict=True)]
    return _bloch_vectors(torch.cat(behind_circuit))


def _as_real(states: Tensor) -> Floats:
    if not states.is_complex():
        return states.numpy()
    return np.asarray(torch.cat([states.real, states.imag], dim=1).numpy())


def _bloch_vectors(states: Tensor) -> Floats:
    qubits = states.shape[1].bit_length() - 1
    found = []
    for qubit in range(qubits):
        parts = states.reshape(len(states), -1, 2, 2**qubit)
        zero, one = parts[:, :, 0].flatten(1), parts[:, :, 1].flatten(1)
        cross = (zero.conj() * one).sum(1)
        found += [2 * cross.real, 2 * cross.imag, (zero.abs() ** 2 - one.abs() ** 2).sum(1)]
    return np.asarray(torch.stack(found, dim=1).numpy())


@dataclass(frozen=True)
class Plane:
    """The plane that most of some vectors' variance lies in.

    Attributes:
        centre: shape (V,).
        axes: unit vectors, shape (2, V), the one of more variance first; zeros where there is no second direction.
        variance: the share of the variance that lies in it.
    """

    centre: Floats
    axes: Floats
    variance: float

    @classmethod
    def of(cls, vectors: Floats) -> "Plane":
        """Of vectors of shape (N, V), N ≥ 1. An axis points to where its largest component is positive."""
        centre = vectors.mean(axis=0)
        _, sizes, directions = np.linalg.svd(vectors - centre, full_matrices=False)
        axes = np.zeros((2, vectors.shape[1]))
        axes[: len(directions[:2])] = directions[:2]
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
        total = float((sizes**2).sum())
        return cls(centre, np.where(largest < 0, -axes, axes), float((sizes[:2] ** 2).sum()) / total if total else 1.0)

    def points(self, vectors: Floats) -> Floats:
        """Where vectors of shape (N, V) lie in it, shape (N, 2)."""
        return np.asarray((vectors - self.centre) @ self.axes.T)

    def distances(self, vectors: Floats) -> Floats:
        """How far they are from it, shape (N,)."""
        return np.asarray(np.linalg.norm(vectors - self.centre - self.points(vectors) @ self.axes, axis=1))
