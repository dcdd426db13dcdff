"""Radii by witnesses from a few gradients over the exact ones, on the first 500 test images that are classified rightly.

Run it as ``QAML_DATA_DIR=… python certified_witnesses.py MODEL…``: folders of models on MNIST or Fashion-MNIST.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from qaml_qiskit.certificates import certify_l2, decompose
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.defences import stepped_witnesses
from qaml_qiskit.models import form_matrices, load_model

IMAGES = 500


def main(folder):
    """Print a row for every number of gradients."""
    stored = load_model(Path(folder))
    test = load_dataset(stored.card.data.dataset).test
    images, labels = torch.from_numpy(test.images[:IMAGES]), torch.from_numpy(test.labels[:IMAGES])
    forms = decompose(form_matrices(stored.model))
    exact = certify_l2(forms, images.flatten(1).double().numpy(), labels.numpy()).radius
    for steps in (1, 2, 3, 5):
        with torch.no_grad():
            found = stepped_witnesses(stored.model, images, labels, steps)
            radii = found.radii(stored.model(found.points), labels).numpy()
        ratio = radii[exact > 0] / exact[exact > 0]
        shown = [*np.quantile(ratio, (0.5, 0.9, 0.99, 1)), ratio.min()]
        print(Path(folder).name, steps, *(f"{value:.4f}" for value in shown))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        main(name)
