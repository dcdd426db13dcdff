"""Scores a block of images with a model under one noise, clean and attacked: a cell of a sweep."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.attacks import Attack
from qaml_qiskit.compute import SweepEngine
from qaml_qiskit.deployments.circuits import CircuitWithNoise
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.images import Batch
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import (
    Correction,
    Estimates,
    ReadoutMap,
    ZString,
    accuracy,
    accuracy_interval,
    slope,
)
from qaml_qiskit.execution import CountsMitigation
from qaml_qiskit.formats import Arrays, arrays_of, npz
from qaml_qiskit.progress import Advance, Inside
from qaml_qiskit.simulation.heisenberg import memory_needed
from qaml_qiskit.simulation.heisenberg.memory import check_fits
from qaml_qiskit.studies.attacking import attacked_module
from qaml_qiskit.studies.averages import Averages
from qaml_qiskit.studies.devices.predicting import Prediction
from qaml_qiskit.studies.engines import Inputs, Reading, density, exact, sampled, trajectories

#: Bytes of one of Aer's density matrices is 16·4ⁿ; it holds about so many at a time.
_COPIES = 3
#: Repetitions of the shots behind an expected accuracy.
_DRAWS = 20


@dataclass(frozen=True)
class SweepCell:
    """All that one cell needs; it can be pickled.

    Attributes:
        deployment: the model under the noise.
        encoding_noise: whether the circuit that is run prepares the image, too, under the same noise.
        images: a compressed .npz with ``images`` (N, C, H, W) and ``labels`` (N,); see :func:`pack`.
        engine: how ⟨P_s⟩ of the readout's products of Z are computed.
        attacks: whose adversarial images are scored after the clean ones.
        shots: what ``aer-sampler`` draws.
        mitigation: the kinds that are asked for.
        trajectories: an image, of ``aer-trajectories``.
        seed: of this cell's random numbers, different for every block of images.
        case_seed: the same for all blocks of images under one noise.
    """

    deployment: Deployment
    encoding_noise: bool
    images: bytes
    engine: SweepEngine
    attacks: tuple[Attack, ...]
    shots: tuple[int, ...]
    mitigation: tuple[CountsMitigation, ...]
    trajectories: int
    seed: int
    case_seed: int

    def circuit(self, deployment: Deployment) -> CircuitWithNoise:
        """What is run of a deployment."""
        return deployment.circuit if self.encoding_noise else deployment.layers


def pack(images: Tensor, labels: NDArray[np.int64]) -> bytes:
    """Images and labels as :class:`SweepCell` carries them."""
    return npz(**{"images": images.numpy(), "labels": labels})


def check_cell(cell: SweepCell) -> tuple[str, ...]:
    """Refuse a cell that cannot be computed here; compiles its circuit.

    Returns:
        What was repaired in the noise of a device.

    Raises:
        ConfigurationError: the readout errors cannot be inverted, or the memory does not suffice.
    """
    deployment = cell.deployment.fresh()
    noisy = cell.circuit(deployment)
    if set(cell.mitigation) - {"none"} and (noisy.readout.contrast <= 0).any():
        raise ConfigurationError(
            "the readout cannot be inverted",
            got=f"readout errors p10 + p01 of up to {1 - noisy.readout.contrast.min():.3g}",
            expected="a sum below 1: above it the outcome says nothing about the qubit",
            remedy="leave out --mitigation",
        )
    n, cpu, notes = noisy.circuit.num_qubits, torch.device("cpu"), noisy.notes
    if cell.engine == "aer-density":
        check_fits(_COPIES * 16 * 4**n, None, n, cpu)
    if cell.engine == "exact" and not noisy.inputs:
        check_fits(memory_needed(n, 0, torch.float64, num_inputs=0), None, n, cpu)
    if cell.attacks or (cell.engine == "exact" and noisy.inputs):
        layers = deployment.layers
        width = layers.circuit.num_qubits
        check_fits(memory_needed(width, len(noisy.strings), num_inputs=len(layers.inputs)), None, width, cpu)
        notes = (*notes, *layers.notes)
    return tuple(dict.fromkeys(notes))


def score_cell(cell: SweepCell, advance: Advance) -> Arrays:
    """⟨P_s⟩ of the cell's images, clean and attacked.

    Returns:
        For :class:`SweepScores`: by attack, mitigation and number of shots ``z`` (with readout errors), ``ideal``
        (without any noise, of the same images), and where the engine has them ``covariance``, ``mitigated`` and
        what else a :class:`~.engines.Reading` has. And ``contrast`` and ``offset`` of the readout, and the ``labels``.

    Raises:
        QamlError: the cell cannot be computed.
    """
    return _Scoring(cell, advance).arrays()


class _Scoring:
    """A cell being computed."""

    def __init__(self, cell: SweepCell, advance: Advance) -> None:
        self.cell, self.advance = cell, advance
        self.deployment = cell.deployment.fresh()
        self.noisy = cell.circuit(self.deployment)
        stored = arrays_of(cell.images, "the images of a cell")
        self.images, self.labels = torch.from_numpy(stored["images"]), stored["labels"]

    def arrays(self) -> Arrays:
        """See :func:`score_cell`."""
        readout = self.noisy.readout
        found: Arrays = {"contrast": readout.contrast, "offset": readout.offset, "labels": self.labels}
        for number, attack in enumerate((None, *self.cell.attacks)):
            sets: dict[bool, _Images] = {}
            for mitigation in self.cell.mitigation:
                # An attacker knows whether the readout errors are inverted; without any it makes no difference.
                inverted = mitigation != "none" and not readout.is_perfect
                if inverted not in sets:
                    sets[inverted] = _Images(self, self._adversarial(attack, inverted))
                for shots in self.cell.shots if self.cell.engine == "aer-sampler" else (0,):
                    reading = self._reading(sets[inverted], mitigation, shots)
                    values = {each.name: getattr(reading, each.name) for each in fields(reading)}
                    values |= {"ideal": sets[inverted].ideal}
                    found |= {_key(number, mitigation, shots, k): v for k, v in values.items() if v is not None}
            if attack is None:
                self.advance(len(self.labels))
        return found

    def _adversarial(self, attack: Attack | None, inverted: bool) -> Tensor:
        if attack is None:
            return self.images
        told = attack.name if attack.budget is None else f"{attack.name} {attack.budget:g}"
        self.advance(0, told)
        module = self.deployment.mitigated_module if inverted else self.deployment.module
        batch = Batch(self.images, self.labels, np.arange(len(self.labels)), "")
        compute = self.deployment.compute
        return attacked_module(module, batch, attack, compute, lambda images: self.advance(images, told)).images

    def _reading(self, images: "_Images", mitigation: CountsMitigation, shots: int) -> Reading:
        cell, noisy, bare = self.cell, self.noisy, mitigation != "none"
        if cell.engine == "exact":
            return Reading.of(Averages.asked(noisy.products, images.average, bare=bare))
        if cell.engine == "aer-density":
            return density(noisy, images.inputs, bare=bare)
        if cell.engine == "aer-trajectories":
            return trajectories(noisy, images.inputs, cell.trajectories, cell.seed, bare=bare)
        method = None if mitigation == "none" else mitigation
        return sampled(noisy, images.inputs, shots, cell.seed, method=method, case_seed=cell.case_seed)


class _Images:
    """Images with what is worked out once for all that is read of them."""

    def __init__(self, scoring: _Scoring, images: Tensor) -> None:
        self.images, self._scoring = images, scoring

    @cached_property
    def ideal(self) -> NDArray[np.floating]:
        """⟨P_s⟩ without noise, shape (N, S)."""
        return self._scoring.deployment.ideal(self.images, Inside(self._scoring.advance))

    def average(self, strings: Sequence[ZString], readout_errors: bool) -> NDArray[np.floating]:
        """Exact averages of products of Z under the noise, shape (N, K)."""
        scoring = self._scoring
        products = scoring.noisy.products
        if scoring.noisy.noise is None and tuple(strings) == products.strings:
            return self.ideal
        if not scoring.noisy.inputs:
            return exact(scoring.noisy, self.inputs, strings, readout_errors)
        return scoring.deployment.layer_moments(self.images, strings, readout_errors=readout_errors)

    @cached_property
    def inputs(self) -> Inputs:
        """What enters the circuit."""
        return Inputs.of(self._scoring.deployment.qvc.encoding, self._scoring.noisy, self.images)


def _key(attack: int, mitigation: str, shots: int, what: str) -> str:
    """The name of one array of a cell: attack 0 is none; shots are 0 where none are drawn."""
    return f"{attack}.{mitigation}.{shots}.{what}"


class SweepScores:
    """What the cells of one case found, for one attack and one mitigation.

    Args:
        blocks: what :func:`score_cell` gave for the cells of the case, in the order of the images.
        attack: 0 for none, else one more than the attack's place among those of the cells.
        mitigation: as the cells had it.
        deployment: the model of the cells.
        drawn: the shots that the engine drew; 0 for an engine that draws none.
    """

    def __init__(
        self,
        blocks: Sequence[Arrays],
        attack: int,
        mitigation: CountsMitigation,
        deployment: Deployment,
        drawn: int = 0,
    ) -> None:
        def joined(what: str) -> NDArray[np.floating] | None:
            name = _key(attack, mitigation, drawn, what)
            return np.concatenate([block[name] for block in blocks]) if name in blocks[0] else None

        first = blocks[0]
        self.labels = np.concatenate([block["labels"] for block in blocks])
        self.covariance, self._head = joined("covariance"), deployment.head
        ideal, read = (cast(NDArray[np.floating], joined(what)) for what in ("ideal", "z"))
        averages = Averages(read, joined("overlaps"), joined("bare"))
        readout, self._products = ReadoutMap.affine(first["contrast"], first["offset"]), deployment.qvc.readout.products
        #: With endless shots; of an engine that draws shots, with these.
        self.prediction = Prediction(ideal, averages, readout, self._products, self._head)
        self._mitigation, self._drawn = mitigation, drawn
        # What a calibration of drawn shots found, and what it made of them.
        flips, partials = first.get(_key(attack, mitigation, drawn, "flips")), joined("partials")
        self._mitigated, self._calibrated = joined("mitigated"), None
        if flips is not None:
            if partials is None:
                partials = self._products.single_partials()
            self._calibrated = Correction(self._products, ReadoutMap(flips[0], flips[1], shots=drawn), partials)

    @property
    def z(self) -> NDArray[np.floating]:
        """⟨P_s⟩ after mitigation, shape (N, S)."""
        return self.prediction.values(self._mitigation) if self._mitigated is None else self._mitigated

    def figures(self, shots: int, seed: int) -> dict[str, float | int | list[float] | None]:
        """The figures of a row.

        Args:
            shots: an image, of the sampled accuracy; drawn, or only expected.
            seed: of what is drawn for intervals and expectations.
        """
        z, labels = self.z, self.labels
        found, interval, error = accuracy(self._head.logits(z), labels), None, None
        if self.covariance is not None:
            double, covariance = z.astype(np.float64), self.covariance.astype(np.float64)
            if self._calibrated is None and self._mitigation != "none":
                contrast = self._products.contrast(self.prediction.readout)
                covariance = covariance / np.outer(contrast, contrast)
            estimates = Estimates(double, covariance, self._calibrated)
            interval = accuracy_interval(estimates, self._head, labels, seed=seed)
            error = float(np.sqrt(np.mean(estimates.standard_errors() ** 2)))
        expected = found.value
        if not self._drawn:
            expected, _ = self.prediction.sampled(labels, shots, seed, self._mitigation, _DRAWS)
        return {
            "accuracy": found.value,
            "interval": list(interval or found.interval),
            "sampled_accuracy": expected,
            "z_error": error,
            "images": found.trials,
            "slope": slope(z, self.prediction.ideal),
        }
