"""One contestant of the ``gpu`` suite in a process of its own, so that it can be stopped at any point.

It reads points from stdin and writes what it found to stdout, a JSON document a line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import Agreement
from benchmarks.machine import load
from benchmarks.peers.base import MissingError
from benchmarks.peers.on_device import ON_DEVICE, CudaSteps, DeviceContestant, DeviceStep, JaxSteps
from benchmarks.problem import Problem

#: Runs before the first that is timed: compilers compile, and what is recorded at the second sight is recorded.
_WARM = 3
#: A round lasts about this long, in seconds, and the rounds of a step at most that long.
_ROUND, _STEP = 0.1, 2.0


def contestants() -> dict[str, DeviceContestant]:
    """By name; two of them on the CPU as well, to try the program where there is no GPU."""
    here = {"cpu": CudaSteps("cpu"), "jax-cpu": JaxSteps("cpu")}
    return {**{each.key: each for each in ON_DEVICE}, **here}


def main(key: str) -> None:
    """Serve points until stdin ends."""
    # What libraries print must not stand between the documents.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    peer = contestants()[key]
    _tell(answers, _version(peer))
    for line in sys.stdin:
        for found in _measured(peer, json.loads(line)):
            _tell(answers, found)
        _tell(answers, {"done": True})


def _version(peer: DeviceContestant) -> dict[str, Any]:
    try:
        return {"version": peer.version()}
    except MissingError as reason:
        return {"missing": str(reason)}
    except Exception as error:  # a broken library must not end the run
        return {"missing": f"{type(error).__name__}: {str(error)[:200]}"}


def _measured(peer: DeviceContestant, point: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of every step whether it agrees, and then its rounds."""
    known = np.load(Path(point["reference"]))
    problem = Problem.of_size(point["qubits"], point["layers"])
    try:
        steps = peer.steps(problem, known["images"], known["labels"], point["batch"] // len(known["images"]))
        for kind, step in steps.items():
            agreement = _agreement(kind, step, known, point["batch"])
            yield {"kind": kind, "loss": agreement.loss, "gradient": agreement.gradient, "holds": agreement.holds}
            if agreement.holds:
                yield {"kind": kind, "samples": _timed(step, point["rounds"])}
    except Exception as error:  # a broken peer must not end the run
        yield {"failed": f"{type(error).__name__}: {str(error)[:200]}"}
    finally:
        steps = {}
        _release()


def _agreement(kind: str, step: DeviceStep, known: Any, batch: int) -> Agreement:
    """Errors against the answer in double precision, after as many runs as come before timing."""
    for _ in range(_WARM):
        result = step.run()
        step.wait(result)
    loss, gradient = step.read(result)
    expected, found = known[kind], np.asarray(gradient, dtype=np.float64)
    if kind == "attack":
        # A mean over copies: each has its share of the gradient.
        expected = np.concatenate([expected, expected]) * (len(expected) / batch)
    found = found.reshape(expected.shape) if found.size == expected.size else found
    error = np.inf
    if found.shape == expected.shape:
        error = float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
    reference = float(known["loss"])
    return Agreement(abs(loss - reference) / max(1.0, abs(reference)), error)


def _timed(step: DeviceStep, rounds: int) -> list[dict[str, float]]:
    """Wall and CPU seconds of a step, a sample a round: queued again and again, and waited for once."""
    start = time.perf_counter()
    step.wait(step.run())
    once = max(time.perf_counter() - start, 1e-6)
    calls = max(1, min(200, round(_ROUND / once)))
    samples: list[dict[str, float]] = []
    while len(samples) < rounds and (not samples or time.perf_counter() - start < _STEP):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(calls):
            result = step.run()
        step.wait(result)
        wall, cpu = (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls
        samples.append({"round": float(len(samples)), "wall": wall, "cpu": cpu, "load": load()})
    return samples


def _release() -> None:
    """Give back what torch keeps of the device's memory: others take turns."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _tell(answers: Any, found: dict[str, Any]) -> None:
    answers.write(json.dumps(found) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
