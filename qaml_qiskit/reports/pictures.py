"""The pictures of a run, to be looked at."""

from dataclasses import dataclass
from pathlib import Path

from qaml_qiskit.formats import read_bytes
from qaml_qiskit.reports.page import picture_html
from qaml_qiskit.text import printable


@dataclass(frozen=True, repr=False)
class Pictures:
    """Pictures that a notebook shows, and whose files everything else does.

    Attributes:
        files: PNG files.
    """

    files: tuple[Path, ...]

    def __repr__(self) -> str:
        return "\n".join(printable(str(file)) for file in self.files)

    def _repr_html_(self) -> str:
        return "".join(picture_html(read_bytes(file), file.stem.replace("_", " ")) for file in self.files)
