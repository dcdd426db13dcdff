"""Pictures of one model, of one strength, and of names of any kind: nothing is lost, nothing lies on anything else."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from qaml_qiskit import reports
from qaml_qiskit.confidence import Probabilities, Temperature
from qaml_qiskit.reports import (
    attack_figures,
    calibration_figures,
    confidence,
    detection_figures,
    device_figures,
    drawing,
    figures,
)

#: Mathematics that is none, control characters, and a name that legends would leave out.
NAMES = ("_$\\frac{\\$ \x1b[31mred", "=" * 90)


def attacked(attack: str, eps: float | None) -> dict[str, Any]:
    return {
        "attack": attack,
        "norm": "linf",
        "eps": eps,
        "clean_accuracy": 0.9,
        "robust_accuracy": 0.5,
        "interval": [0.4, 0.6],
        "verdict": None,
    }


def carried(source: str | None, victim: str, eps: float | None) -> dict[str, Any]:
    row = {"source": source, "victim": victim, "victim_kind": "exact", "attack": "pgd", "eps": eps, "verdict": None}
    return {**row, "accuracy": 0.7, "interval": [0.6, 0.8]}


def forecast(model: str, target: str, shots: int | None, gates: int = 143) -> dict[str, Any]:
    row = {"model": model, "target": target, "two_qubit_gates": gates, "eps": 0.0, "mitigation": "none", "shots": shots}
    return {**row, "accuracy": 0.7, "ideal_accuracy": 0.9}


def frontier(model: str, gates: int) -> dict[str, Any]:
    figures = dict.fromkeys(("fidelity", "clean_accuracy", "robust_accuracy", "device_accuracy"), 0.5)
    return {"model": model, "two_qubit_gates": gates, **figures}


def watched(source: str, eps: float | None) -> dict[str, Any]:
    rates = {f"{kind}_positive_rate": 0.4 for kind in ("false", "true")}
    rates |= {f"{kind}_positive_interval": [0.3, 0.5] for kind in ("false", "true")}
    return {"detector": source, "source": source, "attack": "pgd", "eps": eps, "false_alarms": 0.05, **rates}


SCORES = {"clean": np.array([0.0, 0.1]), "odd": np.array([0.1, np.inf])}
BIN = {"bin": 3, "images": 5, "confidence": 0.7, "accuracy": 0.8, "interval": [0.4, 0.9]}


def covered(score: str, radius: float) -> dict[str, Any]:
    row = {"alpha": 0.1, "score": score, "radius": radius, "mean_size": 1.2}
    return {**row, "attacked_coverage": 0.9, "attacked_interval": [0.8, 0.95]}


def traced(name: str, eps: float | None, label: int) -> dict[str, Any]:
    row = {"source": name, "victim": name, "attack": "pgd", "index": 3, "eps": eps}
    return {**row, "true_label": 1, "label": label, "probability": 0.5}


POINT = reports.Point(1, 0.5, 0.4, 0.6)
EPOCH = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "validation_loss": 1.1, "validation_accuracy": 0.4}
SURE = Probabilities.of_logits(np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 9.0]]), Temperature(value=1, images=1))
DRAWN: dict[str, Callable[[str], bytes]] = {
    "bars": lambda name: reports.accuracy_bars([name], {name: [(0.825, 0.7, 0.9)]}, 0.1),
    "curves": lambda name: reports.curves({name: [(0.01, 0.9, 0.8, 1.0)]}, "strength", {"chance": 0.1}),
    "beside": lambda name: reports.curves({name: [(1, 0.9, 0.8, 1.0)]}, "x", {"honest": 0.9}, side_by_side=True),
    "paper": lambda name: reports.paper_lines(
        {name: {name: [POINT]}, "b": {"other": [POINT]}}, {name: {name: [POINT]}}, "x", "y"
    ),
    "papers": lambda name: reports.paper_bars({name: {name: [POINT]}}, {name: {name: [POINT]}}, "x", "accuracy"),
    "learning": lambda name: reports.learning_curves({name: [EPOCH]}),
    "images": lambda name: reports.image_grid({name: np.zeros((1, 1, 2, 2)), f"Δ {name}": np.zeros((1, 1, 2, 2))}, {}),
    "attack": lambda name: reports.attack_curves([attacked(name, 0.1), attacked("other", 0.1)], 0.1),
    "transfer": lambda name: reports.transfer_curves([carried(None, name, 0.0), carried(name, name, 0.1)], 0.1),
    "reliability": lambda name: reports.reliability_diagram({name: {name: [BIN]}, "other": {"raw": [BIN, BIN]}}),
    "uncertainty": lambda name: reports.uncertainty_bars({name: {"right": (0.1, 0.2, 0.0), "wrong": None}}),
    "forecast": lambda name: reports.forecast_curves([forecast(name, name, None), forecast(name, name, 10)]),
    "frontier": lambda name: reports.frontier_figure([frontier(name, 143)]),
    "curves of detectors": lambda name: reports.roc_curves({name: {**SCORES, name: SCORES["odd"]}}),
    "scores of detectors": lambda name: reports.score_histograms({name: {**SCORES, name: -SCORES["odd"]}}, {name: [0]}),
    "strengths of detectors": lambda name: reports.detection_strengths([watched(name, 0.1), watched(name, 0.2)]),
    "conformal": lambda name: reports.conformal_curves([covered(name, 0.0), covered(name, 0.1)]),
    "gates": lambda name: reports.gates_against_fidelity([(name, name, 10, 0.9)]),
    "confidence": lambda name: reports.confidence_histograms({name: SURE}, np.array([0, 0, 1])),
    "policies": lambda name: reports.policy_figure(
        {name: (np.array([0.5, 1]), np.array([0, 0.5]))}, [(10, 0.5, 0.4, 0.6)], {name: (1.0, 0.5, 10)}
    ),
    "monitor": lambda name: reports.monitored_sums({name: np.array([0.0, 2.0])}, {name: 1.5}, 1),
    "trace": lambda name: reports.trace_curves(
        [traced(name, eps, label) for eps in (0.0, 0.1, None) for label in (0, 1)],
        [{**traced(name, 0.1, 0), "critical_eps": 0.1}],
        [name, "other"],
    ),
    "blame": lambda name: reports.blame_map([(0, 1), (1, 0), (1, 2)], {0: -0.1, 1: 0.2}, {(0, 1): 0.0}, name),
    "states": lambda name: reports.state_planes([(name, np.eye(3)[:, :2], np.arange(3), np.arange(3) > 0)] * 5),
    "map": lambda name: reports.device_map(2, {(0, 1): 0.01}, {0: 0.01, 1: 0.02}, [0, 1], [(0, 1)], name),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("picture", list(DRAWN))
def test_any_name_can_be_drawn(picture: str, name: str) -> None:
    assert DRAWN[picture](name).startswith(b"\x89PNG")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures of the pictures that are made."""
    made: list[Figure] = []
    for module in (attack_figures, calibration_figures, confidence, detection_figures, device_figures, figures):
        monkeypatch.setattr(module, "png", lambda figure: made.append(figure) or drawing.png(figure))
    return made


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def test_no_two_of_many_detectors_look_alike(drawn: list[Figure]) -> None:
    reports.roc_curves({f"detector {number}": SCORES for number in range(14)})
    lines = [line for line in drawn[0].axes[0].get_lines() if str(line.get_label()).startswith("detector")]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 14


