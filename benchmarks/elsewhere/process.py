"""Both ends of the pipe: a step that another environment's Python computes, on the same CPU, while we wait.

What it costs is the other process's CPU time within its steps, so that it takes turns like everybody; carrying an image
there and a gradient back is not counted.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from benchmarks.problem import Answer, Array, Labels, Problem, Step

_ROOT = Path(__file__).parents[2]


class ElsewhereError(Exception):
    """The other process ended; the message is its last line."""


class Elsewhere:
    """A step in another process.

    Args:
        python: the environment's interpreter.
        module: what it runs; it calls :func:`serve`.
        problem: the problem.
        weights: shape (3·n·L,).
    """

    def __init__(self, python: Path, module: str, problem: Problem, weights: Array) -> None:
        # It lives as long as the process.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [str(python), "-m", module],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._ask((problem, weights))

    def __call__(self, images: Array, labels: Labels) -> Answer:
        """The other process's answer."""
        return Answer(*self._ask((images, labels)))

    def cpu(self) -> float:
        """CPU seconds of all steps so far."""
        return float(self._ask(None))

    def __del__(self) -> None:
        """Without anybody to ask, it ends."""
        self._process.terminate()
        self._process.communicate()
        self._errors.close()

    def _ask(self, question: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump(question, self._process.stdin)
            self._process.stdin.flush()
            return pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError) as error:
            self._process.wait()
            self._errors.seek(0)
            lines = self._errors.read().decode(errors="replace").strip().splitlines()
            raise ElsewhereError(lines[-1] if lines else "it said nothing") from error


def serve(build: Callable[[Problem, Array], Step]) -> None:
    """Answer on the standard streams until the other end closes them."""
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    # What a library prints must not get between the answers.
    sys.stdout = sys.stderr
    step, spent, answer = cast("Step", None), 0.0, object()
    while True:
        try:
            question = pickle.load(questions)
        except EOFError:
            return
        if question is None:
            answer = spent
        elif isinstance(question[0], Problem):
            step, answer = build(*question), True
        else:
            start = time.process_time()
            answer = tuple(step(*question))
            spent += time.process_time() - start
        pickle.dump(answer, answers)
        answers.flush()
