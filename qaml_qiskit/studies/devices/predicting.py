"""What a device would measure, exactly and without it: a compiled classifier under the device's own noise model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray
from torch import Tensor

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.mapping import HERE, Bar, Pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.evaluation import (
    Estimates,
    LinearHead,
    Products,
    Proportion,
    ReadoutMap,
    ZString,
    accuracy,
    sampled_accuracy,
    slope,
)
from qaml_qiskit.execution import Calibration, CountsMitigation, ReadoutCorrection
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress, ignore
from qaml_qiskit.studies.averages import Averages, Floats

#: Images between two files: what a kill can lose.
_BLOCK = 20
#: Repetitions of a run behind what M3 is expected to give; each corrects every image's bitstrings.
_M3_DRAWS = 3


@dataclass(frozen=True)
class Prediction:
    """⟨P_s⟩ of the S products of Z that are read, as a device would measure them with endless shots.

    Attributes:
        ideal: without noise, shape (N, S).
        averages: with the noise of gates and readout.
        readout: the readout errors of the n measured qubits.
        products: of the measured qubits.
        head: makes logits of the ⟨P_s⟩.
        frequencies: of every bitstring that is read, shape (N, 2^n), the first qubit in the last bit; None where it was
            not asked for.
    """

    ideal: NDArray[np.floating]
    averages: Averages
    readout: ReadoutMap
    products: Products
    head: LinearHead
    frequencies: NDArray[np.floating] | None = None

    @property
    def read(self) -> NDArray[np.floating]:
        """⟨P_s⟩ with all noise, shape (N, S)."""
        return self.averages.read

    def values(self, mitigation: CountsMitigation = "readout") -> NDArray[np.floating]:
        """What is read, or that with the readout errors inverted, as M3 does too once it has seen all strings.

        In the precision of what is read.
        """
        return self.read if mitigation == "none" else self.averages.without_errors(self.products, self.readout)

    def logits(self, mitigation: CountsMitigation = "readout") -> NDArray[np.floating]:
        """With endless shots, shape (N, m)."""
        logits: NDArray[np.floating] = self.head.logits(self.values(mitigation))
        return logits

    def accuracy(self, labels: NDArray[np.integer], mitigation: CountsMitigation = "readout") -> Proportion:
        """With endless shots."""
        return accuracy(self.logits(mitigation), labels)

    def ideal_accuracy(self, labels: NDArray[np.integer]) -> Proportion:
        """Without noise and shots."""
        return accuracy(self.head.logits(self.ideal), labels)

    def slope(self, mitigation: CountsMitigation = "readout") -> float | None:
        """How much of the noiseless ⟨P_s⟩ is left with endless shots."""
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

        Without M3, errors of the ⟨P_s⟩ are taken as normal, and those of products that share no qubit as independent of
        each other. M3 corrects bitstrings that are drawn, because what it leaves depends on which it sees; that needs
        :attr:`frequencies`. ``draws`` is how often the shots of all images are drawn otherwise.
        """
        if mitigation == "m3":
            return self._sampled_m3(labels, shots, seed)
        estimates = self.estimates(shots, mitigation)
        return sampled_accuracy(estimates, self.head, labels, seed, draws=draws), self.slope(mitigation)

    def estimates(self, shots: int, mitigation: CountsMitigation = "readout") -> Estimates:
        """Values of endless shots, with the errors that so many give of each image and of each calibration circuit.

        M3 is taken as what it comes to once it has seen all bitstrings.
        """
        return expected_estimates(self.averages, self.products, self.readout, shots, mitigation)

    def _sampled_m3(self, labels: NDArray[np.integer], shots: int, seed: int) -> tuple[float, float | None]:
        assert self.frequencies is not None
        generator, n = np.random.default_rng(seed), self.products.num_bits
        readout, drawn = self.readout.calibrated(shots), []
        for _ in range(_M3_DRAWS):
            p10, p01 = (tuple((generator.binomial(shots, p) / shots).tolist()) for p in (readout.p10, readout.p01))
            record = Calibration(target="", created="", shots=shots, qubits=tuple(range(n)), p10=p10, p01=p01)
            numbers = np.stack([np.repeat(np.arange(2**n), generator.multinomial(shots, p)) for p in self.frequencies])
            bits = BitArray.from_bool_array((numbers[..., None] >> np.arange(n) & 1).astype(bool), order="little")
            drawn.append(ReadoutCorrection(record, "m3").estimates(bits, range(n), self.products).values)
        found = float(np.mean([accuracy(self.head.logits(values), labels).value for values in drawn]))
        return found, slope(np.concatenate(drawn), np.concatenate([self.ideal] * _M3_DRAWS))


