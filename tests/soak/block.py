"""Reads damaged files in a child, one after the other, and says which of them were not read as they should be."""

import json
import shutil
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qaml_qiskit.errors import QamlError
from tests.soak.formats import FORMATS, Format
from tests.soak.mutate import mutate
from tests.soak.samples import in_haste, without_pictures
from tests.soak.seeds import generator

#: CPU seconds for one file: many times what the largest needs.
SECONDS = 20
#: An error is a line, not a page.
LONGEST = 2000
PROGRESS, FAULTS = "progress", "faults.jsonl"


def read_block(name: str, numbers: list[int], log: Path) -> None:
    """Read mutations of the format ``name`` in the working directory; notes the present one, and faults, in ``log``."""
    chosen = FORMATS[name]
    warnings.simplefilter("ignore")
    in_haste()
    without_pictures()
    signal.signal(signal.SIGPROF, _too_long)
    sys.stdout = sys.stderr
    (file,) = sorted(Path().glob(chosen.file))[:1]
    whole = file.read_bytes()
    if chosen.written:
        shutil.copytree(chosen.written, "kept")
    expected = chosen.read()
    problem = unsound(expected)
    assert problem is None, problem
    for number in numbers:
        (log / PROGRESS).write_text(str(number))
        _restore(chosen)
        damage = mutate(whole, chosen.kind, generator(2, list(FORMATS).index(name), number))
        file.write_bytes(damage.content)
        same = chosen.exact == "always" or (chosen.exact == "broken" and not damage.consistent)
        fault = None if damage.content == whole else _fault(chosen, expected if same else None)
        if fault is not None:
            with (log / FAULTS).open("a") as faults:
                faults.write(json.dumps({"number": number, "mutation": damage.told, "fault": fault}) + "\n")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(whole)
    (log / PROGRESS).unlink(missing_ok=True)


def _restore(chosen: Format) -> None:
    if chosen.written:
        shutil.rmtree(chosen.written)
        shutil.copytree("kept", chosen.written)


def _fault(chosen: Format, expected: object) -> str | None:
    """What is wrong with how the file is read; None when it is refused in one line, or its content is sound.

    Args:
        chosen: the format.
        expected: what it must be read as unless it is refused; None for anything sound.
    """
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        found = chosen.read()
    except QamlError as error:
        text = str(error)
        return None if text.isprintable() and len(text) <= LONGEST else f"QamlError: no readable line: {text!r:.300}"
    except BaseException as error:  # whatever it is, it must not be
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "qaml_qiskit" in frame.filename] or frames
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
        return f"{type(error).__name__} at {where}: {' '.join(str(error).split())[:200]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if expected is not None and found is not None and not equal(found, expected):
        return f"reads as another result: {str(found)[:300]}"
    try:
        return unsound(found)
    except RecursionError:
        return "reads as values within values without end"


def unsound(value: Any) -> str | None:
    """The first number that is not finite in nested containers, arrays or tensors."""
    match value:
        case torch.Tensor():
            return unsound(value.numpy())
        case np.ndarray():
            return None if value.dtype.kind not in "fc" or np.isfinite(value).all() else "reads as NaN or infinity"
        case float():
            return None if np.isfinite(value) else f"reads as {value}"
        case dict():
            return unsound(list(value.values()))
        case list() | tuple():
            return next(filter(None, map(unsound, value)), None)
        case _:
            return None


def equal(first: Any, second: Any) -> bool:
    """Whether two results of reading are the same."""
    if isinstance(first, (np.ndarray, torch.Tensor)):
        return np.array_equal(np.asarray(first), np.asarray(second))
    return bool(first == second)


def _too_long(number: int, frame: object) -> None:
    raise TimeoutError(f"more than {SECONDS} CPU seconds")
