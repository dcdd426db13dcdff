"""What the simple rivals of a defence are worth: augmentation, penalties, smoothing, depolarising noise, encodings.

Run it as ``QAML_DATA_DIR=… python rivals.py OUT [TABLE …]``, on one core; every table is a file OUT/TABLE.csv, and one
that is there already is not made again. Models are trained in a temporary folder. Unless a column says otherwise:

    accuracy     of all 325 test images of the digits 0 to 5, or the first images of the data set, as named
    robust       share right after PGD with 40 steps in l∞, by exact gradients
    certified    share right and certain within an l2 distance, by the exact radius
    radius       median exact l2 radius of the images that are right
"""

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from qaml_qiskit import train
from qaml_qiskit.attacks import make_attack, run_attack
from qaml_qiskit.certificates import (
    certify_l2,
    certify_smoothed_forms,
    lipschitz_radii,
    privacy_radii,
    widest_margins,
)
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.defences import lipschitz_bound
from qaml_qiskit.deployments import deploy
from qaml_qiskit.encodings import ENCODINGS, MultiplexedEncoding, amplitude_movement
from qaml_qiskit.models import QVC, StoredModel

SEEDS = (0, 1)
EPOCHS, LAYERS, IMAGES = 20, 12, 100
FLOORS = (0.1, 0.5, 1.0)
MNIST = "mnist-qvc200"


class Floored(MultiplexedEncoding):
    """A constant is added to every pixel before the image is normalised."""

    floor = 0.0

    def positions(self, image_shape):
        """No linear function of the image."""
        return

    def state(self, images):
        """See Encoding.state."""
        return super().state(images + self.floor)

    def angles(self, images):
        """See Encoding.angles."""
        return super().angles(images + self.floor)


for each in FLOORS:
    name = f"floor-{each:g}"
    ENCODINGS.register(name, type(f"Floored{each:g}", (Floored,), {"name": name, "floor": each}))


def trained(epochs=EPOCHS, **options):
    """A deployment of a model of the digits 0 to 5."""
    with tempfile.TemporaryDirectory() as folder:
        train(dataset="digits", epochs=epochs, out=Path(folder) / "run", **options)
        return deploy(Path(folder) / "run")


def digits():
    """All test images of the digits 0 to 5 and their labels."""
    test = load_dataset("digits", classes=tuple(range(6))).test
    return torch.from_numpy(test.images), np.asarray(test.labels)


def robust(module, images, labels, eps):
    """Share right after PGD."""
    attack = make_attack("pgd", eps=eps, steps=40)
    return run_attack(module, images, torch.from_numpy(labels), attack).robust_accuracy


def said(module, images):
    """Labels."""
    with torch.no_grad():
        return module(images).argmax(1).numpy()


def pixels_of(images):
    """Shape (N, d), in double precision."""
    return images.flatten(1).double().numpy()


def exact(forms, images, labels, levels=(0.5, 1.0)):
    """Columns of the exact radius."""
    radius = certify_l2(forms, pixels_of(images), labels).radius
    columns = {f"certified_{level:g}": (radius > level).mean() for level in levels}
    return radius, {"radius": np.median(radius[radius > 0]), **columns}


def defences():
    """Augmentation, penalties and PGD training of 12 layers on the digits."""
    images, labels = digits()
    grid = [
        {"defence": "clean"},
        *({"defence": "augmented", "augment_sigma": sigma} for sigma in (0.1, 0.25, 0.5)),
        *({"defence": "regularised", "penalty": "gradient", "penalty_weight": w} for w in (1.0, 10.0)),
        {"defence": "regularised", "penalty": "squares", "penalty_weight": 1.0},
        {"defence": "adversarial", "adversarial_share": 1.0, "adversary_eps": 0.1},
    ]
    for options in grid:
        for seed in SEEDS:
            made = trained(layers=LAYERS, seed=seed, **options)
            forms = made.decisions()
            pixels = pixels_of(images)
            smoothed = certify_smoothed_forms(forms, pixels, labels, 0.25)
            yield {
                "defence": " ".join(str(value) for value in options.values()),
                "seed": seed,
                "accuracy": (said(made.module, images) == labels).mean(),
                "robust_0.05": robust(made.module, images, labels, 0.05),
                "robust_0.1": robust(made.module, images, labels, 0.1),
                **exact(forms, images, labels)[1],
                "smoothed_0.25_certified_0.5": (smoothed > 0.5).mean(),
            }


