"""The table, pictures and page of a sweep."""

from collections.abc import Iterator, Sequence

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.reports import Report, curves, format_cell, in_all_rows
from qaml_qiskit.workflows.sweep.request import SweepRequest

Points = list[tuple[float, float, float, float]]

#: Columns that are always printed, whatever is in them.
_FIGURES = ("noise", "strength", "accuracy", "interval", "sampled_accuracy", "slope")
_ENCODING = {
    False: "The encoding is taken as noiseless: the noise acts on the native gates of the layers, and on the readout.",
    True: "The gates that prepare the images are noisy, too.",
}
_ATTACKED = (
    "Attacked images are made with the exact gradient under the noise (white-box, endless shots){}. "
    "The slope is against noiseless averages of the same images."
)
_M3 = (
    "m3 inverts within the bitstrings that were seen. Where the shots are few for the number of classes it leaves a "
    "part of the readout error; readout does not."
)
_ENGINES = {
    "exact": "",
    "aer-density": "",
    "aer-trajectories": " accuracy here is from means over {trajectories:,} random trajectories an image, and its "
    "interval includes their spread. z_error: root mean square of the standard errors of the averages.",
    "aer-sampler": " accuracy here is from shots that were drawn, and its interval includes their spread. z_error: "
    "root mean square of the standard errors of the averages.",
}


def write_report(
    run: Run, request: SweepRequest, rows: list[Row], num_classes: Sequence[int], remarks: Sequence[str]
) -> None:
    """Write ``sweep.csv``, a picture for every model and encoding, the page and the metrics, which finish the run.

    Args:
        run: the run.
        request: the grid.
        rows: all of them, in the order of the grid.
        num_classes: of every model and encoding, in the same order.
        remarks: further notes, such as what was repaired in a device's noise.
    """
    report = Report(run, request.command_line(run.config), f"{', '.join(request.models)} under noise")
    report.csv("sweep.csv", rows)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["encoding"]), []).append(row)
    for number, (((model, encoding), group), classes) in enumerate(zip(groups.items(), num_classes, strict=True), 1):
        heading = "Accuracy against strength" if len(groups) == 1 else f"{model}, {encoding}"
        texts = [_explanation(request)] if number == 1 else []
        report.table(heading, without_constant_columns(group)[0], *texts)
        if (picture := _picture(request, group, 1 / classes)) is not None:
            file = "sweep.png" if len(groups) == 1 else f"sweep-{number}.png"
            report.picture(file, picture, "Bands: 95 % intervals.")
    lead = f"{rows[0]['images']} images. Without noise {rows[0]['accuracy']:.1%}."
    report.finish(lead, rows, [*_notes(request), *remarks])


def without_constant_columns(rows: Sequence[Row]) -> tuple[list[Row], str]:
    """Rows without the columns that say the same in all of them, and what these columns say."""
    same = [name for name in rows[0] if name not in _FIGURES and all(row[name] == rows[0][name] for row in rows)]
    short = [{name: value for name, value in row.items() if name not in same} for row in rows]
    return short, in_all_rows({name: format_cell(rows[0][name], name) for name in same})


def _notes(request: SweepRequest) -> Iterator[str]:
    yield _ENCODING[request.encoding_noise]
    if request.attack:
        blind = ", through an encoding taken as noiseless" if request.encoding_noise else ""
        yield _ATTACKED.format(blind)
    if "readout" in request.mitigation and not request.drawn:
        yield (
            "readout here inverts the readout errors exactly, as a perfect calibration would; sampled_accuracy has the "
            "shots of a calibration, too."
        )
    if "m3" in request.mitigation:
        yield _M3


def _explanation(request: SweepRequest) -> str:
    shots = ", ".join(f"{count:,}" for count in request.shots)
    exact = (
        "accuracy: from exact expectation values, as endless shots would give it, with 95 % Wilson intervals over the "
        f"images. sampled_accuracy: expected with {shots} shots an image."
    )
    return (
        (exact if request.engine in ("exact", "aer-density") else "")
        + _ENGINES[request.engine].format(trajectories=request.trajectories)
        + " slope: of noisy against noiseless averages, how much of the signal is left; the same certainty takes "
        "1/slope² times as many shots."
    ).strip()


def _picture(request: SweepRequest, rows: Sequence[Row], chance: float) -> bytes | None:
    """Curves against the strength; None where no noise has one."""
    series = dict(_series(request, rows))
    if not series:
        return None
    label = "strength a " + " or ".join(request.placement)
    return curves(series, label, {"no noise": rows[0]["accuracy"], "chance": chance})


def _series(request: SweepRequest, rows: Sequence[Row]) -> Iterator[tuple[str, Points]]:
    swept = [row for row in rows if row["strength"]]
    for noise, placement in dict.fromkeys((row["noise"], row["placement"]) for row in swept):
        name = noise if len(request.placement) == 1 else f"{noise} a {placement}"
        mine = [row for row in swept if (row["noise"], row["placement"]) == (noise, placement)]
        kinds = dict.fromkeys((row["attack"], row["eps"], row["mitigation"], row["shots"]) for row in mine)
        for attack, eps, mitigation, shots in kinds:
            chosen = [
                row
                for row in mine
                if (row["attack"], row["eps"], row["mitigation"], row["shots"]) == (attack, eps, mitigation, shots)
            ]
            remarks = [f"{attack} {eps:g}"] * (attack != "none") + [mitigation] * (mitigation != "none")
            drawn = f"{shots:,} shots"
            if request.drawn:
                yield ", ".join([name, *remarks, drawn]), _points(chosen, "accuracy")
                continue
            if shots == request.shots[0]:
                yield ", ".join([name, *remarks]), _points(chosen, "accuracy")
            if attack == "none":
                yield ", ".join([name, *remarks, drawn]), _points(chosen, "sampled_accuracy")


def _points(rows: Sequence[Row], figure: str) -> Points:
    """Only measured and exact accuracies have an interval."""
    ends = [row["interval"] if figure == "accuracy" else [row[figure]] * 2 for row in rows]
    return sorted((row["strength"], row[figure], *end) for row, end in zip(rows, ends, strict=True))
