"""`qaml transfer`: images made on one model, shown to others."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.transfer.request import TransferRequest as TransferRequest
    from qaml_qiskit.workflows.transfer.workflow import transfer as transfer

load_lazily(__name__)