def test_a_picture_rounds_as_the_table_does(drawn: list[Figure]) -> None:
    DRAWN["bars"]("raw")
    assert reports.format_cell(0.825, "accuracy") == "0.825"
    assert "0.825" in texts(drawn[0])


def test_the_validation_images_that_chose_the_epoch_are_drawn(drawn: list[Figure]) -> None:
    reports.learning_curves({"qvc": [{**EPOCH, "robust_loss": 2.0, "robust_accuracy": 0.2}]})
    dotted = [line for axes in drawn[0].axes for line in axes.lines if line.get_linestyle() == ":"]
    assert [float(line.get_ydata()[0]) for line in dotted] == [2.0, 0.2]
    assert "qvc, validation, robust" in texts(drawn[0])


def test_a_name_is_drawn_as_it_is(drawn: list[Figure]) -> None:
    DRAWN["forecast"]("my $x$ model")
    assert "my $x$ model, endless shots" in texts(drawn[0])
    found = [text for text in drawn[0].findobj(Text) if isinstance(text, Text) and "my $x$" in text.get_text()]
    assert found
    assert not any(text.get_parse_math() for text in found)


def test_every_victim_is_in_the_legend(drawn: list[Figure]) -> None:
    rows = [carried(None, name, 0.0) for name in ("_hidden", "seen")]
    reports.transfer_curves([*rows, *(carried("seen", name, 0.1) for name in ("_hidden", "seen"))], 0.1)
    assert {text.strip() for text in texts(drawn[0])} >= {"_hidden (exact)", "seen (exact)"}


