"""What nobody foresaw ends in one line, an exit code that is not 1, and a file for those who can mend it."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from qaml_qiskit.cli import app as cli
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
TOKEN = "a-token-that-nobody-may-read-0123456789"


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[BaseException], None]:
    """Makes every command end in an exception."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def arrange(error: BaseException) -> None:
        def raise_it(*arguments: object, **options: object) -> int:
            raise error

        monkeypatch.setattr(cli.app, "__call__", raise_it, raising=False)
        monkeypatch.setattr(typer.Typer, "__call__", raise_it)

    return arrange


def story(finished: Finished) -> Path:
    return Path(finished.err.split("traceback is in ")[1].split(". Please")[0])


@pytest.mark.parametrize("error", [TypeError("no such thing"), RecursionError(), MemoryError(), EOFError("no data")])
def test_unforeseen(qaml: Qaml, fails: Callable[[BaseException], None], error: BaseException) -> None:
    fails(error)
    finished = qaml("data", "list")
    assert finished.code == 70
    assert finished.err.count("\n") == 1
    assert finished.err.startswith(f"Error: something went wrong that nobody foresaw: got {type(error).__name__}")
    file = story(finished)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert "command: qaml data list" in text
    assert "  File " in text
    assert "in raise_it" in text
    assert type(error).__name__ in text


def test_the_story_holds_no_credentials(
    qaml: Qaml, fails: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", TOKEN)
    fails(ValueError(f"refused: {TOKEN} \x1b[31mred"))
    finished = qaml("data", "list")
    assert finished.code == 70
    for text in (finished.err, story(finished).read_text()):
        assert TOKEN not in text
        assert "refused: " in text
    assert "\x1b" not in finished.err


def test_a_credential_with_an_escape_sequence_inside_is_hidden_too(
    qaml: Qaml, fails: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", TOKEN)
    fails(ValueError(f"refused: {TOKEN[:20]}\x1b[31m{TOKEN[20:]}"))
    finished = qaml("data", "list")
    for text in (finished.err, story(finished).read_text()):
        assert TOKEN[20:] not in text
        assert "refused: " in text
        assert "\x1b" not in text


def test_no_folder_for_the_story(
    qaml: Qaml, fails: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    fails(ValueError("no such thing"))
    finished = qaml("data", "list")
    assert finished.code == 70
    assert "the traceback could not be kept" in finished.err
    assert finished.err.count("\n") == 1


def test_an_empty_file_is_not_taken_for_ctrl_c(qaml: Qaml, fails: Callable[[BaseException], None]) -> None:
    """Typer turns EOFError into Abort."""
    abort = typer.Abort()
    abort.__cause__ = EOFError("No data left in file")
    fails(abort)
    finished = qaml("data", "list")
    assert finished.code == 70
    assert "interrupted" not in finished.err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort(), typer.Exit(130)])
def test_ctrl_c(qaml: Qaml, fails: Callable[[BaseException], None], error: BaseException) -> None:
    fails(error)
    finished = qaml("data", "list")
    assert finished.code == 130
    assert "interrupted" in finished.err


def test_no_room_for_the_output(qaml: Qaml, fails: Callable[[BaseException], None]) -> None:
    fails(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    finished = qaml("data", "list")
    assert finished.code == 6
    assert finished.err.startswith("Error: no room to write")


def test_a_name_too_long_for_a_file(qaml: Qaml) -> None:
    finished = qaml("collect", "x" * 5000)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith("Error: a name is too long: got xxx")
    assert len(finished.err) < 300


def test_a_reader_that_left_is_no_failure(qaml: Qaml, fails: Callable[[BaseException], None]) -> None:
    leave = SystemExit(1)
    leave.__context__ = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    fails(leave)
    assert qaml("data", "list").code == 0


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize("error", [MemoryError(), UnspeakableError(), ValueError("x" * 100_000)])
def test_whatever_it_says_is_one_short_line(
    qaml: Qaml, fails: Callable[[BaseException], None], error: BaseException
) -> None:
    fails(error)
    finished = qaml("data", "list")
    assert finished.code == 70
    assert finished.err.count("\n") == 1
    assert len(finished.err) < 1000
    assert ":;" not in finished.err
    assert "in raise_it" in story(finished).read_text()


@pytest.mark.parametrize(
    ("words", "streams", "code"),
    [
        ("data list", ">&-", 0),
        ("data list --json", ">&-", 0),
        ("data list", "<&- >&- 2>&-", 0),
        ("nonsense", "2>&-", 2),
        ("nonsense", "2>/dev/full", 2),
        ("data list", ">/dev/full 2>/dev/full", 6),
    ],
)
def test_closed_or_full_streams(words: str, streams: str, code: int, tmp_path: Path) -> None:
    program = 'exec "$0" -c "from qaml_qiskit.cli.main import main; main()"'
    command = ["sh", "-c", f"{program} {words} {streams}", sys.executable]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    assert subprocess.run(command, env=environment, timeout=60, check=False).returncode == code
    assert not list(tmp_path.glob("qaml-error-*"))
