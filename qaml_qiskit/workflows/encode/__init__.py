"""`qaml encode`: images as circuits."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.encode.request import EncodeRequest as EncodeRequest
    from qaml_qiskit.workflows.encode.workflow import encode as encode

load_lazily(__name__)
