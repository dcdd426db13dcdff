"""The rows of every table and figure: one dictionary a model, attack, strength and seed."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from measures import (
    EPS,
    MANY_STEPS,
    adversarial,
    attack,
    averaged,
    clean,
    exactly,
    kept,
    known,
    papers,
    test_images,
    the_papers,
    under,
    votes,
)
from models import PLAN, folder, trained

from qaml_qiskit.attacks import make_attack
from qaml_qiskit.evaluation import paired_difference, paired_test
from qaml_qiskit.models import predict

Row = dict[str, Any]


def measured(name: str, seed: int, kind: str, eps: float = EPS) -> np.ndarray:
    """Right or wrong under an attack of the plan; ``exact`` is the attacker who knows better."""
    if kind == "clean" or not eps:
        return clean(name, seed)
    return known(name, seed, eps) if kind == "exact" else papers(name, seed, kind, eps)


def whitebox(item: str, seeds: int) -> Iterator[Row]:
    """Models against attacks and strengths."""
    plan = PLAN["items"][item]
    for seed in range(seeds):
        for told, name in plan["models"].items():
            for kind in plan["attacks"]:
                for eps in plan.get("eps", [EPS]):
                    right = measured(name, seed, kind, eps)
                    yield {"model": told, "attack": kind, "eps": eps, "seed": seed, "accuracy": right.mean()}


def betas(seeds: int) -> Iterator[Row]:
    """|β| of every layer; the sign of β means nothing, since η is symmetric."""
    for seed in range(seeds):
        for told, name in PLAN["items"]["table2"]["models"].items():
            model = trained(name, seed)
            if model.config.noise_layers is not None:
                for layer, beta in enumerate(model.betas.abs().tolist(), 1):
                    yield {"model": told, "layer": layer, "seed": seed, "beta": beta}


def table4(seeds: int) -> Iterator[Row]:
    """Images made on a classical source, given to the circuits."""
    plan = PLAN["items"]["table4"]
    for seed in range(seeds):
        for source in plan["sources"]:
            images, labels = test_images(source)
            network = trained(source, seed)
            alone = float((predict(network, images).argmax(1) == labels).double().mean())
            for kind in plan["attacks"]:
                attacked = adversarial(network, images, labels, attack(kind))
                told = {"source": source, "attack": kind, "eps": EPS, "seed": seed}
                hit = float((predict(network, attacked).argmax(1) == labels).double().mean())
                yield {**told, "model": "the source itself", "accuracy": hit, "clean": alone}
                for model, name in plan["models"].items():
                    right = (votes(trained(name, seed), attacked) == labels).double().mean()
                    yield {**told, "model": model, "accuracy": float(right), "clean": clean(name, seed).mean()}


def figure7(seeds: int) -> Iterator[Row]:
    """Noise layers in no phase, in one of them, or in both; β of a model that never saw noise is the first one, .25."""
    plan = PLAN["items"]["figure7"]
    phases = {
        "none (clean training)": ("V", None),
        "none (combined)": ("C", None),
        "inference (clean training)": ("V", {"beta": 0.25, "phases": "inference"}),
        "inference (combined)": ("C", {"beta": 0.25, "phases": "inference"}),
        "training (combined)": ("CN", {"phases": "training"}),
        "both (combined)": ("CN", None),
    }
    for seed in range(seeds):
        for told, (name, rule) in phases.items():
            for kind in plan["attacks"]:
                for eps in plan["eps"]:
                    right = _phase(name, seed, rule, kind, eps)
                    yield {"model": told, "attack": kind, "eps": eps, "seed": seed, "accuracy": right.mean()}


def _phase(name: str, seed: int, rule: dict[str, Any] | None, kind: str, eps: float) -> np.ndarray:
    if rule is None:
        return measured(name, seed, kind, eps)
    if not eps:
        return kept(name, seed, f"{rule} clean", lambda model, *given: _voted(under(model, **rule), *given))
    how = attack(kind, eps)
    return kept(
        name, seed, f"{rule} {kind} {eps:g}", lambda model, *given: the_papers(under(model, **rule), *given, how)
    )


def _voted(model: Any, images: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    return (votes(model, images) == labels).numpy()


def figure8(seeds: int) -> Iterator[Row]:
    """σ² = 2π/2^k."""
    plan = PLAN["items"]["figure8"]
    for seed in range(seeds):
        for told, name in plan["models"].items():
            for power in plan["powers"]:
                own = name if power == 5 else f"{name}-k{power}"
                for kind in plan["attacks"]:
                    right = measured(own, seed, kind)
                    yield {"model": told, "k": power, "attack": kind, "seed": seed, "accuracy": right.mean()}


def figure9(seeds: int) -> Iterator[Row]:
    """Depths and strengths, by BIM the paper's way."""
    plan = PLAN["items"]["figure9"]
    for seed in range(seeds):
        for told, name in plan["models"].items():
            for depth in plan["depths"]:
                own = name if depth == 10 else f"{name}-d{depth}"
                for eps in plan["eps"]:
                    right = measured(own, seed, "bim", eps)
                    yield {"model": told, "depth": depth, "eps": eps, "seed": seed, "accuracy": right.mean()}


