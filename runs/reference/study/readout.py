"""What readout mitigation leaves of ⟨Z_k⟩: bias and error by readout error and number of shots.

Run it as ``QAML_DATA_DIR=… python readout.py > readout.csv``. The outcomes are those of the ten-qubit reference
mnist-shallow12 on twenty MNIST test images, drawn from their exact distribution; every qubit has the same readout
errors. Every repetition draws shots for each image, and for the calibration as many of each of its two circuits.

    strings     bitstrings that an image's shots showed, of 1,024
    slope       of the estimates against the true ⟨Z_k⟩; 1 is unbiased
    bias        root mean square over images and classes of the mean estimate's distance from the truth
    rms_error   root mean square distance of a single estimate from the truth
    same_label  share of labels that are those of the exact ⟨Z_k⟩
"""

import csv
import sys

import numpy as np
import torch
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import Operator

from qaml_qiskit.deployments import deploy
from qaml_qiskit.deployments.images import load_images
from qaml_qiskit.evaluation import rms_difference, slope
from qaml_qiskit.execution import ReadoutCorrection
from qaml_qiskit.execution.readings.calibration import read_calibration
from qaml_qiskit.execution.readings.counts import z_from_bits

MODEL, IMAGES, QUBITS = "mnist-shallow12", 20, 10
ERRORS = ((0.01, 0.02), (0.05, 0.15), (0.1, 0.25))
REPETITIONS = {200: 100, 1000: 50, 4000: 25, 20000: 10}


def outcomes():
    """Probabilities of the bitstrings without readout error, shape (images, 1,024)."""
    stored = deploy(MODEL).stored
    images, _, _ = load_images(str(IMAGES), stored.card.data, None)
    with torch.no_grad():
        states = stored.model.encoding.state(images.double())
    layers = Operator(stored.model.ansatz()).data
    return np.abs(states.numpy() @ layers.T) ** 2


def read(generator, strings, p10, p01):
    """Bits with readout errors, shape (…, shots, qubits), as the service packs them."""
    bits = strings[..., None] >> np.arange(QUBITS) & 1
    bits ^= generator.random(bits.shape) < np.where(bits, p01, p10)
    return BitArray.from_bool_array(bits.astype(bool), order="little")


def main():
    """Print the table."""
    distributions, generator = outcomes(), np.random.default_rng(0)
    distributions /= distributions.sum(axis=1, keepdims=True)
    signs = 1 - 2 * (np.arange(2**QUBITS)[:, None] >> np.arange(QUBITS) & 1)
    truth = distributions @ signs
    writer = csv.writer(sys.stdout)
    writer.writerow(
        ["p10", "p01", "shots", "mitigation", "repetitions", "strings", "slope", "bias", "rms_error", "same_label"]
    )
    for (p10, p01), (shots, repetitions) in ((e, r) for e in ERRORS for r in REPETITIONS.items()):
        found, seen = {"none": [], "readout": [], "m3": []}, []
        for _ in range(repetitions):
            strings = np.stack([generator.choice(2**QUBITS, shots, p=row) for row in distributions])
            bits = read(generator, strings, p10, p01)
            ends = read(generator, np.array([[0] * shots, [2**QUBITS - 1] * shots]), p10, p01)
            record = read_calibration(ends, target="", created="", qubits=range(QUBITS))
            seen += [len(bits.get_counts(i)) for i in range(len(truth))]
            found["none"].append(z_from_bits(bits))
            for method in ("readout", "m3"):
                found[method].append(ReadoutCorrection(record, method).z_from_bits(bits, range(QUBITS)))
        for method, draws in found.items():
            z, all_truth = np.array(draws), np.broadcast_to(truth, np.array(draws).shape)
            figures = (
                slope(z, all_truth),
                rms_difference(z.mean(axis=0), truth),
                rms_difference(z, all_truth),
                (z.argmax(axis=2) == truth.argmax(axis=1)).mean(),
            )
            start = (p10, p01, shots, method, repetitions, round(np.mean(seen)))
            writer.writerow([*start, *(f"{figure:.4f}" for figure in figures)])
            sys.stdout.flush()


if __name__ == "__main__":
    main()
