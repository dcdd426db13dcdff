"""Whole commands on models whose names try everything, and what their progress calls what they do."""

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qaml_qiskit import ForecastRequest, TrainRequest, forecast, train
from qaml_qiskit.artifacts.adversarial import read_adversarial
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.progress import Advance
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
#: A formula, mathematics that is none, an escape sequence, and a byte that is no UTF-8.
NAME = os.fsdecode(b"=1+1 $\\frac{\\$ \x1b[31m\xff")
COMMANDS = {
    "attack": ("--attack", "fgsm", "--images", "3"),
    "forecast": ("--images", "2", "--shots", "10"),
    "frontier": ("--images", "2", "--steps", "1"),
    "states": ("--images", "3", "--attack", "fgsm"),
    "sweep": ("--images", "2", "--strengths", "0.01"),
    "tamper": ("--images", "2", "--part", "gates", "--strengths", "0.01"),
}


@pytest.fixture
def named(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model in the working folder, whose name is what a table shows."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, NAME)
    return NAME


@pytest.mark.parametrize("command", list(COMMANDS))
def test_any_name_serves(qaml: Qaml, named: str, command: str) -> None:
    out = os.fsdecode(b"out\xff")
    for _ in range(2):  # the second time from what the run stored
        finished = qaml(command, named, *COMMANDS[command], "--out", out)
        assert finished.code == 0, finished.err
        assert "\x1b" not in finished.out + finished.err
    page = (Path(out) / "report.html").read_text(encoding="utf-8")
    assert "\x1b" not in page


def test_tables_and_images_keep_the_name(qaml: Qaml, named: str) -> None:
    assert qaml("attack", named, *COMMANDS["attack"], "--out", "out").code == 0
    with Path("out/attack.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["model"].startswith("'=1+1")
    made = read_adversarial(Path("out/adversarial/fgsm-eps0.1.npz"))
    assert made.provenance.model == named
    assert qaml("attack", named, "--attack", "fgsm", "--images", made_file(), "--out", "again").code == 0


def made_file() -> Path:
    return Path("out/adversarial/fgsm-eps0.1.npz")


def test_the_printed_command_names_the_bytes() -> None:
    from qaml_qiskit import AttackRequest

    line = AttackRequest(model=os.fsdecode(b"m'\xff"), attack=("pgd",)).command_line()
    assert "$'m\\x27\\xff'" in line
    assert "'a  b'" in AttackRequest(model="a  b", attack=("pgd",)).command_line()


class Heard:
    """Progress that is written down."""

    def __init__(self) -> None:
        self.tasks: dict[str, int] = {}
        self.done: dict[str, int] = {}
        self.notes: set[str] = set()

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Advance]:
        self.tasks[description] = total
        self.done[description] = done

        def advance(steps: int, note: str = "") -> None:
            self.done[description] += steps
            self.notes.add(note)

        yield advance

    def say(self, message: str) -> None:
        self.tasks[message] = self.done[message] = 0


def test_training_tells_of_every_image_that_it_encodes(tmp_path: Path) -> None:
    heard = Heard()
    request = TrainRequest(
        classes=(0, 1), layers=1, epochs=1, encoding="approximate", encoding_layers=1, train_images=20
    )
    train(request, out=tmp_path / "run", progress=heard)
    assert heard.tasks["encoding test images"] == len(load_dataset("digits", classes=(0, 1)).test)
    assert {"encoding training images", "encoding validation images", "training qvc"} <= heard.tasks.keys()
    assert heard.done == heard.tasks
    assert not (tmp_path / "run" / "encoded").exists()


def test_forecasts_name_the_model_and_the_images(trained: Path, tmp_path: Path) -> None:
    heard = Heard()
    request = ForecastRequest(models=(str(trained),), images="2", shots=(10,), eps=(0.05,), steps=2)
    forecast(request, out=tmp_path / "run", progress=heard)
    assert heard.done == heard.tasks
    # Attacked in two steps, looked at once before and once after; predicted clean and attacked.
    assert heard.tasks == {"attacking images": 2 * 4, "predicting images": 2 * 2}
    name = trained.name
    assert heard.notes >= {
        f"{name}@fake-torino, ε = 0.05: computing what the layers measure",
        f"{name}@fake-torino, ε = 0.05: attacking, 8 of 8",
        f"{name}, clean images, on fake-torino",
        f"{name}, attacked with ε = 0.05, on fake-torino",
    }
