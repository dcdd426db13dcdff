"""`qaml frontier`: models side by side, by what they cost on a device."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.frontier.request import FrontierRequest as FrontierRequest
    from qaml_qiskit.workflows.frontier.workflow import frontier as frontier

load_lazily(__name__)
