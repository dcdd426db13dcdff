"""What makes radii wide: short trainings on Fashion-MNIST, each judged by exact certificates on validation images.

Run it as ``QAML_DATA_DIR=… python certified_pilot.py certified_pilot.csv``, on one core. 16,000 training images, four
epochs; the certificates are those of the first 1,000 validation images. Trials that the file has are not done again.
``step_ms`` is CPU time.

    certified       (1 − w)·cross-entropy + w·mean(max(0, 1 − r/R)), the defence of the package
    softplus        a softplus of sharpness 5 in place of the hinge
    logistic        log(1 + exp(−4r/R)) in place of the hinge
    right alone     the hinge of images that are classified rightly; the others have the cross-entropy alone
    moved           the cross-entropy of images moved by R towards their witnesses: adversarial training in l2
    adversarial     the defence of the package: half of each batch attacked in l∞ by PGD with three steps, ε = R
    decay           Adam's l2 penalty on the weights, of strength w
    scale           another logit scale, R
"""

import csv
import sys
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch.nn import functional

from qaml_qiskit.certificates import certify_l2, decompose
from qaml_qiskit.datasets import load_dataset, validation_split
from qaml_qiskit.defences import Adversarial, CertifiedTraining, stepped_witnesses
from qaml_qiskit.models import Clean, Trainer, TrainingConfig, build_model, form_matrices, parse_config

IMAGES, EPOCHS, JUDGED = 16_000, 4, 1000
DISTANCES = (0.25, 0.5, 0.75, 1.0)
#: Model, loss, R, w.
TRIALS = [
    ("qvc", "plain", "", ""),
    ("qvc", "certified", 0.5, 0.5),
    ("qvc", "certified", 0.5, 0.8),
    ("qvc", "certified", 1.0, 0.5),
    ("qvc", "certified", 1.0, 0.8),
    ("qvc", "certified", 1.0, 0.95),
    ("qvc", "certified", 2.0, 0.8),
    ("qvc", "moved", 0.25, 1.0),
    ("qvc", "moved", 0.5, 1.0),
    ("qvc", "moved", 1.0, 1.0),
    ("qvc", "adversarial", 0.1, ""),
    ("qvc", "softplus", 1.0, 0.8),
    ("qvc", "logistic", 1.0, 0.5),
    ("qvc", "right alone", 1.0, 0.8),
    ("qvc", "scale", 10, ""),
    ("quadratic", "plain", "", ""),
    ("quadratic", "decay", "", 1e-4),
    ("quadratic", "certified", 1.0, 0.8),
    ("quadratic", "moved", 0.5, 1.0),
]


class Variant(CertifiedTraining):
    """The losses that were tried beside the one of the package."""

    variant: Literal["softplus", "logistic", "right alone", "moved"]

    def loss(self, model, images, labels, generator):
        """See the head of the file."""
        found = stepped_witnesses(model, images, labels, self.witness_steps)
        if self.variant == "moved":
            logits = model(found.at(images, self.certified_radius))
            return functional.cross_entropy(logits, labels), logits
        clean, boundary = model(torch.cat([images, found.points])).split(len(images))
        share = found.radii(boundary, labels) / self.certified_radius
        missing = {
            "softplus": lambda: functional.softplus(5 * (1 - share)) / 5,
            "logistic": lambda: functional.softplus(-4 * share),
            "right alone": lambda: (1 - share).clamp(min=0) * (found.distances > 0),
        }[self.variant]().mean()
        entropy = functional.cross_entropy(clean, labels)
        return (1 - self.certified_weight) * entropy + self.certified_weight * missing, clean


def objective_of(loss, radius, weight):
    """The objective of a trial."""
    if loss in ("plain", "decay", "scale"):
        return Clean()
    if loss == "adversarial":
        return Adversarial(adversary_eps=radius, select_epoch="clean")
    settings = {"certified_radius": radius, "certified_weight": weight, "select_epoch": "clean"}
    return CertifiedTraining(**settings) if loss == "certified" else Variant(variant=loss, **settings)


def row_of(trial, train, validation):
    """Train and certify."""
    kind, loss, radius, weight = trial
    values = {"kind": kind, "image_shape": (1, 28, 28), "num_classes": 10}
    values |= {"logit_scale": radius if loss == "scale" else 40}
    values |= {"num_layers": 200, "init_std": 1.0} if kind == "qvc" else {}
    model = build_model(parse_config(values), 0)
    decay = weight if loss == "decay" else 0.0
    rate = 0.005 if kind == "qvc" else 0.001
    config = TrainingConfig(epochs=EPOCHS, learning_rate=rate, weight_decay=decay)
    trainer, start = (
        Trainer(model, train, validation, config, objective=objective_of(loss, radius, weight)),
        time.process_time(),
    )
    trainer.run()
    seconds = time.process_time() - start
    images, labels = (part.numpy() for part in validation)
    found = certify_l2(decompose(form_matrices(model)), images.reshape(JUDGED, -1).astype(float), labels)
    row = dict(zip(("model", "loss", "R", "w"), trial, strict=True))
    row |= {"accuracy": np.mean(found.predicted == labels)}
    row |= {f"certified_{distance:g}": np.mean(found.radius > distance) for distance in DISTANCES}
    row |= {"median_radius": round(float(np.median(found.radius[found.radius > 0])), 4)}
    return row | {"step_ms": round(1e3 * seconds / (EPOCHS * trainer.steps_per_epoch), 1)}


def main(path):
    """Do what is not done yet; a row is written as soon as it is known."""
    done = list(csv.DictReader(path.open())) if path.exists() else []
    known = {tuple(row[name] for name in ("model", "loss", "R", "w")) for row in done}
    whole, held = validation_split(load_dataset("fashion-mnist").train, 0.1, 0)
    train, validation = (
        (torch.from_numpy(part.images), torch.from_numpy(part.labels))
        for part in (whole.take(np.arange(IMAGES)), held.take(np.arange(JUDGED)))
    )
    for trial in TRIALS:
        if tuple(map(str, trial)) in known:
            continue
        row = row_of(trial, train, validation)
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            if not file.tell():
                writer.writeheader()
            writer.writerow(row)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
