"""Writes into the cards of the reference models what their trainings set aside, and the temperature of their logits.

Run it as ``QAML_DATA_DIR=… python temperatures.py > temperatures.csv``, on one core; the folder holds the data as the
commands in ``../README.md`` name them. These models were trained before `qaml train` wrote both by itself. Every
temperature is fitted, by maximum likelihood, to the exact logits of all images that the training set aside; no test
image has a part in it. Weights and fingerprints stay as they are. Cards that have a temperature are left alone.

A row a model: the temperature, and on the test images, where their predictions are kept, the accuracy, the mean of the
largest probability (confidence) and the mean negative log-likelihood, these two also of the training's own softmax.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np

from qaml_qiskit.confidence import softmax
from qaml_qiskit.deployments import deploy, fitted_temperature, load_validation
from qaml_qiskit.files import write_atomically
from qaml_qiskit.models.store import CARD_FILE, WEIGHTS_FILE

REFERENCES = Path(__file__).resolve().parent.parent
COLUMNS = ("model", "temperature", "images", "accuracy", "confidence", "nll", "confidence_at_1", "nll_at_1")


def main():
    """One card after the other."""
    writer = csv.DictWriter(sys.stdout, COLUMNS)
    writer.writeheader()
    for file in sorted(REFERENCES.rglob(CARD_FILE)):
        if not file.with_name(WEIGHTS_FILE).is_file():
            continue
        card = with_temperature(file)
        found = {"model": file.parent.relative_to(REFERENCES), **card["temperature"]}
        found["temperature"] = found.pop("value")
        found |= on_the_test(file.with_name("predictions.npz"), found["temperature"])
        writer.writerow({name: f"{each:.4f}" if isinstance(each, float) else each for name, each in found.items()})
        sys.stdout.flush()


def with_temperature(file):
    """A card with its temperature."""
    card = json.loads(file.read_text())
    if "temperature" not in card:
        model = deploy(file.parent)
        held_out, found = model.card.held_out, fitted_temperature(model, load_validation(None, [model]))
        card |= {"held_out": held_out.model_dump(mode="json"), "temperature": found.model_dump(mode="json")}
        write_atomically(file, (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())
    return card


def on_the_test(file, temperature):
    """What the stored logits of the test come to."""
    if not file.is_file():
        return {}
    with np.load(file) as arrays:
        logits, labels = arrays["logits"], arrays["labels"]
    found = {"accuracy": float((logits.argmax(1) == labels).mean())}
    for behind, value in (("", temperature), ("_at_1", 1.0)):
        p = softmax(logits, value)
        found[f"confidence{behind}"] = float(p.max(1).mean())
        found[f"nll{behind}"] = float(-np.log(p[np.arange(len(labels)), labels]).mean())
    return found


if __name__ == "__main__":
    main()
