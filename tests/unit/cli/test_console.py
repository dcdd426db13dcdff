"""What reaches terminals and pages: any encoding takes it, and nothing in a name acts on either."""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from qaml_qiskit import Outcome
from qaml_qiskit.cli.console import TerminalProgress, show
from qaml_qiskit.cli.streams import accept_any_text
from qaml_qiskit.reports import Page, Section

ROWS = [{"model": "modèle ε \x1b[31m", "⟨Z⟩": 0.5, "accuracy": 0.825, "file": "name\udcff"}]
OUTCOME = Outcome("forecast", None, ROWS, {"Δ": ROWS}, ("⟨Z_k⟩ taken as normal \x1b]0;title\x07",))


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, *, as_json: bool) -> str:
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding=encoding, errors="strict"))
    accept_any_text()
    show(OUTCOME, as_json=as_json)
    sys.stdout.flush()
    return buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1", "ascii"])
def test_results_reach_every_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    text = printed(monkeypatch, encoding, as_json=False)
    assert text.count("0.825") == 2
    assert "\x1b" not in text
    assert "⟨Z⟩".encode(encoding, errors="backslashreplace").decode(encoding) in text


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1", "ascii"])
def test_json_means_the_same_in_every_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    assert json.loads(printed(monkeypatch, encoding, as_json=True)) == OUTCOME.document()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_shows_every_figure(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    rows = [{"model": f"a/long/path/to/model{k}"} | {f"figure_{n}": n + k / 8 for n in range(30)} for k in range(9)]
    show(Outcome("frontier", None, rows), as_json=False)
    text = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdout.getvalue())
    assert max(map(len, text.splitlines())) <= width
    assert all(f"{n + k / 8:.3f}" in text for n in range(30) for k in range(9))


def test_progress_takes_any_name(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalProgress(quiet=False).task("attacking \x1b[31mred", 2) as advance:
        advance(1, "\x1b[0m")
    assert capsys.readouterr().err == "attacking red\n"


def test_a_page_shows_names_and_keeps_commands() -> None:
    name = "<b>\x1b[31m  $x$\u202e"
    page = Page(name, name, [Section(name, [name], [{"model": name, "accuracy": 0.5}])], "qaml run 'a  b'", {"a": name})
    html = page.render()
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "<b>" not in html
    assert "qaml run &#39;a  b&#39;" in html


def test_a_row_of_a_page_stands_upright_in_a_narrow_window() -> None:
    rows = [{"model": f"m{k}", **{f"figure_{n}": n + k / 8 for n in range(10)}} for k in range(3)]
    html = Page("", "", [Section("", [], rows)], "").render()
    assert 'class="window-1200"' in html
    assert re.search(r"@media \(max-width: 11\d\dpx\) \{\s*\.qaml \.window-1200 thead \{ display: none; \}", html)
    cells = re.findall(r"<td[^>]*>", html)
    assert len(cells) == 33
    assert all("data-column=" in cell for cell in cells)
    assert "overflow-x" not in html


def test_the_entry_point_makes_the_streams_safe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from qaml_qiskit.cli.main import main

    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(buffer, encoding="ascii", errors="strict"))
    monkeypatch.setattr(sys, "argv", ["qaml", "status", str(tmp_path / "ε\x1b[31m\udcff")])
    with pytest.raises(SystemExit) as leave:
        main()
    assert leave.value.code == 2
    sys.stderr.flush()
    assert b"\\u03b5" in buffer.getvalue()
    assert b"\x1b" not in buffer.getvalue()
