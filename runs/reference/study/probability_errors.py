"""Standard errors of probabilities against repeated measurements on a device's model, and what shots do to confidence.

Run it as ``QAML_DATA_DIR=… python probability_errors.py > probability_errors.csv``, on one core: some minutes. It
takes 200 test images through ``mnist-shallow24`` on ``fake-fez``: the exact frequencies of every bitstring that is read
are computed once, and shots and calibrations are drawn from them again and again.

    ratio      root mean square of the standard errors over that of the spread of the probabilities, which is the truth
    coverage   how often p is within 1.96 standard errors of what endless shots give
    first      standard errors of first order in the errors of the logits
    draws      those of the package: the spread of the softmax over normal draws
    mean_nll   of the mean of the softmax over such draws in place of the softmax of the logits that were measured
"""

import csv
import sys

import numpy as np
from qiskit.primitives.containers import BitArray

from qaml_qiskit.confidence import Probabilities, softmax
from qaml_qiskit.deployments import deploy, load_batch
from qaml_qiskit.evaluation.estimates import factors
from qaml_qiskit.execution import Calibration, ReadoutCorrection
from qaml_qiskit.studies.devices.predicting import deployment_averages

IMAGES, SHOTS, REPETITIONS = 200, (100, 1000), {"readout": 20, "m3": 5}


def first_order(logits, covariance, temperature):
    """Standard errors, shape (N, m)."""
    p = softmax(logits, temperature)
    slopes = p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :]) / temperature
    return np.sqrt(np.maximum(np.einsum("njk,nkl,njl->nj", slopes, covariance, slopes), 0))


def measured(frequencies, device, shots, mitigation, generator):
    """What one experiment estimates, a calibration with as many shots among it."""
    readout, products = device.circuit.readout, device.circuit.products
    n = products.num_bits
    numbers = np.stack([np.repeat(np.arange(2**n), generator.multinomial(shots, row)) for row in frequencies])
    bits = BitArray.from_bool_array((numbers[..., None] >> np.arange(n) & 1).astype(bool), order="little")
    p10, p01 = (tuple((generator.binomial(shots, p) / shots).tolist()) for p in (readout.p10, readout.p01))
    record = Calibration(target="", created="", shots=shots, qubits=tuple(range(n)), p10=p10, p01=p01)
    return ReadoutCorrection(record, mitigation).estimates(bits, range(n), products)


def nll(p, labels):
    """Mean negative log-likelihood."""
    return float(-np.log(p[np.arange(len(labels)), labels]).mean())


def main():
    """A row a number of shots and mitigation, and before them without shots and noise."""
    device = deploy("mnist-shallow24", "fake-fez")
    batch, temperature, head = load_batch(str(IMAGES), [device], None), device.temperature, device.head
    found = deployment_averages(device, batch.images)
    frequencies = device.frequencies(batch.images)
    inverted = found.without_errors(device.circuit.products, device.circuit.readout)
    endless = {"ideal": device.ideal(batch.images), "readout": inverted, "m3": inverted}
    columns = ["mitigation", "shots", "accuracy", "confidence", "nll", "mean_nll", "spread"]
    writer = csv.DictWriter(sys.stdout, [*columns, "first_ratio", "draws_ratio", "first_coverage", "draws_coverage"])
    writer.writeheader()
    for mitigation in ("ideal", "readout"):
        p = temperature.probabilities(head.logits(endless[mitigation]))
        right = (p.argmax(1) == batch.labels).mean()
        shown = {"accuracy": right, "confidence": p.max(1).mean(), "nll": nll(p, batch.labels)}
        writer.writerow({"mitigation": mitigation, "shots": "endless"} | {k: f"{v:.3f}" for k, v in shown.items()})
    for mitigation, repetitions in REPETITIONS.items():
        for shots in SHOTS:
            row = repeated(endless[mitigation], frequencies, device, batch.labels, shots, mitigation, repetitions)
            writer.writerow({"mitigation": mitigation, "shots": shots} | {k: f"{v:.3f}" for k, v in row.items()})
            sys.stdout.flush()


def repeated(endless, frequencies, device, labels, shots, mitigation, repetitions):
    """One row."""
    temperature, head, generator = device.temperature, device.head, np.random.default_rng(shots)
    truth, values, first, draws, likelihoods = temperature.probabilities(head.logits(endless)), [], [], [], []
    normal = np.random.default_rng(0).standard_normal((128, truth.shape[1]))
    for _ in range(repetitions):
        estimates = measured(frequencies, device, shots, mitigation, generator)
        found = Probabilities.of_estimates(estimates, head, temperature)
        logits, covariance = estimates.logits(head), head.covariance(estimates.whole_covariance())
        values.append(found.values)
        draws.append(found.errors)
        first.append(first_order(logits, covariance, temperature.value))
        spread = factors(covariance)
        mean = np.mean([softmax(logits + spread @ each, temperature.value) for each in normal], axis=0)
        likelihoods.append(nll(mean, labels))
    p = np.array(values)
    true = np.sqrt((p.var(axis=0, ddof=1)).mean())
    row = {
        "accuracy": (p.argmax(2) == labels).mean(),
        "confidence": p.max(2).mean(),
        "nll": np.mean([nll(each, labels) for each in p]),
        "mean_nll": np.mean(likelihoods),
        "spread": true,
    }
    for name, errors in (("first", np.array(first)), ("draws", np.array(draws))):
        row[f"{name}_ratio"] = np.sqrt((errors**2).mean()) / true
        row[f"{name}_coverage"] = (np.abs(p - truth) < 1.96 * errors).mean()
    return row


if __name__ == "__main__":
    main()
