"""How often a model is right on clean and on attacked images, by the paper's attacker and by one who knows better."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from models import HERE, folder, options, trained
from torch import Tensor, nn

from qaml_qiskit.attacks import ExpectedLogits, make_attack, run_attack
from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.models import predict

#: Test images of MNIST, the first of them; of the other data sets all.
IMAGES = 1000
#: Draws of the noise layers that vote on a label (algorithm 2, which leaves their number J open).
VOTES = 100
#: Images that share the draws of an attack's steps.
TOGETHER = 50
#: Of the paper, section 4.1, in pixel units.
EPS, STEPS, STEP_SIZE = 0.15, 3, 0.05
#: Of the attacker who knows better.
MANY_STEPS, RESTARTS = 40, 5

Rightness = np.ndarray


class Drawn(nn.Module):
    """A model whose noise layers are drawn anew in every pass, from torch's global numbers."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.config = model.config

    def forward(self, images: Tensor) -> Tensor:
        """Logits with one draw for all images."""
        return self.model.drawn_logits(images, self.model.draw())


@cache
def test_images(name: str) -> tuple[Tensor, Tensor]:
    """The test images of a model's data set, and their labels."""
    given = options(name)
    chosen = {key: given[key] for key in ("classes", "resize") if key in given}
    part = load_dataset(given["dataset"], **chosen).test
    return torch.from_numpy(part.images[:IMAGES]), torch.from_numpy(part.labels[:IMAGES])


def noisy(model: nn.Module) -> bool:
    """Whether noise layers act on a model in use."""
    layers = getattr(model.config, "noise_layers", None)
    return layers is not None and layers.in_inference


def attack(name: str, eps: float = EPS, **parameters: Any) -> Any:
    """An attack with the paper's step."""
    steps = {"steps": STEPS, "step_size": STEP_SIZE * eps / EPS} if name != "fgsm" and "steps" not in parameters else {}
    return make_attack(name, eps=eps, **steps, **parameters)


def adversarial(source: nn.Module, images: Tensor, labels: Tensor, how: Any, together: int = 250) -> Tensor:
    """Images that were made on a module, whatever it says about them."""
    if not how.budget:
        return images
    return run_attack(source, images, labels, how, spare_wrong=False, batch_size=together).images


def votes(model: nn.Module, images: Tensor, draws: int = VOTES, seed: int = 0) -> Tensor:
    """Labels by the majority of draws of the noise layers; those of the model itself where it has none."""
    if not noisy(model):
        return predict(model, images).argmax(1)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        counts = sum(model.drawn_logits(images, model.draw(generator)).argmax(1) for _ in range(draws))
    return (counts * 2 > draws).long()


def the_papers(model: nn.Module, images: Tensor, labels: Tensor, how: Any, draws: int = VOTES) -> Rightness:
    """Right or wrong by the paper's protocol: a fresh draw a gradient, then the vote."""
    source = Drawn(model) if noisy(model) else model
    attacked = adversarial(source, images, labels, how, TOGETHER if noisy(model) else 250)
    return (votes(model, attacked, draws) == labels).numpy()


def exactly(model: nn.Module, images: Tensor, labels: Tensor, how: Any) -> Rightness:
    """Right or wrong where the attacker has the gradient of the exact expectation, and the label is its sign."""
    result = run_attack(model, images, labels, how)
    return (result.clean_correct & ~result.fooled).numpy()


def under(model: nn.Module, **rule: Any) -> nn.Module:
    """The model with other noise layers, or with some; a ``beta`` is put in every layer."""
    kept = model.config.noise_layers or NoiseLayers()
    changed = model.with_noise_layers(NoiseLayers(**{**dict(kept), **rule})).eval()
    if "beta" in rule:
        with torch.no_grad():
            changed.betas.fill_(rule["beta"])
    return changed


def averaged(model: nn.Module, draws: int) -> nn.Module:
    """Expectation over transformation."""
    return ExpectedLogits(Drawn(model), draws)


def kept(name: str, seed: int, what: str, compute: Callable[[nn.Module, Tensor, Tensor], Rightness]) -> Rightness:
    """Right or wrong for every test image, read back where it was measured before; ``what`` names the measure."""
    code = hashlib.sha256((HERE / "measures.py").read_bytes()).hexdigest()[:8]
    path = folder(name, seed) / f"measured-{code}.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    if what not in known:
        model = trained(name, seed)
        right = np.asarray(compute(model, *test_images(name)), dtype=bool)
        known[what] = "".join("01"[int(each)] for each in right)
        path.write_text(json.dumps(known))
    return np.array([each == "1" for each in known[what]])


def clean(name: str, seed: int) -> Rightness:
    """On the test images as they are, by the vote."""
    return kept(name, seed, "clean", lambda model, images, labels: (votes(model, images) == labels).numpy())


def papers(name: str, seed: int, kind: str, eps: float = EPS, draws: int = VOTES) -> Rightness:
    """On images attacked the paper's way."""
    if not eps:
        return clean(name, seed)
    return kept(name, seed, f"{kind} {eps:g} {draws}", lambda *given: the_papers(*given, attack(kind, eps), draws))


def known(name: str, seed: int, eps: float = EPS) -> Rightness:
    """On images attacked through the exact expectation, by many steps and restarts."""
    how = attack("pgd", eps, steps=MANY_STEPS, restarts=RESTARTS)
    return kept(name, seed, f"exact {eps:g}", lambda *given: exactly(*given, how))
