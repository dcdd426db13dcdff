"""What adversarial training changes, on the same images: paired differences, and how alike perturbations are.

Run it as ``python adversarial.py differences OUT RUN…`` or ``python adversarial.py likeness OUT RUN…``: every RUN is a
folder of ``qaml transfer`` with models NAME and NAME-advE; OUT is the CSV that is written. The differences are of
every adversarially trained victim to the plain one and to its neighbour in strength, on the first 250 images and on
all. The likeness needs the adversarial images, which ``qaml transfer`` writes beside its results and which are not kept
here, and the data in $QAML_DATA_DIR.
"""

import csv
import re
import sys
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import yaml

from qaml_qiskit.deployments import deploy, load_batch
from qaml_qiskit.evaluation import paired_difference, wilson_interval

STRENGTHS = ("0.1", "0.2", "0.3")
EPS = 0.1  # of the pictures


def plain_of(name):
    """The plainly trained twin of a model, by its name."""
    return re.sub(r"-adv0\.\d$", "", name)


def differences(folders):
    """Rows of every set of images, the victims of a family against each other; last, each on its own images."""
    own = {}
    for folder in folders:
        with np.load(folder / "outcomes.npz") as found:
            right = found["predicted"] == found["labels"]
            sets = list(zip(found["sources"].tolist(), found["attacks"].tolist(), found["eps"].tolist(), strict=True))
            victims = found["victims"].tolist()
        for (source, attack, eps), on_set in zip(sets, right, strict=True):
            on = dict(zip(victims, on_set, strict=True))
            if source in on:
                own.setdefault((attack, eps), {}).setdefault(source, on[source])
            # What is attacked on one of two trained ones says nothing about which of them is the better.
            if plain_of(source) != source:
                on.pop(source, None)
            yield from rows({"run": folder.name, "source": source, "attack": attack, "eps": f"{eps:g}"}, on)
    for (attack, eps), on in own.items():
        yield from rows({"run": "white-box", "source": "itself", "attack": attack, "eps": f"{eps:g}"}, on)


def rows(where, on):
    """Of one set of images, or of each model's own ones: every pair on the first 250 images and on all."""
    for victim, against in compared(on):
        size = min(len(on[victim]), len(on[against]))
        for count in sorted({min(250, size), size}):
            first, second = on[victim][:count], on[against][:count]
            difference, (low, high) = paired_difference(first, second)
            ends = wilson_interval(first.mean(), count)
            yield {
                **where,
                "images": count,
                "victim": victim,
                "accuracy": f"{first.mean():.4f}",
                "low": f"{ends[0]:.4f}",
                "high": f"{ends[1]:.4f}",
                "against": against,
                "accuracy_against": f"{second.mean():.4f}",
                "difference": f"{difference:.4f}",
                "difference_low": f"{low:.4f}",
                "difference_high": f"{high:.4f}",
            }


def compared(victims):
    """Pairs of victims: every adversarially trained one with the plain one and with its neighbour in strength."""
    for plain in victims:
        trained = [name for strength in STRENGTHS if (name := f"{plain}-adv{strength}") in victims]
        if plain_of(plain) == plain:
            yield from ((name, plain) for name in trained)
            yield from ((later, earlier) for earlier, later in pairwise(trained))


def likenesses(folders):
    """Rows of every run."""
    for folder in folders:
        yield from likeness(folder)


def likeness(folder):
    """Rows of one run: how alike two perturbations of an image are, and how smooth each is.

    Where a pixel is black or white, every attack can only go one way, which makes any two perturbations alike; hence
    the cosine over the pixels that may go both ways, and for all pixels that with random signs. Smoothness is the
    correlation of neighbouring pixels of the perturbation where the image is black: 0 in noise.
    """
    files = sorted((folder / "adversarial").glob("*.npz"), key=lambda file: int(file.name.split("-")[0]))
    attacked = {}
    for file in files:
        with np.load(file) as found:
            attacked[re.sub(r"^\d+-", "", file.stem)] = found["images"].astype(float)
    source = deploy(yaml.safe_load((folder / "config.yaml").read_text())["sources"][0])
    count = len(next(iter(attacked.values())))
    clean = load_batch(str(count), [source], None).images.numpy().astype(float)
    signs = np.random.default_rng(0).choice([-EPS, EPS], clean.shape)
    changes = {name: images - clean for name, images in attacked.items()}
    changes["random signs"] = (clean + signs).clip(0, 1) - clean
    free = (clean >= EPS) & (clean <= 1 - EPS)
    for (first, one), (second, other) in combinations(changes.items(), 2):
        yield {
            "run": folder.name,
            "first": first,
            "second": second,
            "images": count,
            "cosine": f"{cosine(one, other):.3f}",
            "cosine_free": f"{cosine(one * free, other * free):.3f}",
            "smoothness_first": f"{smoothness(one, clean):.3f}",
        }


def cosine(one, other):
    """Mean over the images; images of which nothing moves are left out."""
    one, other = one.reshape(len(one), -1), other.reshape(len(other), -1)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return ((one * other).sum(1)[norms > 0] / norms[norms > 0]).mean()


def smoothness(change, clean):
    """Correlation of right-hand neighbours that are black both."""
    black = (clean[..., :-1] == 0) & (clean[..., 1:] == 0)
    return np.corrcoef(change[..., :-1][black], change[..., 1:][black])[0, 1]


def main(what, out, *folders):
    """Writes the rows of every run into one file."""
    found = list({"differences": differences, "likeness": likenesses}[what]([Path(folder) for folder in folders]))
    with Path(out).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
