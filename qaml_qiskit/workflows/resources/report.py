"""Tables, pictures and the page of a run of ``qaml resources``."""

from collections.abc import Mapping, Sequence

from qaml_qiskit.artifacts import Row, Run
from qaml_qiskit.execution import Target
from qaml_qiskit.execution.costs import gate_error, pair_error
from qaml_qiskit.reports import Report, device_map, gates_against_fidelity, to_markdown
from qaml_qiskit.studies import CountedCircuit
from qaml_qiskit.workflows.resources.published import published_rows
from qaml_qiskit.workflows.resources.request import ResourcesRequest

_MEANING = (
    "Rows without a target are the circuits as built. success: probability that no gate and no measurement fails, by "
    "the target's error rates; idle time and crosstalk are not in it. fidelity: of the state that the encoding "
    "prepares, without noise, with the wanted one."
)
_PARTS = (
    "Encoding and ansatz, each compiled alone with the same recipe. Alone, each finds a layout of its own, and gates "
    "where the two meet cannot be merged, so the parts need not add up to the whole."
)
#: Short headings of the columns that are not about the whole circuit's cost.
_PARTS_SHORT = {
    "enc 2q": "encoding_two_qubit_gates",
    "enc 2q depth": "encoding_two_qubit_depth",
    "ans 2q": "ansatz_two_qubit_gates",
    "ans 2q depth": "ansatz_two_qubit_depth",
    "1q whole": "one_qubit_gates",
    "compile s": "compile_seconds",
    "physical qubits": "physical_qubits",
}
_PUBLISHED = "As published, beside our count of the same circuit before compilation."


def wholes_and_parts(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows as people read them, under short headings: the whole circuits, and their parts."""
    whole = [
        {
            **_head(row),
            "2q": row["two_qubit_gates"],
            "2q depth": row["two_qubit_depth"],
            "depth": row["depth"],
            "µs": None if row["seconds"] is None else round(row["seconds"] * 1e6, 1),
            "success": row["success_probability"],
            "gates survive": row["gate_survival"],
            "readout survives": row["readout_survival"],
            "fidelity": row["fidelity"],
        }
        for row in rows
    ]
    return whole, [{**_head(row), **{name: row[column] for name, column in _PARTS_SHORT.items()}} for row in rows]


def write_report(
    run: Run, request: ResourcesRequest, counted: Sequence[CountedCircuit], targets: Mapping[str, Target]
) -> None:
    """Write resources.csv, resources.md, the pictures and the page, and complete the run."""
    rows, published = [row for row, _ in counted], published_rows()
    whole, parts = wholes_and_parts(rows)
    tables = {"Whole circuits": (_MEANING, whole), "Parts": (_PARTS, parts), "Published": (_PUBLISHED, published)}
    sections = [f"## {title}\n\n{text}\n\n{to_markdown(table)}" for title, (text, table) in tables.items()]
    run.write("resources.md", "\n\n".join(["# Circuit resources", *sections]) + "\n")
    report = Report(run, request.command_line(run.config), "Circuit resources")
    report.csv("resources.csv", rows)
    for title, (text, table) in tables.items():
        report.table(title, table, text)
    if points := _points(rows):
        caption = f"Every compiled circuit; fidelities are means of {request.images} images of {request.dataset}."
        report.picture("gates-fidelity.png", gates_against_fidelity(points), caption, "Gates against fidelity")
    for name, target in targets.items():
        drawn = _map(target, [each for each in counted if each[0]["target"] == name])
        if drawn is not None:
            report.picture(f"layout-{name}.png", *drawn, f"Where on {name}")
    compiled = sum(row["target"] is not None for row in rows)
    report.finish(f"{compiled} compiled circuits.", rows, published=published)


def _head(row: Row) -> Row:
    layers = "" if row["encoding_layers"] is None else f" {row['encoding_layers']}"
    return {
        "encoding": f"{row['encoding']}{layers}",
        "n": row["qubits"],
        "layers": row["layers"],
        # Runs of the versions before are all ladders, and do not say so.
        "ansatz": row.get("ansatz", "ladder"),
        "target": row["target"] or "as built",
        "recipe": row["recipe"],
    }


def _points(rows: Sequence[Row]) -> list[tuple[str, str, float, float]]:
    return [
        (_circuit(row), f"{row['target']}, {row['recipe']}", row["two_qubit_gates"], row["fidelity"])
        for row in rows
        if row["target"] is not None and row["fidelity"] is not None
    ]


def _circuit(row: Row) -> str:
    head = _head(row)
    layers = f"{head['layers']} layers" + ("" if head["ansatz"] == "ladder" else f" of {head['ansatz']}")
    return f"{head['encoding']}, {head['n']} qubits, {layers}"


def _map(target: Target, counted: Sequence[CountedCircuit]) -> tuple[bytes, str] | None:
    """The picture of a target with one of its circuits, and its caption; None without coupling map."""
    coupling = target.isa.build_coupling_map()
    if coupling is None or not counted:
        return None
    row, pairs = max(counted, key=lambda each: _interest(each[0]))
    edges = sorted({(min(pair), max(pair)) for pair in coupling.get_edges()})
    title = f"{target.name}: {_circuit(row)}, recipe {row['recipe']}"
    picture = device_map(
        target.isa.num_qubits,
        {edge: pair_error(target.isa, edge) for edge in edges},
        {qubit: gate_error(target.isa, "measure", (qubit,)) for qubit in range(target.isa.num_qubits)},
        [int(qubit) for qubit in row["physical_qubits"].split()],
        [(low, high) for low, high in pairs],
        title,
    )
    return picture, f"{title}. Of the widest circuits with an encoding it is the most likely to succeed."


def _interest(row: Row) -> tuple[bool, int, float]:
    return row["encoding"] != "none", row["qubits"], row["success_probability"] or 0.0
