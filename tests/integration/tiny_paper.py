"""A paper of two figures and a table, whose models train in a moment."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from qaml_qiskit.progress import Silent

PLAN: dict[str, Any] = {
    "models": {
        "pattern": {
            "only_pattern": True,
            "train": {"dataset": "digits", "classes": [0, 1, 2], "train_images": 40, "epochs": 2, "batch_size": 20},
            "quick": {"epochs": 1},
        },
        "net": {"like": ["pattern"], "train": {"model": "fnn"}},
        "qvc": {"like": ["pattern"], "train": {"layers": 1}, "seeded": True},
    },
    "runs": {
        "pattern": {"command": "transfer", "fields": {"attacks": ["fgsm"], "eps": [0.1, 0.2], "images": 40}},
        "moved": {
            "command": "transfer",
            "like": ["pattern"],
            "fields": {"sources": ["net"], "victims": ["net", "qvc"]},
            "quick": {"images": 12, "eps": [0.1]},
        },
        "made": {"command": "attack", "fields": {"model": "net", "attack": ["fgsm"], "eps": [0.1], "images": 12}},
        "shown": {
            "command": "transfer",
            "fields": {"victims": ["net"], "adversarial": [{"run": "made", "file": "adversarial/fgsm-eps0.1.npz"}]},
        },
    },
    "items": {
        "fig1": {"runs": ["moved"], "models": ["net"], "pictures": [{"runs": ["moved"]}]},
        "fig2": {"runs": ["made", "shown"]},
        "table1": {"not_run": "the images are not free", "runs": ["shown"]},
    },
}
NET = {"source": "net", "victim": "net", "eps": 0.1}
CLAIMS: dict[str, Any] = {
    "paper": "A. Nobody, A tiny paper",
    "open": {"seeds": {"left_open": "seeds", "choice": "from 0 on"}},
    "items": {
        "fig1": {"place": "figure 1", "told": "FGSM moves", "images": 12},
        "fig2": {"place": "figure 2", "told": "and so do its files"},
        "table1": {"place": "table 1", "told": "something else"},
    },
    "claims": [
        {
            "id": "falls",
            "item": "fig1",
            "told": "The network is worse under attack",
            "open": ["seeds"],
            "expect": {
                "kind": "larger",
                "first": {"run": "moved", "row": {"source": None, "victim": "net"}},
                "second": {"run": "moved", "row": NET},
            },
        },
        {
            "id": "stronger",
            "item": "fig1",
            "told": "The stronger the attack, the fewer are right",
            "expect": {"kind": "at most", "value": 0.9, "first": {"run": "moved", "row": {**NET, "eps": 0.2}}},
        },
        {
            "id": "learns",
            "item": "fig1",
            "told": "The network learns",
            "published": {"value": 0.9, "images": 100},
            "expect": {"kind": "at least", "value": 0.5, "first": {"model": "net"}},
        },
        {
            "id": "elsewhere",
            "item": "table1",
            "told": "It holds there, too",
            "expect": {"kind": "at least", "value": 0.5, "first": {"run": "shown", "row": {"attack": "fgsm"}}},
        },
    ],
}


class Told(Silent):
    """Remembers what was said, and may be interrupted at the n-th word that a step begins."""

    def __init__(self, interrupted_at: int | None = None) -> None:
        self.said: list[str] = []
        self._at = interrupted_at

    @property
    def begun(self) -> list[str]:
        """Steps that were run."""
        return [text for text in self.said if "(qaml " in text]

    def say(self, message: str) -> None:
        """Remember."""
        self.said.append(message)
        if self._at is not None and len(self.begun) == self._at:
            raise KeyboardInterrupt


def changed(part: dict[str, Any], *path: str | int, to: Any) -> dict[str, Any]:
    """A copy of a plan or of claims, with one value changed."""
    whole = copy.deepcopy(part)
    place: Any = whole
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return whole


def write_paper(folder: Path, plan: Mapping[str, Any] = PLAN, claims: Mapping[str, Any] = CLAIMS) -> Path:
    """The folder of a paper."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("plan", plan), ("claims", claims)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(dict(content)))
    return folder
