"""One cell of a sweep: a model under one noise, with and without attacks. A pure function of what can be pickled."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qaml_qiskit.attacks import Attack, run_attack
from qaml_qiskit.deployments.circuits import CircuitWithNoise
from qaml_qiskit.deployments.engines import Inputs, Reading, density, exact, sampled, trajectories
from qaml_qiskit.evaluation import ReadoutMap
from qaml_qiskit.execution import CountsMitigation
from qaml_qiskit.formats import Arrays, arrays_of, npz
from qaml_qiskit.models import QVC, NoisyQVC, QVCConfig, predict
from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.simulation.heisenberg import NoisyObservables
from qaml_qiskit.workflows.sweep.request import Engine


@dataclass(frozen=True)
class ModelCopy:
    """A QVC as configuration and weights, which fit into a message to another machine."""

    config: QVCConfig
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, model: QVC) -> "ModelCopy":
        """Take the configuration and weights of a model."""
        return cls(model.config, model.weight.detach().cpu().numpy().copy())

    def build(self) -> QVC:
        """The model again."""
        model = QVC(self.config)
        with torch.no_grad():
            model.weight.copy_(torch.from_numpy(self.weights))
        return model.eval()


@dataclass(frozen=True)
class Cell:
    """All that one cell needs.

    Attributes:
        name: unique in the sweep; also the name of its file.
        told: what it is to a reader.
        model: whose layers are run, behind the encoding of its configuration.
        images: a compressed .npz with ``images`` (N, C, H, W) and ``labels`` (N,).
        where: the compiled circuit; for ``device`` with its noise.
        layers: the compiled layers alone, from which an attacker takes the gradient; None where ``where`` is just that.
        spec: the named noise; None for none, and for ``device``.
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
    model: ModelCopy
    images: bytes
    where: CircuitWithNoise
    layers: CircuitWithNoise | None
    spec: NoiseSpec | None
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
        self.model = cell.model.build()
        self.where = self._noisy(cell.where)
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
                    attacked[inverted] = self._adversarial(attack, readout if inverted else None)
                for shots in self.cell.shots if self.cell.engine == "aer-sampler" else (0,):
                    found |= self._entry(number, attacked[inverted], mitigation, shots)
        return found

    def _noisy(self, circuit: CircuitWithNoise) -> CircuitWithNoise:
        return circuit if self.cell.spec is None else circuit.under(self.cell.spec)

    @cached_property
    def _observables(self) -> NoisyObservables | None:
        """What the noisy layers measure on the images' states; None without noise."""
        if self.where.noise is None:
            return None
        layers = self.where if self.cell.layers is None else self._noisy(self.cell.layers)
        return layers.observables()

    def _adversarial(self, attack: Attack | None, inverted: ReadoutMap | None) -> Tensor:
        if attack is None:
            return self.images
        victim = self._victim(inverted)
        return run_attack(victim, self.images, torch.from_numpy(self.labels), attack, spare_wrong=False).images

    def _victim(self, inverted: ReadoutMap | None) -> nn.Module:
        if self._observables is None:
            return self.model
        matrices = self._observables.matrices
        if inverted is not None:
            unit = torch.eye(matrices.shape[-1], dtype=matrices.dtype)
            contrast, offset = (
                torch.from_numpy(v).to(matrices)[:, None, None] for v in (inverted.contrast, inverted.offset)
            )
            matrices = (matrices - offset * unit) / contrast
        return NoisyQVC(self.model, NoisyObservables(self._observables.readings, matrices))

    def _entry(self, number: int, images: Tensor, mitigation: CountsMitigation, shots: int) -> Arrays:
        reading = self._reading(images, mitigation, shots)
        values = {
            "z": reading.z,
            "ideal": self._ideal(images),
            "covariance": reading.covariance,
            "mitigated": reading.mitigated,
            "flips": reading.flips,
        }
        return {key(number, mitigation, shots, name): value for name, value in values.items() if value is not None}

    def _ideal(self, images: Tensor) -> NDArray[np.floating]:
        return predict(self.model, images).numpy() / self.model.config.logit_scale

    def _reading(self, images: Tensor, mitigation: CountsMitigation, shots: int) -> Reading:
        cell, where = self.cell, self.where
        if cell.engine == "exact":
            if self.where.noise is None:
                return Reading(self._ideal(images))
            if where.inputs:
                assert self._observables is not None
                with torch.no_grad():
                    return Reading(NoisyQVC(self.model, self._observables).expectations(images).numpy())
            return exact(where, self._inputs(images))
        inputs = self._inputs(images)
        if cell.engine == "aer-density":
            return density(where, inputs)
        if cell.engine == "aer-trajectories":
            return trajectories(where, inputs, cell.trajectories, cell.seed)
        method = None if mitigation == "none" else mitigation
        return sampled(where, inputs, shots, cell.seed, method=method, case_seed=cell.case_seed)

    def _inputs(self, images: Tensor) -> Inputs:
        if not self.where.inputs:
            columns = [parameter.index for parameter in self.where.circuit.parameters]
            return Inputs(values=self.model.encoding.angles(images).numpy()[:, columns])
        with torch.no_grad():
            return Inputs(states=self.model.encoding.state(images.double()).numpy())
