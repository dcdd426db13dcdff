"""Which run a folder is, kept apart from the ledger: ``run.json``.

The ledger can be deleted, cut, or restored from an older copy, and a folder can be copied. This file tells: it has the
run's identifier, which finds the run's jobs at the service, and says how far sending had come and where the folder was.
"""

import socket
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from qaml_qiskit.files import write_atomically

IDENTITY_FILE = "run.json"


class Identity(BaseModel):
    """The content of ``run.json``.

    Attributes:
        run: the run's identifier, twelve hexadecimal digits.
        place: fingerprint of the service's instance that has the jobs; empty for a simulated target.
        attempts: the last attempt that was begun at every chunk.
        host: the machine that the folder was on, with its ``path`` and ``inode`` there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str
    place: str
    attempts: dict[str, int] = {}
    host: str
    path: str
    inode: int

    @classmethod
    def of(cls, folder: Path, run: str, place: str, attempts: dict[str, int]) -> Self:
        """That of a folder where it is now."""
        here = folder.resolve()
        inode = here.stat().st_ino
        return cls(run=run, place=place, attempts=attempts, host=socket.gethostname(), path=str(here), inode=inode)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What the folder says of itself; None when it says nothing that can be read."""
        try:
            return cls.model_validate_json((folder / IDENTITY_FILE).read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, folder: Path) -> None:
        """Keep it."""
        write_atomically(folder / IDENTITY_FILE, self.model_dump_json(indent=1) + "\n", private=True)

    def begun(self, chunk: str, attempt: int) -> Self:
        """The same with an attempt that is about to be sent."""
        return self.model_copy(update={"attempts": {**self.attempts, chunk: attempt}})

    def is_copy(self, folder: Path) -> bool:
        """Whether the folder was copied from another, which may still be in use.

        A folder that was moved keeps its inode, or leaves nothing behind where it was on the same machine. A copy that
        took the place of its original, as from a backup, is the original now.
        """
        here = folder.resolve()
        if here.stat().st_ino == self.inode:
            return False
        if socket.gethostname() != self.host:
            return True
        return str(here) != self.path and Path(self.path, IDENTITY_FILE).exists()