def exact(seeds: int) -> Iterator[Row]:
    """What is left of the models of table 2: the exact expectation, and K draws a gradient with as many steps."""
    yield from whitebox("exact", seeds)
    how = attack("pgd", steps=MANY_STEPS, restarts=1)
    for seed in range(seeds):
        for draws in (1, 10):

            def drawn(model: Any, images: Any, labels: Any, draws: int = draws) -> np.ndarray:
                attacked = adversarial(averaged(model, draws), images, labels, how, 250)
                return (predict(model, attacked).argmax(1) == labels).numpy()

            right = kept("CN", seed, f"EOT {draws}", drawn)
            yield {"model": "QNN-CN", "attack": f"{draws} draws", "eps": EPS, "seed": seed, "accuracy": right.mean()}


def strongest() -> Iterator[Row]:
    """AutoAttack beside PGD through the exact expectation, on the first images of seed 0."""
    count, how = 200, make_attack("autoattack", eps=EPS)
    for told, name in PLAN["items"]["exact"]["models"].items():
        right = kept(
            name, 0, "autoattack", lambda model, *given: exactly(model, *(each[:count] for each in given), how)
        )
        yield {"model": told, "images": count, "autoattack": right.mean(), "exact": known(name, 0)[:count].mean()}


def ablation(seeds: int) -> Iterator[Row]:
    """Pairs on the same images: the second minus the first."""
    strong = attack("pgd", steps=MANY_STEPS, restarts=5)

    def ruled(rule: dict[str, Any] | None, told: str) -> Any:
        def measure(model: Any, images: Any, labels: Any) -> np.ndarray:
            changed = model.without_noise_layers().eval() if rule is None else under(model, **rule)
            if told == "exact":
                return exactly(changed, images, labels, strong)
            return (
                the_papers(changed, images, labels, attack(told))
                if told != "clean"
                else (votes(changed, images) == labels).numpy()
            )

        return measure

    for seed in range(seeds):
        for kind in ("clean", "fgsm", "bim", "exact"):
            whole = measured("CN", seed, kind)
            bare = kept("CN", seed, f"no layers {kind}", ruled(None, kind))
            loud = kept("CN", seed, f"first beta {kind}", ruled({"beta": 0.25}, kind))
            shaken = kept("C", seed, f"first beta {kind}", ruled({"beta": 0.25}, kind))
            combined = measured("C", seed, kind)
            pairs = [
                ("CN without its layers → CN", bare, whole),
                ("CN → CN with β = .25 in inference", whole, loud),
                ("C → CN", combined, whole),
                ("C → C with β = .25 in inference", combined, shaken),
            ]
            if seed < PLAN["seeds"].get("CN-k1", seeds):
                strong_noise = measured("CN-k1", seed, kind)
                strong_bare = kept("CN-k1", seed, f"no layers {kind}", ruled(None, kind))
                pairs += [
                    ("C → CN trained with σ² = π", combined, strong_noise),
                    ("CN of σ² = π without its layers → with", strong_bare, strong_noise),
                ]
            for told, first, second in pairs:
                yield {"pair": told, "attack": kind, "seed": seed, **_compared(first, second)}


def _compared(first: np.ndarray, second: np.ndarray) -> Row:
    difference, (low, high) = paired_difference(second, first)
    gained, lost, p = paired_test(second, first)
    return {
        "first": first.mean(),
        "second": second.mean(),
        "difference": difference,
        "low": low,
        "high": high,
        "gained": gained,
        "lost": lost,
        "p": p,
    }


def recipes(seeds: int) -> Iterator[Row]:
    """What is trained otherwise; only seeds that are there for all count."""
    for name in PLAN["items"]["recipes"]["models"]:
        for seed in range(min(seeds, PLAN["seeds"].get(name, seeds))):
            for kind in ("clean", "fgsm", "bim", "exact"):
                yield {"model": name, "attack": kind, "seed": seed, "accuracy": measured(name, seed, kind).mean()}


def losses(item: str, seeds: int) -> Iterator[Row]:
    """The loss and the accuracy in every epoch, on what is trained on; and at the end those on test images."""
    for seed in range(seeds):
        for told, name in PLAN["items"][item]["models"].items():
            trained(name, seed)
            with (folder(name, seed) / "learning_curve.csv").open() as file:
                for row in csv.DictReader(file):
                    yield {
                        "model": told,
                        "epoch": int(row["epoch"]),
                        "seed": seed,
                        "loss": float(row["loss"]),
                        "accuracy": float(row["accuracy"]),
                    }


def final_losses(item: str, seeds: int) -> Iterator[Row]:
    """Of the last weights on clean and attacked test images, by the exact expectation."""
    for seed in range(seeds):
        for told, name in PLAN["items"][item]["models"].items():
            model = trained(name, seed)
            images, labels = test_images(name)
            attacked = adversarial(model, images, labels, attack("bim"))
            for kind, each in (("clean", images), ("bim", attacked)):
                loss = torch.nn.functional.cross_entropy(predict(model, each), labels)
                yield {"model": told, "attack": kind, "seed": seed, "loss": float(loss)}


def summary(rows: Iterable[Row], keys: tuple[str, ...], value: str = "accuracy") -> list[Row]:
    """Mean and spread over the seeds."""
    groups: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(float(row[value]))
    return [
        {
            **dict(zip(keys, key, strict=True)),
            "mean": np.mean(values),
            "sd": np.std(values, ddof=1) if len(values) > 1 else float("nan"),
            "lowest": min(values),
            "highest": max(values),
            "seeds": len(values),
        }
        for key, values in groups.items()
    ]
