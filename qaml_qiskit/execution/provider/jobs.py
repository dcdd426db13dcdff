"""What stands between Qiskit's sampler and a vendor's backend, and the note of what the vendor accepted.

``BackendSamplerV2`` runs circuits and waits for them. Sending and fetching are two things here, maybe in two processes:
the sampler is given a stand-in for the backend, once to send and once to read what was sent.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2, Options
from qiskit.result import Result
from qiskit.transpiler import Target as ISATarget
from qiskit.transpiler import generate_preset_pass_manager

from qaml_qiskit.execution.circuits import unsupported
from qaml_qiskit.execution.runner import BrokenResultError, SentJob, is_job_id
from qaml_qiskit.files import make_folders, write_atomically

#: The folder, inside a run folder, with a file for every attempt at a chunk.
NOTES_FOLDER = "provider"


class AllSentError(Exception):
    """Ends the sampler where it would wait: everything was handed over."""


class StandIn(BackendV2):
    """A backend with another's target and limits, whose ``run`` is a function of circuits and options."""

    def __init__(self, backend: BackendV2, run: Callable[..., Any]) -> None:
        """Stand in for a backend.

        Args:
            backend: the one that is described.
            run: called with a list of circuits and what ``backend.run`` takes beside them; returns what has
                ``result()``.
        """
        super().__init__(name=str(backend.name))
        self._described = backend
        self._handler = run

    @property
    def target(self) -> ISATarget:
        """The backend's."""
        return self._described.target

    @property
    def max_circuits(self) -> int | None:
        """The backend's."""
        return self._described.max_circuits

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: list[QuantumCircuit], **options: Any) -> Any:
        """Hand circuits over. A seed is for backends that know the option; others refuse what they do not know."""
        known = vars(self._described.options) if hasattr(self._described.options, "__dict__") else {}
        seed = options.pop("seed_simulator", None)
        if seed is not None and ("seed_simulator" in self._described.options or "seed_simulator" in known):
            options["seed_simulator"] = seed
        return self._handler(run_input, **options)


class SentJobStub:
    """A stand-in's job that is sent and not waited for."""

    def result(self) -> Result:
        """Raise AllSentError."""
        raise AllSentError


class ReadJob:
    """A stand-in's job that gives a vendor's result in the form that the sampler reads.

    The sampler reads the outcome of every shot, and takes a result without them for zeros. Some vendors give counts
    alone: their outcomes are written out, in an order that means nothing.
    """

    def __init__(self, result: Callable[[], Any], circuits: int, shots: int, words: Callable[[object], str]) -> None:
        """Read a job.

        Args:
            result: waits for the vendor's result.
            circuits: how many it is to hold.
            shots: of each of them.
            words: makes text of the vendor's safe to show.
        """
        self._result = result
        self._circuits = circuits
        self._shots = shots
        self._words = words

    def result(self) -> Result:
        """The result with the outcome of every shot.

        Raises:
            BrokenResultError: it is not that of so many circuits and shots.
        """
        found = self._result()
        try:
            failed = not found.success
            entries = list(found.results)
        except (AttributeError, TypeError) as error:
            raise _broken(f"a {type(found).__name__}") from error
        if failed:
            raise _broken(self._words(getattr(found, "status", "")) or "a result that says it failed")
        if len(entries) != self._circuits:
            raise _broken(f"{len(entries)} circuits", f"{self._circuits}")
        for entry in entries:
            entry.data.memory = _outcomes(entry.data)
            if len(entry.data.memory) != self._shots:
                raise _broken(f"{len(entry.data.memory)} shots of a circuit", f"{self._shots}")
        return found


def _outcomes(data: Any) -> list[str]:
    if memory := list(getattr(data, "memory", None) or []):
        return [str(outcome) for outcome in memory]
    try:
        return [str(outcome) for outcome, count in dict(data.counts).items() for _ in range(int(count))]
    except (AttributeError, TypeError, ValueError) as error:
        raise _broken("a circuit with neither the outcomes of its shots nor counts") from error


def _broken(got: str, expected: str = "what the circuits measured") -> BrokenResultError:
    return BrokenResultError(
        "the provider's result is broken", got=got, expected=expected, remedy="collect again, or send the job again"
    )


class Note(BaseModel):
    """The vendor's ids of one attempt at a chunk, in the order in which its circuits were handed over.

    Attributes:
        parts: how many there are to be: more than one where the backend takes fewer circuits at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str
    chunk: str
    attempt: int
    parts: int
    ids: tuple[str, ...] = ()

    @property
    def job(self) -> str:
        """What the job is called in the ledger: the vendor's id, where that is one and has such a form."""
        if len(self.ids) == 1 and is_job_id(self.ids[0]):
            return self.ids[0]
        return "parts-" + hashlib.sha256("\n".join(self.ids).encode()).hexdigest()[:16]

    @property
    def sent(self) -> SentJob | None:
        """The job; None before all of it was accepted."""
        return SentJob(self.run, self.chunk, self.attempt, self.job) if len(self.ids) == self.parts else None

    def write(self, folder: Path) -> None:
        """Keep it in a run folder."""
        make_folders(folder / NOTES_FOLDER)
        write_atomically(_file(folder, self.chunk, self.attempt), self.model_dump_json() + "\n", private=True)


def read_note(folder: Path, chunk: str, attempt: int) -> Note | None:
    """The note of an attempt; None without one that can be read."""
    return _read(_file(folder, chunk, attempt))


def read_notes(folder: Path) -> list[Note]:
    """All notes of a run folder, earlier attempts first."""
    found = [_read(file) for file in sorted((folder / NOTES_FOLDER).glob("*.json"))]
    return sorted((note for note in found if note is not None), key=lambda note: note.attempt)


def in_gates_of(circuits: list[QuantumCircuit], target: ISATarget) -> list[QuantumCircuit]:
    """Circuits on a device's own qubits with its own gates in place of those that it does not have."""
    if all(unsupported(circuit, target) is None for circuit in circuits):
        return circuits
    places = list(range(circuits[0].num_qubits))
    passes = generate_preset_pass_manager(optimization_level=0, target=target, initial_layout=places)
    return [passes.run(circuit) for circuit in circuits]


def _file(folder: Path, chunk: str, attempt: int) -> Path:
    return folder / NOTES_FOLDER / f"{chunk}-{attempt}.json"


def _read(file: Path) -> Note | None:
    try:
        return Note.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
