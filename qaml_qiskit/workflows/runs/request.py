"""What ``qaml runs compare`` is asked for."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from qaml_qiskit.workflows.fields import each_once
from qaml_qiskit.workflows.request import Request


class CompareRequest(Request):
    """The runs to put side by side."""

    command: ClassVar[str] = "runs compare"

    runs: Annotated[tuple[str, ...], Field(min_length=2), AfterValidator(each_once)]
    """Run folders; all others are compared with the first one."""
