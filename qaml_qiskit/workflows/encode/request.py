"""What ``qaml encode`` is asked for."""

from typing import Annotated, ClassVar

from pydantic import Field

from qaml_qiskit.encodings import EncodingName, PixelOrder
from qaml_qiskit.workflows.data_options import DataOptions
from qaml_qiskit.workflows.fields import Count, Images, Otherwise, Several


class EncodeRequest(DataOptions):
    """Which images, and how they become circuits."""

    command: ClassVar[str] = "encode"

    images: Images = "20"
    """Number of test images, or a file or folder of images."""
    encoding: EncodingName = "approximate"
    """What prepares the images."""
    encoding_layers: Several[Count] = (1, 2, 3, 4, 6)
    """Templates of the approximate encoding that are tried."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Fidelity to reach with the fewest layers."""
    movement: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(exclude_if=lambda eps: not eps)] = ()
    """Strengths ε for which it is told how far an attacker can move each state at most, in trace distance."""
    pixel_order: Annotated[PixelOrder | None, Otherwise("gray for approximate, flat otherwise")] = None
    """Which pixel is which amplitude."""