def norms():
    """The spectral penalty on a quadratic classifier and on a ConvNet: the bound that it proves, and what is true."""
    images, labels = digits()
    pixels = pixels_of(images)
    for weight in (0.0, 1.0, 10.0, 100.0):
        for seed in SEEDS:
            made = trained(
                model="quadratic", seed=seed, defence="regularised", penalty="spectral", penalty_weight=weight
            )
            forms = made.decisions()
            radius, columns = exact(forms, images, labels)
            bound = lipschitz_radii(forms, pixels, labels, widest_margins(forms))
            yield {
                "model": "quadratic",
                "penalty_weight": weight,
                "seed": seed,
                "accuracy": (said(made.module, images) == labels).mean(),
                "robust_0.1": robust(made.module, images, labels, 0.1),
                **columns,
                "bound": np.median(bound[radius > 0]),
                "bound_over_radius": np.median(bound[radius > 0] / radius[radius > 0]),
            }
    for weight in (0.0, 0.01):
        made = trained(model="convnet", defence="regularised", penalty="spectral", penalty_weight=weight)
        with torch.no_grad():
            top = made.module(images).topk(2, dim=1)
        right = top.indices[:, 0].numpy() == labels
        margins = (top.values[:, 0] - top.values[:, 1]).numpy()[right]
        bound = margins / (2**0.5 * lipschitz_bound(made.stored.model))
        found = run_attack(made.module, images, torch.from_numpy(labels), make_attack("deepfool"))
        yield {
            "model": "convnet",
            "penalty_weight": weight,
            "seed": 0,
            "accuracy": right.mean(),
            "robust_0.1": robust(made.module, images, labels, 0.1),
            "radius": np.nan,
            "certified_0.5": np.nan,
            "certified_1": np.nan,
            "bound": np.median(bound),
            "bound_over_radius": np.median(bound) / np.median(found.l2[found.fooled].numpy()),
        }


def depolarising():
    """The first 100 MNIST test images on 200 layers, noise in inference alone: what the exact attacker leaves."""
    clean = deploy(MNIST)
    images, labels = mnist_images(IMAGES)
    silent = clean.decisions()
    radii = certify_l2(silent, pixels_of(images), labels).radius
    attack = make_attack("pgd", eps=0.05, steps=40)
    made_without = run_attack(clean.module, images, torch.from_numpy(labels), attack).images
    yield noisy_row("none", 0, clean, images, labels, silent, radii, made_without)
    conditions = [
        *(("global-depolarizing", p) for p in (0.0003,)),
        *(("depolarizing", p) for p in (0.0003,)),
    ]
    for noise, strength in conditions:
        made = clean.under(noise, strength)
        yield noisy_row(noise, strength, made, images, labels, made.decisions(), radii, made_without)


def noisy_row(noise, strength, made, images, labels, forms, silent, made_without):
    """A model under a noise, and how its radii compare with those without."""
    radius, columns = exact(forms, images, labels, (0.2, 0.5))
    both = (radius > 0) & (silent > 0)
    with torch.no_grad():
        spread = made.module(images).topk(2, dim=1).values
    return {
        "noise": noise,
        "strength": strength,
        "accuracy": (said(made.module, images) == labels).mean(),
        "median_margin": (spread[:, 0] - spread[:, 1]).median().item(),
        "robust_0.02": robust(made.module, images, labels, 0.02),
        "robust_0.05": robust(made.module, images, labels, 0.05),
        "robust_0.05_made_without_noise": (said(made.module, made_without) == labels).mean(),
        **columns,
        "radius_over_noiseless": np.median(radius[both] / silent[both]),
        "largest_change": np.abs(radius[both] / silent[both] - 1).max(),
    }