def test_an_attack_without_a_bound_is_drawn(drawn: list[Figure]) -> None:
    reports.transfer_curves([carried(None, "a", 0.0), carried("a", "a", None)], 0.1)
    assert "no bound" in texts(drawn[0])


def test_one_model_has_its_points_beside_each_other(drawn: list[Figure]) -> None:
    shots = (None, *range(100, 900, 100))
    reports.forecast_curves([forecast("a", f"t{k}", count) for k in range(9) for count in shots])
    lines = [line for line in drawn[0].axes[0].lines if "shots" in str(line.get_label())]
    assert len(lines) == 9 * len(shots)
    assert len({float(line.get_xdata()[0]) for line in lines}) == len(lines)


def test_attacks_of_one_strength_stand_beside_each_other(drawn: list[Figure]) -> None:
    reports.attack_curves([attacked(name, 0.1) for name in ("fgsm", "pgd", "bim")], 0.1)
    ends = {float(container.lines[0].get_xdata()[-1]) for container in drawn[0].axes[0].containers}
    assert len(ends) == 3


def test_names_above_a_frontier_do_not_lie_on_each_other(drawn: list[Figure]) -> None:
    reports.frontier_figure([frontier(f"model{k}", gates) for k, gates in enumerate((143, 143, 144, 150, 2000))])
    names = sorted(text.get_position()[0] for text in drawn[0].axes[0].texts)
    assert min(np.diff(names)) >= device_figures.NAMES_APART * (1 - 1e-9)


def test_names_of_levels_do_not_lie_on_each_other(drawn: list[Figure]) -> None:
    levels = {"no noise": 0.17, "chance": 0.16, "honest": 0.9}
    reports.curves({"a": [(0.01, 0.9, 0.8, 1.0)]}, "strength", levels)
    named = {text.get_text(): text.get_position()[1] for text in drawn[0].axes[0].texts}
    assert named == {"no noise\nchance": 0.16, "honest": 0.9}


def test_long_names_keep_both_ends() -> None:
    short = drawing.label("runs/" + "x" * 60 + "/qvc200")
    assert len(short) <= drawing.LONGEST_NAME
    assert short.startswith("runs/")
    assert short.endswith("/qvc200")


def test_right_and_wrong_images_are_all_drawn(drawn: list[Figure]) -> None:
    DRAWN["confidence"]("mitigated")
    assert {"wrong", "right", "mitigated"} <= set(texts(drawn[0]))
    heights = [patch.get_height() for patch in drawn[0].axes[0].patches]
    assert sum(heights) == 3


def test_a_series_of_reliability_looks_the_same_in_every_panel(drawn: list[Figure]) -> None:
    panels = {"ideal": ("raw", "platt"), "device": ("trained", "platt")}
    reports.reliability_diagram({title: {name: [BIN] for name in names} for title, names in panels.items()})
    dots = [[each for each in axes.collections if len(each.get_facecolor())] for axes in drawn[0].axes]
    ideal, device = ({each.get_label(): tuple(each.get_facecolor()[0]) for each in panel} for panel in dots if panel)
    assert ideal["platt"] == device["platt"] != device["trained"]
    assert ideal["raw"] not in device.values()
