"""What regularised quadratic forms of the normalised image reach.

Run it as ``python quadratic_ceiling.py DATA_DIR > quadratic.csv``. Kernel ridge regression with the kernel
(x·x')²/(|x|²|x'|²) is least squares over all forms xᵀM_k x/xᵀx, with λ times the sum of the squared entries of the M_k
as a penalty. The penalty is chosen on 5,000 validation images with half of the training images; the test images are
used once.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from qaml_qiskit.datasets import load_dataset

PENALTIES = (0.03, 0.1, 0.3, 1.0)
TRAIN, VALIDATION = 20_000, 5_000


def features(images):
    """Flattened images of norm 1."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def fit(train, labels, penalty):
    """Dual weights, shape (N, 10)."""
    gram = (train @ train.T) ** 2
    gram[np.diag_indices_from(gram)] += penalty
    targets = 2.0 * np.eye(10)[labels] - 1
    return cho_solve(cho_factor(gram, lower=True, overwrite_a=True), targets)


def score(train, weights, images, labels):
    """Accuracy, a thousand images at a time."""
    hits = sum(
        (((images[i : i + 1000] @ train.T) ** 2 @ weights).argmax(1) == labels[i : i + 1000]).sum()
        for i in range(0, len(images), 1000)
    )
    return hits / len(images)


print("dataset,training_images,penalty,validation_accuracy,test_accuracy")
for name in ("mnist", "fashion-mnist"):
    data = load_dataset(name, data_dir=Path(sys.argv[1]))
    order = np.random.default_rng(0).permutation(len(data.train))
    images, labels = features(data.train.images[order]), data.train.labels[order]
    held, held_labels = images[-VALIDATION:], labels[-VALIDATION:]
    half, found = TRAIN // 2, {}
    for penalty in PENALTIES:
        weights = fit(images[:half], labels[:half], penalty)
        found[penalty] = score(images[:half], weights, held, held_labels)
        print(f"{name},{half},{penalty:g},{found[penalty]:.4f},", flush=True)
    best = max(found, key=found.get)
    weights = fit(images[:TRAIN], labels[:TRAIN], best)
    tested = score(images[:TRAIN], weights, features(data.test.images), data.test.labels)
    checked = score(images[:TRAIN], weights, held, held_labels)
    print(f"{name},{TRAIN},{best:g},{checked:.4f},{tested:.4f}", flush=True)
