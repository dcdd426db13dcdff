"""The tables, pictures and page of ``qaml benchmark``."""

from collections.abc import Sequence

from qaml_qiskit.artifacts import Row, Run
from qaml_qiskit.campaigns.benchmark.card import Card
from qaml_qiskit.campaigns.benchmark.protocol import Protocol
from qaml_qiskit.campaigns.benchmark.request import BenchmarkRequest
from qaml_qiskit.reports import Brief, Outcome, Report, Section, accuracy_bars
from qaml_qiskit.text import slug

#: Figures that a picture shows, each as a bar.
_SHOWN = {
    "clean_accuracy": "clean",
    "robust_accuracy": "AutoAttack",
    "transfer_accuracy": "transfer",
    "certified_accuracy": "certified",
    "noisy_accuracy_medium": "noise",
    "device_accuracy": "device",
}
#: What the promised columns of a row are, in the order of a short table.
HEADLINE = (
    "model",
    "clean_accuracy",
    "robust_accuracy",
    "transfer_accuracy",
    "certified_accuracy",
    "ece",
    "device_accuracy",
    "two_qubit_gates",
)
_NOT_SOUND = (
    "{model}: the audit calls the attack {verdict}, so that robust_accuracy is an upper bound; `qaml attack --audit` "
    "shows which check failed."
)
_NOT_AUDITED = "{model}: the attack could not be audited, so that robust_accuracy is an upper bound."
_BARS = "Shares of the images that stay right; bars: 95 % intervals. A gap: not defined for the model."


def headline(rows: Sequence[Row]) -> list[Row]:
    """The columns that people compare, without intervals."""
    with_data = len({row["dataset"] for row in rows}) > 1
    names = (*HEADLINE[:1], *(["dataset"] if with_data else []), *HEADLINE[1:])
    return [{name: row[name] for name in names} for row in rows]


def brief_of(outcome: Outcome) -> Brief:
    """What people are shown of a benchmark: the headline; everything is in the cards."""
    return Brief(headline(outcome.results), {}, outcome.notes)


def figure_rows(protocol: Protocol, cards: Sequence[Card]) -> list[Row]:
    """A row a figure, a model: what it is, its interval, how many images, and why there is none."""
    return [
        {
            "model": card.model.name,
            "figure": name,
            "value": figure.value,
            "interval": None if figure.interval is None else list(figure.interval),
            "images": figure.images,
            "reason": figure.reason,
        }
        for card in cards
        for name, figure in ((name, card.figures[name]) for name in protocol.figures)
    ]


def notes_of_cards(protocol: Protocol, cards: Sequence[Card]) -> list[str]:
    """What a reader of the rows should know."""
    told = [f"Version {protocol.version} of the benchmark. " + " ".join(protocol.why.split())]
    told += [f"{name}: {' '.join(plan.told.split())}." for name, plan in protocol.figures.items() if name in HEADLINE]
    for dataset in dict.fromkeys(card.data.dataset for card in cards):
        arena = protocol.on(dataset)
        sizes = ", ".join(f"{name} {value}" for name, value in arena.sizes.items())
        told.append(f"{dataset}: {sizes}; source {arena.source.model}. {' '.join(arena.why.split())}".strip())
    for card in cards:
        verdict = card.figures["audit"].value
        if verdict in (None, "not audited"):
            told.append(_NOT_AUDITED.format(model=card.model.name))
        elif verdict != "sound":
            told.append(_NOT_SOUND.format(model=card.model.name, verdict=verdict))
        reasons: dict[str, list[str]] = {}
        for name, figure in card.figures.items():
            if figure.reason:
                reasons.setdefault(figure.reason, []).append(name)
        told += [f"{card.model.name} has no {', '.join(names)}: {reason}." for reason, names in reasons.items()]
    return told


def picture(cards: Sequence[Card]) -> bytes:
    """The shares of every model, side by side."""
    series = {}
    for name, title in _SHOWN.items():
        bars = []
        for card in cards:
            figure = card.figures[name]
            value = float("nan") if figure.value is None else float(figure.value)
            low, high = figure.interval or (value, value)
            bars.append((value, low, high))
        series[title] = bars
    return accuracy_bars([card.model.name for card in cards], series, chance=None)


def write_report(run: Run, request: BenchmarkRequest, protocol: Protocol, cards: Sequence[Card]) -> None:
    """Write everything that a reader looks at, and the metrics, which finish the run.

    Args:
        run: the run.
        request: what was asked for.
        protocol: what the models went through.
        cards: of the models.
    """
    rows, notes = [card.row for card in cards], notes_of_cards(protocol, cards)
    report = Report(run, request.command_line(run.config), f"Benchmark, version {protocol.version}")
    report.table("Models", headline(rows))
    report.csv("benchmark.csv", rows)
    report.picture("benchmark.png", picture(cards), _BARS)
    addresses = {card.model.name: f"cards/{slug(card.model.name)}.json" for card in cards}
    report.section(Section("", ("All columns, and the cards:",), links={"benchmark.csv": "benchmark.csv"} | addresses))
    report.section(Section("What the columns say", tuple(notes)))
    report.table("All figures", figure_rows(protocol, cards), file="figures.csv")
    commands = [
        {"model": card.model.name, "step": step, "command": line}
        for card in cards
        for step, line in card.commands.items()
    ]
    report.table("What makes each figure", commands)
    clean, robust = (cards[0].figures[name].value for name in ("clean_accuracy", "robust_accuracy"))
    models = "1 model" if len(cards) == 1 else f"{len(cards)} models"
    lead = f"{models}. {cards[0].model.name}: {clean:.1%} right, {robust:.1%} under AutoAttack."
    report.finish(lead, rows, notes)
