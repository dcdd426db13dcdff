"""Probabilities of single images along an attack, and where the right label is lost."""

from dataclasses import replace

import numpy as np

from qaml_qiskit.artifacts import AdversarialImages
from qaml_qiskit.studies.tracing import CLEAN, Traced, critical_rows, trace_rows
from tests.unit.studies.test_led_images import made

KEYS = {"weak": 0.1, "strong": 0.3, "endless": None, "middle": 0.2}


def sets() -> dict[str, AdversarialImages]:
    file = made(None)
    return {key: replace(file, provenance=file.provenance.model_copy(update={"eps": eps})) for key, eps in KEYS.items()}


def traced(right: dict[str, list[float]]) -> Traced:
    """Of two classes: how likely the right label of two images is, by set."""
    labels = np.array([0, 1])
    likely = {}
    for key, values in right.items():
        rows = np.array([[value, 1 - value] for value in values])
        rows[1] = rows[1, ::-1]
        likely[key, "v"] = rows
    return Traced((4, 7), labels, likely)


PROBABILITIES = {
    CLEAN: [0.9, 0.4],
    "weak": [0.8, 0.6],
    "middle": [0.3, 0.2],
    "strong": [0.6, 0.1],
    "endless": [0.0, 0.0],
}


def test_rows_go_from_the_clean_image_to_the_strongest() -> None:
    rows = trace_rows(traced(PROBABILITIES), sets(), ["v"])
    assert len(rows) == 2 * 5 * 2
    first = [row for row in rows if row["index"] == 4 and row["label"] == 0]
    assert [(row["eps"], row["probability"]) for row in first] == [
        (0.0, 0.9),
        (0.1, 0.8),
        (0.2, 0.3),
        (0.3, 0.6),
        (None, 0.0),
    ]
    assert {row["true_label"] for row in rows if row["index"] == 7} == {1}
    assert {(row["source"], row["attack"], row["victim"]) for row in rows} == {("m", "pgd", "v")}


def test_the_critical_strength_is_the_first_at_which_another_label_leads() -> None:
    first, second = critical_rows(traced(PROBABILITIES), sets(), ["v"])
    assert (first["held_at"], first["critical_eps"], first["then"]) == (0.1, 0.2, 1)
    # Wrong from the start.
    assert (second["held_at"], second["critical_eps"], second["then"]) == (None, 0.0, 0)


def test_a_label_that_stays_has_no_critical_strength() -> None:
    held = traced({key: [0.9, 0.8] for key in PROBABILITIES})
    assert [(row["held_at"], row["critical_eps"]) for row in critical_rows(held, sets(), ["v"])] == [(0.3, None)] * 2
