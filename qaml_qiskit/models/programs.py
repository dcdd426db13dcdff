"""Programs of ``torch.export`` as networks: a ``.pt2`` and what its batches may be."""

import hashlib
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qaml_qiskit.errors import InputError
from qaml_qiskit.formats import read_bytes
from qaml_qiskit.models.user_network import ExportedNetwork, NetworkConfig, UserNetwork
from qaml_qiskit.text import printable

#: How a program is made that takes any number of images.
_EXPORT = (
    "export it with torch.export.export(network.eval(), (images,), dynamic_shapes=({0: torch.export.Dim('batch')},)), "
    "and save it with torch.export.save"
)


@dataclass(frozen=True)
class ProgramFile:
    """A program as a file holds it. Sent to a worker, it takes its bytes along.

    Attributes:
        name: as it was given.
        content: of the file.
    """

    name: str
    content: bytes

    @classmethod
    def read(cls, path: str) -> "ProgramFile":
        """The program in a file; nothing in it is run yet. Raises DamagedFileError for a file that cannot be read."""
        return cls(path, read_bytes(Path(path)))

    @property
    def code(self) -> dict[str, str]:
        """What a run records of the code."""
        return {"file_sha256": hashlib.sha256(self.content).hexdigest()}

    def state_of(self, model: UserNetwork) -> None:
        """What another process needs beside this: nothing, the weights are in the file."""

    def build(self, config: NetworkConfig) -> ExportedNetwork:
        """The network. This can run any code that the file holds.

        Raises:
            InputError: the file is no program, or its input is not one batch of images of this shape.
        """
        try:
            with _silent():
                program = torch.export.load(io.BytesIO(self.content))
                module, found = program.module(), _inputs(program)
        except Exception as error:
            raise InputError(
                f"{printable(self.name)} cannot be loaded",
                got=f"{type(error).__name__}: {printable(str(error))}",
                expected="a program that torch.export.save wrote, by this version of torch or one that it still reads",
                remedy=_EXPORT,
            ) from error
        taken = found[0] if len(found) == 1 and isinstance(found[0], Tensor) else None
        fits = taken is not None and taken.dim() == 4 and taken.is_floating_point()
        sizes = tuple(taken.shape[1:]) if taken is not None else ()
        if taken is None or not fits or not _same(sizes, config.image_shape):
            raise InputError(
                f"{printable(self.name)} is not for these images",
                got="a program that takes " + (", ".join(map(_told, found)) or "nothing"),
                expected=f"one that takes a batch of images (N, {', '.join(map(str, config.image_shape))})",
                remedy="choose the data that it was made for, or put the resizing into the network and export it again",
            )
        fewest, most = _batches(program, taken)
        place = torch.empty(0, dtype=taken.dtype, device=taken.device)
        return ExportedNetwork(module, printable(self.name), config, place, fewest, most)


def _inputs(program: torch.export.ExportedProgram) -> list[Any]:
    """What the program's inputs look like, tensors without values."""
    names = set(program.graph_signature.user_inputs)
    return [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names]


def _batches(program: torch.export.ExportedProgram, taken: Tensor) -> tuple[int, int | None]:
    """How many images at once a program takes: at least, and at most."""
    size: Any = taken.shape[0]
    if isinstance(size, int):
        return size, size
    bounds = program.range_constraints.get(size.node.expr)
    if bounds is None:
        return 1, None
    # Beyond every integer is how torch writes that there is no bound.
    return max(1, int(bounds.lower)), int(bounds.upper) if bounds.upper < 2**31 else None


def _same(sizes: tuple[object, ...], wanted: tuple[int, ...]) -> bool:
    """Whether sizes are as wanted; one that is free when the program runs is no int."""
    return all(size == want for size, want in zip(sizes, wanted, strict=True) if isinstance(size, int))


def _told(taken: object) -> str:
    if not isinstance(taken, Tensor):
        return f"a {type(taken).__name__}"
    sizes = ("N" if not isinstance(size, int) else str(size) for size in taken.shape)
    return f"({', '.join(sizes)}) of {taken.dtype}"


@contextmanager
def _silent() -> Iterator[None]:
    """Keep torch from logging the traceback of what is refused here."""
    logger = logging.getLogger("torch.export")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
