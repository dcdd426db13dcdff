"""The tables, pictures and page of ``qaml audit``."""

from collections.abc import Mapping, Sequence

from qaml_qiskit.artifacts import Row, Run
from qaml_qiskit.attacks import DefenceReport
from qaml_qiskit.deployments.networks import notes_of
from qaml_qiskit.reports import DEFENCE_READING, GAINS_READING, RESCALING_READING, Report, accuracy_bars, curves
from qaml_qiskit.studies import Defence, defence_notes, defence_rows, gain_rows
from qaml_qiskit.workflows.audit.request import AuditRequest

_BARS = "Accuracy under every attacker, with 95 % intervals; under nothing: the clean images."
_CURVE = "Accuracy under attack against the draws whose gradients are averaged in a step; dashed: the exact gradient."


def write_report(run: Run, request: AuditRequest, defence: Defence, reports: Mapping[str, DefenceReport]) -> None:
    """Write everything that a reader looks at, and the metrics, which finish the run.

    Args:
        run: the run.
        request: what was asked for.
        defence: what was audited.
        reports: by attack and strength.
    """
    model, last = defence.defended.name, max(reports.values(), key=lambda each: each.eps)
    rows = defence_rows(model, reports.values())
    gains = [row for report in reports.values() for row in gain_rows(report)]
    same = [row for report in reports.values() for row in _rescaling_rows(report)]
    found, about = defence_notes(reports), _about(defence)
    readings = [DEFENCE_READING, *([GAINS_READING] if gains else []), *([RESCALING_READING] if same else [])]
    report = Report(run, request.command_line(run.config), f"The defence of {model} audited")
    report.table("Accuracy under every attacker", rows, *found, DEFENCE_READING, *about, file="audit.csv")
    picture = _bars(defence_rows(model, [last]), chance=1 / defence.defended.num_classes)
    report.picture("attackers.png", picture, f"{_BARS} ε = {last.eps:g}.")
    if gains:
        report.table("Gains", gains, GAINS_READING, file="gains.csv")
    if any(row["draws"] for row in rows):
        report.picture("draws.png", _curve(rows, defence.defended.num_classes), _CURVE, "Draws")
    if same:
        report.table("Rescaling", same, RESCALING_READING, file="rescaling.csv")
    report.finish(_lead(last), rows, [*found, *readings, *about], gains=gains, rescaling=same)


def _about(defence: Defence) -> list[str]:
    twin = [] if defence.twin is None else [f"The undefended model is {defence.twin.name}."]
    return [*twin, *notes_of(defence.everyone)]


def _lead(report: DefenceReport) -> str:
    """About the largest strength."""
    worst, published = report.worst, report.encounters[report.published].defended
    lead = (
        f"{report.attack} with ε = {report.eps:g}: {published.value:.1%} of {worst.correct.shape[1]} images stay right"
    )
    lead += f" under {report.published.told}, {worst.value:.1%} under the worst attacker."
    return f"{lead} Verdict: {report.verdict}. {report.reason}"


def _rescaling_rows(report: DefenceReport) -> list[Row]:
    found = report.rescaling
    if found is None:
        return []
    return [{"eps": report.eps, **vars(found), "is_mere": found.is_mere, "is_proven": found.is_proven}]


def _bars(rows: Sequence[Row], chance: float) -> bytes:
    names = [f"{row['attacker']}\n{row['draws']}" if row["draws"] else str(row["attacker"]) for row in rows]
    series = {"defended": [(row["accuracy"], *row["interval"]) for row in rows]}
    if rows[0]["undefended_accuracy"] is not None:
        series["undefended"] = [(row["undefended_accuracy"], *row["undefended_interval"]) for row in rows]
    return accuracy_bars(names, series, chance, "attacker, by what it knows")


def _curve(rows: Sequence[Row], classes: int) -> bytes:
    series = {}
    for eps in dict.fromkeys(row["eps"] for row in rows if row["draws"]):
        mine = [row for row in rows if row["eps"] == eps]
        drawn = [row for row in mine if row["draws"]]
        series[f"ε = {eps:g}"] = [(row["draws"], row["accuracy"], *row["interval"]) for row in drawn]
        for exact in (row for row in mine if row["attacker"] == "expectation"):
            told = (exact["accuracy"], *exact["interval"])
            series[f"ε = {eps:g}, the exact gradient"] = [(row["draws"], *told) for row in drawn]
    return curves(series, "noisy gradients averaged in a step, K", {"chance": 1 / classes})
