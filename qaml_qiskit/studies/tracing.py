"""What victims think of a few images while an attack on them grows: the probabilities of all labels, by strength.

West et al. (2023), figure 1 e and f.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import ARRAYS, HERE, AdversarialImages, Bar, Pool, Row, Run
from qaml_qiskit.confidence import Temperature
from qaml_qiskit.confidence.probabilities import softmax
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.studies.scoring import Score

#: The set of clean images.
CLEAN = "clean"


@dataclass(frozen=True)
class Traced:
    """What every victim thinks of a few images of every set.

    Attributes:
        rows: the places of the images among those that are scored, R of them.
        labels: their true ones, shape (R,).
        probabilities: by the name of the set and that of the victim, shape (R, m).
        own: victims whose temperature nobody knows; theirs are softmax of the logits as they are.
    """

    rows: tuple[int, ...]
    labels: NDArray[np.int64]
    probabilities: Mapping[tuple[str, str], NDArray[np.float64]]
    own: tuple[str, ...] = ()


def trace_images(
    run: Run,
    rows: Sequence[int],
    labels: NDArray[np.int64],
    sets: Mapping[str, Tensor],
    victims: Sequence[Deployment],
    temperatures: Mapping[str, Temperature | None],
    scored: Mapping[tuple[str, str], Score],
    progress: Progress,
    pool: Pool = HERE,
) -> Traced:
    """Ask every victim about some images of every set, clean and attacked. What is done is kept.

    Args:
        run: keeps it, set by set.
        rows: places of the images in every set.
        labels: true ones of a set, shape (N,).
        sets: shape (N, C, H, W), by names that are names of files.
        victims: who is asked. Devices were when the sets were scored.
        temperatures: by the victims' names; None for softmax of the logits as they are.
        scored: by the name of the set and that of the victim.
        progress: told about every set.
        pool: where it is done.
    """
    places = np.array(rows)
    asked = tuple(victim for victim in victims if victim.kind != "device")
    tasks = {f"traces/{key}": images[places] for key, images in sets.items()} if asked else {}
    bar = Bar(progress, "tracing images", dict.fromkeys(tasks, "probabilities"), dict.fromkeys(tasks, len(asked)))
    found = run.map(tasks, _Tracing(asked, temperatures), ARRAYS, bar=bar, pool=pool)
    probabilities = {
        (key, victim.name): each
        for key in sets
        for victim, each in zip(asked, found[f"traces/{key}"]["probabilities"] if asked else (), strict=True)
    }
    for key, name in ((key, victim.name) for key in sets for victim in victims if victim.kind == "device"):
        prediction = scored[key, name].device
        if prediction is not None:
            probabilities[key, name] = _probabilities(prediction.logits()[places], temperatures[name])
    own = tuple(name for name, temperature in temperatures.items() if temperature is None)
    return Traced(tuple(rows), labels[places], probabilities, own)


@dataclass(frozen=True)
class _Tracing:
    """The work: images to the probabilities that the victims give, shape (victims, R, m)."""

    victims: tuple[Deployment, ...]
    temperatures: Mapping[str, Temperature | None]

    def __call__(self, images: Tensor, advance: Advance) -> Arrays:
        found = []
        for victim in self.victims:
            votes = victim.drawing_rule is not None and victim.drawing_rule.votes
            if votes and victim.own_temperature is None:
                # Shares of votes are probabilities already.
                found.append(victim.predict_proba(images))
            else:
                found.append(_probabilities(victim.logits(images).numpy(), self.temperatures[victim.name]))
            advance(1)
        return {"probabilities": np.stack(found)}


def _probabilities(logits: NDArray[np.floating[Any]], temperature: Temperature | None) -> NDArray[np.float64]:
    return softmax(logits, 1.0) if temperature is None else temperature.probabilities(logits)


def trace_rows(traced: Traced, made: Mapping[str, AdversarialImages], victims: Sequence[str]) -> list[Row]:
    """A row an image, victim, attack, strength and label, clean images as strength 0 of every attack."""
    return [
        {
            "source": source,
            "victim": victim,
            "attack": attack,
            "eps": eps,
            "index": index,
            "true_label": int(traced.labels[place]),
            "label": label,
            "probability": float(value),
        }
        for source, attack, keys in _series(made)
        for victim in victims
        for place, index in enumerate(traced.rows)
        for eps, key in keys
        for label, value in enumerate(traced.probabilities[key, victim][place])
    ]


def critical_rows(traced: Traced, made: Mapping[str, AdversarialImages], victims: Sequence[str]) -> list[Row]:
    """Where the right label stops being the likeliest: a row an image, victim, source and attack.

    ``critical_eps`` is the smallest strength that was made at which another label, ``then``, is the likeliest, 0 where
    that is so of the clean image, None where it never is; ``held_at`` is the strength before it.
    """
    rows: list[Row] = []
    for source, attack, keys in _series(made):
        bounded = [(eps, key) for eps, key in keys if eps is not None]
        for victim in victims:
            for place, index in enumerate(traced.rows):
                likeliest = [int(traced.probabilities[key, victim][place].argmax()) for _, key in bounded]
                lost = [number for number, label in enumerate(likeliest) if label != traced.labels[place]][:1]
                first = lost[0] if lost else None
                before = len(bounded) - 1 if first is None else first - 1
                rows.append(
                    {
                        "source": source,
                        "victim": victim,
                        "attack": attack,
                        "index": index,
                        "true_label": int(traced.labels[place]),
                        "held_at": bounded[before][0] if before >= 0 else None,
                        "critical_eps": None if first is None else bounded[first][0],
                        "then": None if first is None else likeliest[first],
                    }
                )
    return rows


def _series(made: Mapping[str, AdversarialImages]) -> Iterator[tuple[str, str, list[tuple[float | None, str]]]]:
    """Every source and attack with its strengths in order, the clean images first, and the names of their sets."""
    told = {key: each.provenance for key, each in made.items()}
    for source, attack in dict.fromkeys((each.source, each.attack) for each in told.values()):
        mine = [(each.eps, key) for key, each in told.items() if (each.source, each.attack) == (source, attack)]
        bounded = sorted((eps, key) for eps, key in mine if eps is not None)
        yield source, attack, [(0.0, CLEAN), *bounded, *((eps, key) for eps, key in mine if eps is None)]


def trace_notes(traced: Traced, temperatures: Mapping[str, Temperature | None]) -> Iterator[str]:
    """What the probabilities of a trace are, in sentences."""
    known = {name: each for name, each in temperatures.items() if each is not None}
    if known:
        told = ", ".join(f"{Path(name).name} {each.value:.3g}" for name, each in known.items())
        yield f"Traces: probabilities are softmax(logits/T), with T of {told}; shares of votes are what they are."
    if traced.own:
        yield f"Traces: of {', '.join(traced.own)} nobody knows a temperature; theirs are softmax of the logits."
    yield (
        "critical_eps: the smallest strength of this grid at which the right label is not the likeliest any more; "
        "held_at: the one before."
    )