def expected_estimates(
    averages: Averages, products: Products, readout: ReadoutMap, shots: int, mitigation: CountsMitigation
) -> Estimates:
    """See :meth:`Prediction.estimates`."""
    spread = averages.spread(products) / shots
    if mitigation == "none":
        return Estimates(averages.read, spread)
    calibrated = readout.calibrated(shots)
    correction = averages.correction(products, calibrated)
    return Estimates(averages.without_errors(products, calibrated), spread, correction)


@dataclass(frozen=True)
class OnDevice:
    """Images that a device would measure.

    Attributes:
        deployment: on the device.
        images: shape (N, C, H, W).
        told: what they are to a reader.
        bitstrings: whether their frequencies are wanted, which M3 depends on.
    """

    deployment: Deployment
    images: Tensor
    told: str = "images"
    bitstrings: bool = False


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
        for kind in ("", "-strings") if each.bitstrings else ("",):
            for start in range(0, len(each.images), _BLOCK):
                key = f"blocks/{name}{kind}-{start:06d}"
                tasks[key] = _Block(name, each.images[start : start + _BLOCK].clone(), len(each.images), bool(kind))
                told[key] = what
    work = _Predicting({name: each.deployment for name, each in sets.items()})
    bar = Bar(progress, "predicting images", told, {key: len(task.images) for key, task in tasks.items()})
    found = run.map(tasks, work, ARRAYS, bar=bar, pool=pool)

    def blocks(name: str, *, bitstrings: bool) -> list[Arrays]:
        return [found[key] for key, task in tasks.items() if (task.of, task.bitstrings) == (name, bitstrings)]

    predictions = {}
    for name, each in sets.items():
        circuit, frequencies = each.deployment.circuit, None
        if each.bitstrings:
            frequencies = np.concatenate([block["z"] for block in blocks(name, bitstrings=True)]).astype(np.float64)
        predictions[name] = Prediction(
            each.deployment.ideal(each.images, progress),
            Averages.joined(blocks(name, bitstrings=False)).in_double(),
            circuit.readout,
            circuit.products,
            each.deployment.head,
            frequencies,
        )
    return predictions


@dataclass(frozen=True)
class _Block:
    """Some of the images of a set, how many it has in all, and whether the bitstrings are asked for."""

    of: str
    images: Tensor
    rows: int
    bitstrings: bool


@dataclass(frozen=True)
class _Predicting:
    """What is read of a block of images, by the deployments of their sets."""

    deployments: Mapping[str, Deployment]

    def __call__(self, block: _Block, advance: Advance) -> Arrays:
        deployment = self.deployments[block.of]
        for other in self.deployments.values():
            # Blocks of one deployment come one after the other.
            if other is not deployment:
                other.circuit.release()
        if block.bitstrings:
            return {"z": deployment.frequencies(block.images, advance)}
        return deployment_averages(deployment, block.images, advance, block.rows).arrays()


def deployment_averages(
    deployment: Deployment, images: Tensor, advance: Advance = ignore, rows: int | None = None
) -> Averages:
    """All that the errors of what is read follow from, exactly.

    Args:
        deployment: under a noise or on a target.
        images: shape (N, C, H, W).
        advance: told about every image, once.
        rows: how many images are asked about in all, if not these alone.
    """
    told = [advance]

    def ask(strings: Sequence[ZString], readout_errors: bool) -> Floats:
        # The first propagation tells for all.
        first, told[0] = told[0], ignore
        return deployment.moments(images, strings, first, readout_errors=readout_errors, rows=rows)

    return Averages.asked(deployment.circuit.products, ask, bare=True)


def noise_notes(deployments: Iterable[Deployment]) -> list[str]:
    """What is repaired or left out of the targets' noise models, a sentence each."""
    compiled = [each.compiled for each in deployments]
    return sorted({f"{each.target.name}: {note}." for each in compiled for note in each.target.noise_notes(each.isa)})


def readout_notes(deployments: Iterable[Deployment]) -> list[str]:
    """What is averaged where that is not ⟨Z_k⟩ of a qubit a class, a sentence a model."""
    heads = {each.model_name: each for each in deployments if not each.qvc.readout.reads_classes}
    return [f"{name}: {products_told(each.qvc.readout.strings)}." for name, each in heads.items()]


def products_told(strings: Sequence[Sequence[int]]) -> str:
    """That a head reads these products of Z, a sentence without its full stop."""
    size, qubits = len(strings), len({qubit for string in strings for qubit in string})
    products = f"{size} product{'s' * (size != 1)} of Z on {qubits} qubit{'s' * (qubits != 1)}"
    return f"logits are a linear function of ⟨P_s⟩, the averages of {products} over the same shots"
