"""What a device would measure, exactly and without it: a compiled classifier under the device's own noise model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray
from torch import Tensor

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.mapping import HERE, Bar, Pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.evaluation import Proportion, ReadoutMap, accuracy, sampled_accuracy, slope
from qaml_qiskit.execution import Calibration, CountsMitigation, ReadoutCorrection
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress, ignore

#: Images between two files: what a kill can lose.
_BLOCK = 20
#: Repetitions of a run behind what M3 is expected to give; each corrects every image's bitstrings.
_M3_DRAWS = 3


@dataclass(frozen=True)
class Prediction:
    """⟨Z_k⟩ that a device would measure with endless shots.

    Attributes:
        ideal: without noise, shape (N, m).
        read: with the noise of gates and readout, shape (N, m).
        readout: what the readout makes of each ⟨Z_k⟩.
        strings: the frequency of every bitstring that is read, shape (N, 2^m), class 0 in the last bit; None where it
            was not asked for.
    """

    ideal: NDArray[np.floating]
    read: NDArray[np.floating]
    readout: ReadoutMap
    strings: NDArray[np.floating] | None = None

    def values(self, mitigation: CountsMitigation = "readout") -> NDArray[np.floating]:
        """What is read, or that with the readout errors inverted, as M3 does too once it has seen all strings.

        In the precision of what is read.
        """
        return self.read if mitigation == "none" else self.readout.inverted(self.read).astype(self.read.dtype)

    def accuracy(self, labels: NDArray[np.integer], mitigation: CountsMitigation = "readout") -> Proportion:
        """With endless shots."""
        return accuracy(self.values(mitigation), labels)

    def slope(self, mitigation: CountsMitigation = "readout") -> float | None:
        """How much of the noiseless ⟨Z_k⟩ is left with endless shots."""
        return slope(self.values(mitigation), self.ideal)

    def sampled(
        self,
        labels: NDArray[np.integer],
        shots: int,
        seed: int,
        mitigation: CountsMitigation = "readout",
        draws: int = 50,
    ) -> tuple[float, float | None]:
        """Accuracy and slope expected with so many shots of each image and of each calibration circuit.

        Without M3, errors of the ⟨Z_k⟩ are taken as normal and independent of each other. M3 corrects bitstrings that
        are drawn, because what it leaves depends on which it sees; that needs :attr:`strings`. ``draws`` is how often
        the shots of all images are drawn otherwise.
        """
        if mitigation == "m3":
            return self._sampled_m3(labels, shots, seed)
        readout = self.readout.calibrated(shots) if mitigation == "readout" else None
        return sampled_accuracy(self.read, shots, labels, seed, readout=readout, draws=draws), self.slope(mitigation)

    def _sampled_m3(self, labels: NDArray[np.integer], shots: int, seed: int) -> tuple[float, float | None]:
        assert self.strings is not None
        generator, classes = np.random.default_rng(seed), self.read.shape[1]
        readout, drawn = self.readout.calibrated(shots), []
        for _ in range(_M3_DRAWS):
            p10, p01 = (tuple((generator.binomial(shots, p) / shots).tolist()) for p in (readout.p10, readout.p01))
            record = Calibration(target="", created="", shots=shots, qubits=tuple(range(classes)), p10=p10, p01=p01)
            numbers = np.stack(
                [np.repeat(np.arange(2**classes), generator.multinomial(shots, p)) for p in self.strings]
            )
            bits = BitArray.from_bool_array((numbers[..., None] >> np.arange(classes) & 1).astype(bool), order="little")
            drawn.append(ReadoutCorrection(record, "m3").z_from_bits(bits, range(classes)))
        found = float(np.mean([accuracy(z, labels).value for z in drawn]))
        return found, slope(np.concatenate(drawn), np.concatenate([self.ideal] * _M3_DRAWS))


@dataclass(frozen=True)
class OnDevice:
    """Images whose ⟨Z_k⟩ a device would measure.

    Attributes:
        deployment: on the device.
        images: shape (N, C, H, W).
        told: what they are to a reader.
        strings: whether the frequencies of the bitstrings are wanted, which M3 depends on.
    """

    deployment: Deployment
    images: Tensor
    told: str = "images"
    strings: bool = False


def predict_on_devices(
    sets: Mapping[str, OnDevice], run: Run, progress: Progress, pool: Pool = HERE
) -> dict[str, Prediction]:
    """Propagate images through whole compiled circuits, encoding included, under the targets' noise.

    Args:
        sets: images by a name of theirs and their circuit's within the run.
        run: keeps what is done, block by block.
        progress: told about every image.
        pool: where the blocks are computed.
    """
    tasks: dict[str, _Block] = {}
    told: dict[str, str] = {}
    for name, each in sets.items():
        # Made here, once: a worker gets the circuits that are there.
        _ = each.deployment.circuit
        what = f"{each.told} on {each.deployment.compiled.target.name}"
        for kind in ("", "-strings") if each.strings else ("",):
            for start in range(0, len(each.images), _BLOCK):
                key = f"blocks/{name}{kind}-{start:06d}"
                tasks[key] = _Block(name, each.images[start : start + _BLOCK].clone(), bool(kind))
                told[key] = what
    work = _Predicting({name: each.deployment for name, each in sets.items()})
    bar = Bar(progress, "predicting images", told, {key: len(task.images) for key, task in tasks.items()})
    found = run.map(tasks, work, ARRAYS, bar=bar, pool=pool)

    def joined(name: str, *, strings: bool) -> NDArray[np.floating]:
        blocks = [found[key]["z"] for key, task in tasks.items() if (task.of, task.strings) == (name, strings)]
        return np.concatenate(blocks).astype(np.float64)

    return {
        name: Prediction(
            each.deployment.ideal(each.images, progress),
            joined(name, strings=False),
            each.deployment.circuit.readout,
            joined(name, strings=True) if each.strings else None,
        )
        for name, each in sets.items()
    }


@dataclass(frozen=True)
class _Block:
    """Some of the images of a set, and whether the bitstrings are asked for."""

    of: str
    images: Tensor
    strings: bool


@dataclass(frozen=True)
class _Predicting:
    """What is read of a block of images, by the deployments of their sets."""

    deployments: Mapping[str, Deployment]

    def __call__(self, block: _Block, advance: Advance) -> Arrays:
        deployment = self.deployments[block.of]
        if block.strings:
            return {"z": string_frequencies(deployment, block.images, advance)}
        return {"z": deployment.expectations(block.images, advance)}


def noise_notes(deployments: Iterable[Deployment]) -> list[str]:
    """What is repaired or left out of the targets' noise models, a sentence each."""
    compiled = [each.compiled for each in deployments]
    return sorted({f"{each.target.name}: {note}." for each in compiled for note in each.target.noise_notes(each.isa)})


