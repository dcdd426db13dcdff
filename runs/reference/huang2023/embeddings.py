"""Two principal components of what circuits see and make: figures 2 and 5."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from items import Row
from measures import EPS, Drawn, adversarial, attack, noisy, test_images, under, votes
from models import PLAN, trained
from qiskit.quantum_info import Operator
from torch import Tensor

from qaml_qiskit.models import QVC, build_model

#: Of each picture.
SAMPLES = 100


def components(fitted_on: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean, the first two principal directions, and their share of the variance."""
    mean = fitted_on.mean(axis=0)
    _, sizes, directions = np.linalg.svd(fitted_on - mean, full_matrices=False)
    return mean, directions[:2], float((sizes[:2] ** 2).sum() / (sizes**2).sum())


def figure2() -> Iterator[Row]:
    """100 test images, as they are and attacked by BIM the paper's way, on the axes of the clean states; seed 0."""
    models = PLAN["items"]["figure2"]["models"]
    images, labels = test_images("V")
    images, labels = images[:SAMPLES], labels[:SAMPLES]
    mean, axes, share = components(_states(images))
    panels: list[tuple[str, str, float]] = [("none", "clean", 0.0)]
    panels += [(told, "attacked", EPS) for told in models]
    for told, what, eps in panels:
        model = trained(models[told], 0)
        source = Drawn(model) if noisy(model) else model
        given = adversarial(source, images, labels, attack("bim", eps), 50) if eps else images
        moved = float(np.linalg.norm(_states(given) - _states(images), axis=1).mean())
        right = (votes(model, given) == labels).numpy()
        for point, label, hit in zip((_states(given) - mean) @ axes.T, labels.tolist(), right, strict=True):
            told_row = {"panel": f"{told}, {what}", "first": point[0], "second": point[1], "label": label}
            yield {**told_row, "right": bool(hit), "moved": moved, "variance": share}


def _states(images: Tensor) -> np.ndarray:
    vectors = images.flatten(1).double().numpy()
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def figure5() -> Iterator[Row]:
    """Moons on the Bloch sphere behind the circuit, seed 0; a draw of the noise layers for every point."""
    models = PLAN["items"]["figure5"]["models"]
    images, labels = test_images("moons-amplitude-V")
    first = build_model(trained(models["this work"], 0).config, 0).eval()
    plain = trained("moons-amplitude-V", 0)
    before, after = [(first, images)], []
    for model in (plain, under(plain, beta=0.25), trained(models["baseline"], 0), trained(models["this work"], 0)):
        source = Drawn(model) if noisy(model) else model
        after.append((model, adversarial(source, images, labels, attack("fgsm"), 50)))
    told = [
        "first weights, noise layers",
        "trained plainly, attacked",
        "trained plainly, noise layers in inference, attacked",
        "baseline, attacked",
        "this work, attacked",
    ]
    panels: list[tuple[str, QVC, Tensor]] = [("first weights", first.without_noise_layers(), images)]
    panels += [(name, model, given) for name, (model, given) in zip(told, before + after, strict=True)]
    # One pair of axes for all: those of the first panel's vectors would be a plane, since real amplitudes are a circle.
    vectors = {name: _bloch(model, given) for name, model, given in panels}
    for name, model, given in panels:
        mean, axes, share = components(vectors[name])
        right = (votes(model, given) == labels).numpy()
        thickness = float(np.linalg.norm(vectors[name] - mean - (vectors[name] - mean) @ axes.T @ axes, axis=1).mean())
        for point, label, hit in zip((vectors[name] - mean) @ axes.T, labels.tolist(), right, strict=True):
            row: dict[str, Any] = {"panel": name, "first": point[0], "second": point[1], "label": label}
            yield {**row, "right": bool(hit), "variance": share, "thickness": thickness}


def _bloch(model: QVC, images: Tensor) -> np.ndarray:
    """Bloch vectors behind the circuit, shape (N, 3)."""
    generator = torch.Generator().manual_seed(0)
    loud = model.config.noise_layers is not None and model.config.noise_layers.in_inference
    circuit = model.ansatz(noise_layers="angles") if loud else model.ansatz()
    unitary = None if loud else Operator(circuit).data
    found = []
    for state in _states(images):
        if loud:
            angles = model.draw(generator).detach().flatten().double().numpy()
            unitary = Operator(circuit.assign_parameters(angles)).data
        out = unitary @ state
        cross = np.conj(out[0]) * out[1]
        found.append([2 * cross.real, 2 * cross.imag, abs(out[0]) ** 2 - abs(out[1]) ** 2])
    return np.array(found)
