"""One cell of a sweep: a model under one noise, with and without attacks. A pure function of what can be pickled."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.attacks import Attack, run_attack
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.engines import Inputs, Reading, density, exact, sampled, trajectories
from qaml_qiskit.execution import CountsMitigation
from qaml_qiskit.formats import Arrays, arrays_of, npz
from qaml_qiskit.models import NoisyQVC
from qaml_qiskit.workflows.sweep.request import Engine


@dataclass(frozen=True)
class Cell:
    """All that one cell needs.

    Attributes:
        name: unique in the sweep; also the name of its file.
        told: what it is to a reader.
        deployment: the model under the noise.
        encoding_noise: whether the circuit that is run prepares the image, too, under the same noise.
        images: a compressed .npz with ``images`` (N, C, H, W) and ``labels`` (N,).
        engine: how ⟨Z_k⟩ are computed.
        attacks: whose adversarial images are scored after the clean ones.
        shots: what ``aer-sampler`` draws.
        mitigation: the kinds that are asked for.
        trajectories: an image, of ``aer-trajectories``.
        seed: of this cell's random numbers, different for every block of images.
        case_seed: the same for all blocks of images under one noise.
    """

    name: str
    told: str
    deployment: Deployment
    encoding_noise: bool
    images: bytes
    engine: Engine
    attacks: tuple[Attack, ...]
    shots: tuple[int, ...]
    mitigation: tuple[CountsMitigation, ...]
    trajectories: int
    seed: int
    case_seed: int


def pack(images: Tensor, labels: NDArray[np.int64]) -> bytes:
    """Images and labels as :class:`Cell` carries them."""
    return npz(**{"images": images.numpy(), "labels": labels})


def key(attack: int, mitigation: str, shots: int, what: str) -> str:
    """The name of one array of a cell: attack 0 is none; shots are 0 where none are drawn."""
    return f"{attack}.{mitigation}.{shots}.{what}"


def compute_cell(cell: Cell) -> Arrays:
    """⟨Z_k⟩ of the cell's images, clean and attacked.

    Returns:
        For every attack, mitigation and number of shots, by :func:`key`: ``z`` (with readout errors), ``ideal``
        (without any noise, of the same images), and where the engine has them ``covariance``, ``mitigated`` and
        ``flips``. And ``contrast`` and ``offset`` of the readout, and the ``labels``.

    Raises:
        QamlError: the cell cannot be computed.
    """
    return _Work(cell).arrays()


class _Work:
    """A cell being computed."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.deployment = cell.deployment.fresh()
        self.where = self.deployment.circuit if cell.encoding_noise else self.deployment.layers
        stored = arrays_of(cell.images, "the images of a cell")
        self.images, self.labels = torch.from_numpy(stored["images"]), stored["labels"]

    def arrays(self) -> Arrays:
        """See :func:`compute_cell`."""
        readout = self.where.readout
        found: Arrays = {"contrast": readout.contrast, "offset": readout.offset, "labels": self.labels}
        for number, attack in enumerate((None, *self.cell.attacks)):
            attacked: dict[bool, Tensor] = {}
            for mitigation in self.cell.mitigation:
                # An attacker knows whether the readout errors are inverted; without any it makes no difference.
                inverted = mitigation != "none" and not readout.is_perfect
                if inverted not in attacked:
                    attacked[inverted] = self._adversarial(attack, inverted)
                for shots in self.cell.shots if self.cell.engine == "aer-sampler" else (0,):
                    found |= self._entry(number, attacked[inverted], mitigation, shots)
        return found

    def _adversarial(self, attack: Attack | None, inverted: bool) -> Tensor:
        if attack is None:
            return self.images
        victim = self.deployment.mitigated_module if inverted else self.deployment.module
        return run_attack(victim, self.images, torch.from_numpy(self.labels), attack, spare_wrong=False).images

    def _entry(self, number: int, images: Tensor, mitigation: CountsMitigation, shots: int) -> Arrays:
        reading = self._reading(images, mitigation, shots)
        values = {
            "z": reading.z,
            "ideal": self.deployment.ideal(images),
            "covariance": reading.covariance,
            "mitigated": reading.mitigated,
            "flips": reading.flips,
        }
        return {key(number, mitigation, shots, name): value for name, value in values.items() if value is not None}

    def _reading(self, images: Tensor, mitigation: CountsMitigation, shots: int) -> Reading:
        cell, where = self.cell, self.where
        if cell.engine == "exact":
            if where.noise is None:
                return Reading(self.deployment.ideal(images))
            if where.inputs:
                with torch.no_grad():
                    return Reading(cast(NoisyQVC, self.deployment.module).expectations(images).numpy())
            return exact(where, self._inputs(images))
        inputs = self._inputs(images)
        if cell.engine == "aer-density":
            return density(where, inputs)
        if cell.engine == "aer-trajectories":
            return trajectories(where, inputs, cell.trajectories, cell.seed)
        method = None if mitigation == "none" else mitigation
        return sampled(where, inputs, shots, cell.seed, method=method, case_seed=cell.case_seed)

    def _inputs(self, images: Tensor) -> Inputs:
        encoding = self.deployment.qvc.encoding
        if not self.where.inputs:
            return Inputs(values=encoding.angles(images).numpy()[:, self.where.columns])
        with torch.no_grad():
            return Inputs(states=encoding.state(images.double()).numpy())
