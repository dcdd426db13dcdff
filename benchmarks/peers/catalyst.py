"""PennyLane Catalyst, in an environment of its own, because it pins an older JAX."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.elsewhere.process import Elsewhere
from benchmarks.peers.base import MissingError, Steps
from benchmarks.problem import Array, Problem

#: Images go through one after the other, so that time is proportional to their number.
_SAMPLES = 8
_LIBRARIES = ("pennylane_catalyst", "pennylane", "pennylane_lightning", "jax")


class Catalyst:
    """Training only: the adjoint gives no gradient with respect to the prepared state."""

    key = "catalyst"
    title = "PennyLane Catalyst, adjoint"
    note = (
        f"`qjit` of the whole circuit, lightning.qubit, complex128; at most {_SAMPLES} images, scaled; another process"
    )

    def version(self) -> str:
        """Catalyst and what it brings.

        Raises:
            MissingError: its environment is not there.
        """
        python = _python()
        if not python.exists():
            raise MissingError(
                "it pins jax 0.7.1, which cannot be installed beside the others; `make bench-catalyst` makes an "
                "environment for it, which is not there"
            )
        names = f"from importlib.metadata import version; print(*map(version, {_LIBRARIES}))"
        found = subprocess.run([str(python), "-c", names], capture_output=True, text=True, check=False)
        if found.returncode:
            raise MissingError(f"its environment is broken: {found.stderr.strip().splitlines()[-1]}")
        return ", ".join(f"{name} {text}" for name, text in zip(_LIBRARIES, found.stdout.split(), strict=True))

    def build(self, problem: Problem, weights: Array) -> Steps:
        """The training step."""
        step = Elsewhere(_python(), "benchmarks.elsewhere.catalyst", problem, weights)
        return Steps(step, None, samples=_SAMPLES, clock=step.cpu)


def _python() -> Path:
    """Beside the environment of everybody else."""
    return Path(sys.prefix).parent / ".venv-bench-catalyst" / "bin" / "python"
