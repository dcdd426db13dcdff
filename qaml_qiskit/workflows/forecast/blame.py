"""What ``--blame`` adds to a forecast: tables of gates, qubits and classes, and a map of each device."""

from collections.abc import Iterator, Sequence

from qaml_qiskit.artifacts import Row
from qaml_qiskit.execution import Target
from qaml_qiskit.reports import Report, blame_map
from qaml_qiskit.studies import Blame

#: The model's name, the target, and what its gates cost.
Blames = Sequence[tuple[str, Target, Blame]]

#: The name of the table of the gates that cost most.
BLAME_TABLE = "blame"
#: Rows of that table for each model on each target; all are in the files.
_SHOWN = 10
BLAME_NOTES = (
    f"blame: the {_SHOWN} gates that cost most, for each model on each target; blame-gates.csv of the run has all. "
    "lost_margin is the mean margin, in units of ⟨Z⟩ and as read with endless shots, that taking away the error of the "
    "gate would win, to first order; share is its part of what all errors cost. saved are images that would then be "
    "named correctly, harmed those that would no longer be.",
)


def report_blame(report: Report, blames: Blames) -> list[Row]:
    """Add the tables and the maps to a report; return the gates that cost most."""
    gates = list(_rows(blames, "gate"))
    qubits = list(_rows(blames, "qubit"))
    shown = [row for rows in _by_place(gates) for row in rows[:_SHOWN]]
    report.table("Gates that cost most", shown, *BLAME_NOTES)
    report.csv("blame-gates.csv", gates)
    half = "Two-qubit gates count half for each of their qubits; reading stands apart."
    report.table("Qubits", qubits, half, file="blame-qubits.csv")
    report.csv("blame-classes.csv", list(_rows(blames, "class")))
    for number, (model, target, blame) in enumerate(blames):
        picture = blame_map(
            target.isa.build_coupling_map(), blame.qubit_losses(), blame.pair_losses(), f"{model}\non {target.name}"
        )
        file = "blame.png" if len(blames) == 1 else f"blame-{number}.png"
        caption = (
            f"Lost margin of {model} on {target.name}: pairs by their two-qubit gates; qubits by their one-qubit "
            "gates, waiting and reading, without the pairs. Grey: not used."
        )
        report.picture(file, picture, caption, f"Where {model} loses its margin on {target.name}")
    return shown


def _rows(blames: Blames, kind: str) -> Iterator[Row]:
    for model, target, blame in blames:
        rows = {"gate": blame.gate_rows, "qubit": blame.qubit_rows, "class": blame.class_rows}[kind]
        for row in rows():
            yield {"model": model, "target": target.name, **row}


def _by_place(rows: list[Row]) -> list[list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["model"], row["target"]), []).append(row)
    return list(found.values())
