"""The streams of the process."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from qaml_qiskit.cli.streams import kept_from_stdout


def test_whatever_prints_is_kept_from_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    with kept_from_stdout():
        print("of Python")
        os.write(1, b"of a library\n")
        subprocess.run([sys.executable, "-S", "-c", "print('of another process')"], check=True)
    with suppress(KeyboardInterrupt), kept_from_stdout():
        raise KeyboardInterrupt
    print("the document")
    out, err = capfd.readouterr()
    assert out == "the document\n"
    assert set(err.splitlines()) == {"of Python", "of a library", "of another process"}
