"""What a device would measure, exactly and without it: a compiled classifier under the device's own noise model."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.evaluation import Proportion, accuracy, sampled_accuracy, slope
from qaml_qiskit.execution import compact, measured_qubits
from qaml_qiskit.models import NoisyQVC
from qaml_qiskit.runs import Run
from qaml_qiskit.simulation.heisenberg import noisy_expectations
from qaml_qiskit.workflows.device.noisy_circuits import Readout, device_circuit
from qaml_qiskit.workflows.progress import Progress
from qaml_qiskit.workflows.run.compiled import Compiled

#: Images between two files: what a kill can lose.
_BLOCK = 20


@dataclass(frozen=True)
class Prediction:
    """⟨Z_k⟩ that a device would measure with endless shots.

    Attributes:
        ideal: without noise, shape (N, m).
        read: with the noise of gates and readout, shape (N, m).
        readout: what the readout makes of each ⟨Z_k⟩.
    """

    ideal: NDArray[np.floating]
    read: NDArray[np.floating]
    readout: Readout

    def values(self, mitigated: bool) -> NDArray[np.floating]:
        """What is read, or that with the readout errors inverted, as a perfectly calibrated M3 does on average."""
        return self.readout.inverted(self.read) if mitigated else self.read

    def errors(self, shots: int, mitigated: bool) -> NDArray[np.floating]:
        """Standard errors of :meth:`values` with so many shots; inverting the readout makes them larger."""
        return self.readout.errors(self.read, shots, inverted=mitigated)

    def accuracy(self, labels: NDArray[np.integer], mitigated: bool = True) -> Proportion:
        """With endless shots."""
        return accuracy(self.values(mitigated), labels)

    def sampled_accuracy(self, labels: NDArray[np.integer], shots: int, seed: int, mitigated: bool = True) -> float:
        """Expected with so many shots, errors of the ⟨Z_k⟩ taken as normal and independent of each other."""
        return sampled_accuracy(self.values(mitigated), self.errors(shots, mitigated), labels, seed)

    def slope(self, mitigated: bool = True) -> float | None:
        """How much of the noiseless ⟨Z_k⟩ is left."""
        return slope(self.values(mitigated), self.ideal)


def predict_on_device(
    compiled: Compiled, images: Tensor, run: Run, name: str, progress: Progress, *, told: str = "images"
) -> Prediction:
    """Propagate every image through the whole compiled circuit, encoding included, under the target's noise.

    Args:
        compiled: the classifier, compiled for the target.
        images: shape (N, C, H, W).
        run: keeps what is done, block by block.
        name: of these images and this circuit within the run.
        progress: told about every block.
        told: what the images are to a reader.
    """
    circuit, values = compact(compiled.isa), compiled.values(images, progress)
    noise = compiled.target.noise_model(compiled.isa)
    blocks = []
    with progress.task(f"predicting {told} on {compiled.target.name}", len(images)) as advance:
        for start in range(0, len(images), _BLOCK):
            file = f"blocks/{name}-{start:06d}.npz"
            if (kept := run.kept_arrays(file)) is None:
                z = noisy_expectations(circuit, noise, values=values[start : start + _BLOCK], dtype=torch.float32)
                kept = {"z": z.numpy()}
                run.keep_arrays(file, kept)
            blocks.append(kept["z"])
            advance(len(blocks[-1]))
    read = np.concatenate(blocks).astype(np.float64)
    return Prediction(compiled.ideal(images, progress), read, Readout.of(noise, measured_qubits(circuit)))


def noisy_layers(compiled: Compiled, recipe_name: str) -> NoisyQVC:
    """The classifier with noise on the layers and the readout, not on the encoding.

    One set of matrices serves all images and gives exact gradients through the noise. The layers are compiled by
    themselves, so they may lie on other qubits of the device than in the whole circuit.
    """
    where, _ = device_circuit(compiled.model, compiled.target, recipe_name, with_encoding=False)
    return NoisyQVC(compiled.model, where.observables())