def privacy():
    """What differential privacy certifies of the same images by the strength of a global channel."""
    images, labels = mnist_images(IMAGES)
    forms, pixels = deploy(MNIST).decisions(), pixels_of(images)
    radius = certify_l2(forms, pixels, labels).radius
    right = radius > 0
    lipschitz = lipschitz_radii(forms, pixels, labels)
    for strength in (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        private = privacy_radii(forms, pixels, labels, strength)
        yield {
            "strength": strength,
            "privacy": np.median(private[right]),
            "lipschitz_without_noise": np.median(lipschitz[right]),
            "exact_with_or_without": np.median(radius[right]),
            "privacy_over_exact": np.median(private[right] / radius[right]),
        }


def movement():
    """How far ε moves the states of 250 test images, and how far apart those of different classes are."""
    for dataset in ("digits", "mnist", "fashion-mnist"):
        test = load_dataset(dataset).test
        images, labels = torch.from_numpy(test.images[:250]), np.asarray(test.labels[:250])
        eps = 0.1 if dataset == "digits" else 0.02
        flat = images.flatten(1)
        yield movement_row(dataset, "pixels", images, labels, eps, 0.0)
        order = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(0))
        yield movement_row(dataset, "pixels in another order", flat[:, order], labels, eps, 0.0)
        # A change of a pixel is one of its four copies, twice as long.
        copied = flat.repeat_interleave(4, dim=1)
        yield movement_row(dataset, "four copies of every pixel", copied, labels, eps, 0.0, longer=2)
        for floor in FLOORS:
            yield movement_row(dataset, f"floor {floor:g}", images, labels, eps, floor)


def movement_row(dataset, how, images, labels, eps, floor, longer=1):
    """The mean of the largest trace distance, and of that to the nearest and to any image of another class."""
    shifted = images + floor
    witness, bound = amplitude_movement(shifted, eps, box=(floor, 1 + floor))
    states = shifted.flatten(1).double()
    states = states / states.norm(dim=1, keepdim=True)
    apart = (1 - (states @ states.T).square()).clamp(min=0).sqrt().numpy()
    apart[labels[:, None] == labels] = np.nan
    return {
        "dataset": dataset,
        "encoding": how,
        "eps": eps,
        "moved_linf": bound.mean().item(),
        "witness_below_bound": ((bound - witness) / bound).max().item(),
        "moved_l2_0.5": amplitude_movement(shifted, 0.5 * longer, "l2")[1].mean().item(),
        "nearest_other_class": np.nanmin(apart, axis=1).mean(),
        "other_classes": np.nanmean(apart),
        "moved_over_nearest": np.mean(bound.numpy() / np.nanmin(apart, axis=1)),
    }


def floors():
    """The digits on 12 layers behind a floor, ten epochs: accuracy, exact radius in the image's own pixels, PGD."""
    images, labels = digits()
    for floor in (0.0, *FLOORS):
        for seed in SEEDS:
            extra = {"encoding": f"floor-{floor:g}"} if floor else {}
            made = trained(epochs=10, layers=LAYERS, seed=seed, **extra)
            model = made.stored.model
            # A perturbation of x is one of x + c: radii are those of the plain model for these.
            plain = QVC(model.config.model_copy(update={"encoding": "multiplexed"}))
            plain.load_state_dict(model.state_dict())
            card = made.card.model_copy(update={"model": plain.config})
            forms = deploy(StoredModel(plain, card)).decisions()
            yield {
                "floor": floor,
                "seed": seed,
                "accuracy": (said(made.module, images) == labels).mean(),
                "robust_0.05": robust(made.module, images, labels, 0.05),
                "robust_0.1": robust(made.module, images, labels, 0.1),
                **exact(forms, images + floor, labels)[1],
            }


def mnist_images(count):
    """The first test images."""
    test = load_dataset("mnist").test
    return torch.from_numpy(test.images[:count]), np.asarray(test.labels[:count])


TABLES = (movement, privacy, norms, defences, depolarising, floors)


def main():
    """Write the tables that are not there."""
    torch.set_num_threads(1)
    out, *asked = sys.argv[1:]
    for table in TABLES:
        file = Path(out) / f"{table.__name__.replace('_', '-')}.csv"
        if file.exists() or (asked and table.__name__ not in asked):
            continue
        part, writer = file.with_suffix(".part"), None
        with part.open("w", newline="") as stream:
            for row in table():
                if writer is None:
                    writer = csv.DictWriter(stream, list(row))
                    writer.writeheader()
                writer.writerow({k: f"{v:.4g}" if isinstance(v, float | np.floating) else v for k, v in row.items()})
                stream.flush()
        part.rename(file)
        print(file.name, flush=True)


if __name__ == "__main__":
    main()
