"""The parts of a quantum classifier that can be tampered with."""

from typing import Literal, get_args

TamperedPart = Literal["weights", "gates", "encoding", "readout", "calibration", "crosstalk"]
PARTS: tuple[TamperedPart, ...] = get_args(TamperedPart)