def string_frequencies(deployment: Deployment, images: Tensor, advance: Advance = ignore) -> NDArray[np.floating]:
    """Frequencies of the bitstrings that are read, shape (N, 2^m).

    From the ⟨Z…Z⟩ of all sets of classes, and the readout errors behind them.

    Args:
        deployment: whose encoding is noisy, too, as on a device.
        images: shape (N, C, H, W).
        advance: told about every image.
    """
    where = deployment.circuit
    classes = len(where.read)
    sets = [tuple(qubit for k, qubit in enumerate(where.read) if number >> k & 1) for number in range(1, 2**classes)]
    moments = deployment.moments(images, sets, advance)
    tensor = np.concatenate([np.ones((len(images), 1)), moments], axis=1).reshape(-1, *[2] * classes)
    readout = where.readout
    for k, (p10, p01) in enumerate(zip(readout.p10, readout.p01, strict=True)):
        transition = np.array([[1 - p10, p01], [p10, 1 - p01]]) @ np.array([[0.5, 0.5], [0.5, -0.5]])
        # Class k is the k-th axis from the end.
        tensor = np.moveaxis(np.tensordot(transition, tensor, (1, classes - k)), 0, classes - k)
    frequencies = np.maximum(tensor.reshape(len(images), -1), 0)
    return np.asarray(frequencies / frequencies.sum(axis=1, keepdims=True))
