"""What ``qaml encode`` is asked for."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from qaml_qiskit.datasets.names import DatasetName
from qaml_qiskit.encodings import EncodingName, PixelOrder
from qaml_qiskit.workflows.request import Request


class EncodeRequest(Request):
    """Which images, and how they become circuits."""

    dataset: DatasetName = "digits"
    images: Annotated[str, BeforeValidator(str)] = "20"
    encoding: EncodingName = "approximate"
    encoding_layers: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1, 2, 3, 4, 6)
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.95
    pixel_order: PixelOrder | None = None
