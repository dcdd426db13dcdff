"""The cards of others: each checked, and all of them as one table. ``qaml benchmark --verify`` and ``--table``."""

import html
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from qaml_qiskit.campaigns.benchmark.card import Card, read_card
from qaml_qiskit.campaigns.benchmark.protocol import load_protocol
from qaml_qiskit.campaigns.benchmark.report import brief_of, headline
from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.files import write_atomically
from qaml_qiskit.reports import Outcome, format_cell, to_csv, to_markdown

CSV_FILE, MARKDOWN_FILE = "benchmark.csv", "benchmark.md"


def verify_cards(path: Path) -> Outcome:
    """Check a card, or all cards of a folder, against the protocol, its fingerprints and the cards' own arithmetic.

    Args:
        path: a card, or a folder of cards.

    Returns:
        A row a card; ``problem`` is the first that does not fit.

    Raises:
        ConfigurationError: there is no card.
    """
    rows, problem = [], None
    for file in _files(Path(path)):
        try:
            card = read_card(file)
        except QamlError as error:
            rows.append({"card": file.name, "model": None, "verdict": "does not fit", "why": str(error)})
            problem = problem or error
        else:
            rows.append({"card": file.name, "model": card.model.name, "verdict": "fits", "why": ""})
    return Outcome("benchmark", None, rows, problem=problem)


def collect_cards(path: Path) -> Outcome:
    """Make the table of all cards of a folder: ``benchmark.csv`` and ``benchmark.md`` beside them, derived from them.

    Args:
        path: the folder.

    Raises:
        QamlError: there is no card, one does not fit, or two are of the same model; nothing is written then.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ConfigurationError(
            "there is no folder of cards", got=str(folder), expected="a folder", remedy="check the path of --table"
        )
    cards = sorted_cards([read_card(file) for file in _files(folder)])
    rows = [card.row for card in cards]
    write_atomically(folder / CSV_FILE, to_csv(rows))
    write_atomically(folder / MARKDOWN_FILE, markdown_of(cards))
    return Outcome(
        "benchmark", None, rows, notes=(f"Written: {folder / CSV_FILE}, {folder / MARKDOWN_FILE}.",)
    ).briefly(brief_of)


def sorted_cards(cards: Sequence[Card]) -> list[Card]:
    """By version, data set and robust accuracy, best first.

    Raises:
        InputError: two cards of one version are of the same weights, under the same filter, on the same data.
    """
    seen: dict[tuple[int, str, str, str], str] = {}
    for card in cards:
        # What stands behind @ is done to every image before the model reads it: the same weights are another row.
        _, _, rule = card.model.name.partition("@")
        key = (card.protocol.version, card.data.dataset, card.model.weights, rule)
        if key in seen:
            raise InputError(
                "two cards are of the same model",
                got=f"{seen[key]} and {card.model.name} with the weights {card.model.weights}",
                expected="one card a model",
                remedy="keep one of them",
            )
        seen[key] = card.model.name

    def place(card: Card) -> tuple[int, str, float, str]:
        robust = card.figures["robust_accuracy"].value
        return card.protocol.version, card.data.dataset, -float(robust or 0), card.model.name

    return sorted(cards, key=place)


def markdown_of(cards: Sequence[Card]) -> str:
    """The page of a folder of cards: a table a version and data set, its figures with intervals."""
    parts = ["# Benchmark", "", "Made from the cards in this folder by `qaml benchmark --table`; not typed."]
    for (version, dataset), group in groupby(cards, key=lambda card: (card.protocol.version, card.data.dataset)):
        some = list(group)
        arena = load_protocol(version).on(dataset)
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in arena.sizes.items())
        parts += ["", f"## {dataset}, version {version}", "", f"{told}; source {arena.source.model}.", ""]
        parts += [
            to_markdown([_shown(card, row) for card, row in zip(some, headline([c.row for c in some]), strict=True)])
        ]
    return "\n".join([*parts, ""])


def _shown(card: Card, row: dict[str, object]) -> dict[str, object]:
    """A row for people: intervals behind the figures, a mark where the audit was not sound."""
    shown: dict[str, object] = {}
    for name, value in row.items():
        figure = card.figures.get(name)
        text = "–" if value is None else format_cell(value)
        if figure is not None and figure.interval is not None:
            text += " ({} – {})".format(*map(format_cell, figure.interval))
        shown[name] = text
    # A name that somebody sent: a page must not take it for HTML.
    shown["model"] = html.escape(card.model.name, quote=False)
    shown["audit"] = card.figures["audit"].value or "not audited"
    return shown


def _files(path: Path) -> list[Path]:
    found = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not found:
        raise ConfigurationError(
            "there are no cards", got=str(path), expected="files of cards, *.json", remedy="check the path"
        )
    return found
