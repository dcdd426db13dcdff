"""A paper that nobody wrote, and what runs of its plan might have measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qaml_qiskit.campaigns.reproduce.findings import PaperFindings
from qaml_qiskit.evaluation import wilson_interval
from qaml_qiskit.papers import Measure, Observation, Paper
from qaml_qiskit.papers.schema import Claims, PaperPlan

EPS = (0.0, 0.1, 0.2)
VICTIMS = ("convnet", "qvc")
ACCURACY = {"convnet": (0.98, 0.70, 0.20), "qvc": (0.95, 0.90, 0.80)}

SAID = Claims.model_validate(
    {
        "paper": "A. Nobody, On nothing, Journal of Examples 1, 1 (2020)",
        "title": "Nobody (2020), claim by claim",
        "open": {"training": {"left_open": "the learning rate", "choice": "0.003"}},
        "items": {
            "fig1": {"place": "figure 1", "told": "PGD on the ConvNet | shown to a QVC", "images": 250},
            "table1": {"place": "table 1", "told": "Accuracies without attack", "images": 250},
            "fig2": {"place": "figure 2", "told": "The same on faces", "images": 250},
        },
        "claims": [
            {
                "id": "fig1-resists",
                "item": "fig1",
                "told": "At ε = .2 the QVC keeps more accuracy than the ConvNet",
                "open": ["training"],
                "expect": {
                    "kind": "larger",
                    "first": {"run": "fig1", "row": {"victim": "qvc", "eps": 0.2}},
                    "second": {"run": "fig1", "row": {"victim": "convnet", "eps": 0.2}},
                },
            },
            {
                "id": "fig1-qvc",
                "item": "fig1",
                "told": "At ε = .1 the QVC has an accuracy of .82",
                "expect": {
                    "kind": "equal",
                    "first": {"run": "fig1", "row": {"victim": "qvc", "eps": 0.1}},
                    "published": {"value": 0.82, "images": 250},
                },
            },
            {
                "id": "table1-qvc",
                "item": "table1",
                "told": "The QVC's accuracy is .94",
                "expect": {
                    "kind": "equal",
                    "first": {"run": "table1", "row": {"victim": "qvc", "eps": 0.0}},
                    "published": {"value": 0.94, "images": 250},
                },
            },
            {
                "id": "table1-close",
                "item": "table1",
                "told": "QVC and ConvNet differ by less than .01",
                "expect": {
                    "kind": "no difference",
                    "first": {"run": "table1", "row": {"victim": "qvc", "eps": 0.0}},
                    "second": {"run": "table1", "row": {"victim": "convnet", "eps": 0.0}},
                    "within": 0.01,
                },
            },
            {
                "id": "fig2-faces",
                "item": "fig2",
                "told": "Faces behave alike",
                "expect": {"kind": "not run", "why": "The images cannot be had here"},
            },
        ],
    }
)
PLAN = PaperPlan.model_validate(
    {
        "models": {"qvc": {"train": {"layers": 2}, "seeded": True}},
        "runs": {"fig1": {"command": "transfer", "fields": {}}, "table1": {"command": "transfer", "fields": {}}},
        "items": {
            "fig1": {
                "runs": ["fig1"],
                "pictures": [{"runs": ["fig1"], "panel": "source", "caption": "Accuracy against the strength of PGD"}],
            },
            "table1": {
                "runs": ["table1"],
                "pictures": [{"kind": "bars", "runs": ["table1"], "x": "dataset", "where": {"eps": [0.0]}}],
            },
            "fig2": {"not_run": "The images cannot be had here"},
        },
    }
)
PAPER = Paper(name="nobody2020", said=SAID, plan=PLAN)


class MadeUp:
    """Runs of the plan: hits drawn with fixed seeds, in place of models."""

    def __init__(self, folder: Path, seeds: int = 1, images: int = 250) -> None:
        self.folder, self.seeds, self.images = folder, seeds, images

    def hits(self, row: dict[str, Any], seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Of a row."""
        share = ACCURACY[row["victim"]][EPS.index(row["eps"])]
        ease = 0.8 * np.random.default_rng(1).random(self.images)
        ease += 0.2 * np.random.default_rng([seed, len(row["victim"])]).random(self.images)
        return (np.argsort(np.argsort(ease)) < round(self.images * share)).astype(np.float64)

    def rows(self, run: str) -> list[dict[str, Any]]:
        """A row an image set, victim and seed; clean images have no source."""
        found = []
        for seed in range(self.seeds):
            for victim in VICTIMS:
                for eps in EPS:
                    row = {"source": "convnet" if eps else None, "dataset": "digits", "victim": victim, "eps": eps}
                    accuracy = float(self.hits(row, seed).mean())
                    row |= {"accuracy": accuracy, "interval": list(wilson_interval(accuracy, self.images))}
                    found.append({"seed": seed, **row} if self.seeds > 1 else row)
        return found

    def places(self, run: str) -> Sequence[Path]:
        """One a seed."""
        return [self.folder / f"{run}-{seed}" for seed in range(self.seeds)]

    def command_lines(self, run: str) -> Sequence[str]:
        """One a seed."""
        return [f"qaml transfer --sources convnet --victims qvc --seed {seed}" for seed in range(self.seeds)]

    def observe(self, measure: Measure) -> Observation | None:
        """The hits of its row; nothing of other strengths."""
        if measure.row["eps"] not in EPS:
            return None
        hits = tuple(self.hits(measure.row, seed) for seed in range(self.seeds))
        return Observation(np.array([each.mean() for each in hits]), hits, tuple(range(self.seeds)))


def findings(folder: Path, seeds: int = 1, items: tuple[str, ...] = ("fig1", "table1", "fig2")) -> PaperFindings:
    """What was found for the paper."""
    return PaperFindings(PAPER, items, "paper", seeds, MadeUp(folder, seeds))
