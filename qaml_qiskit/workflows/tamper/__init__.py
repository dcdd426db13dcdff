"""`qaml tamper`: what is left when the quantum parts are tampered with."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.tamper.request import TamperRequest as TamperRequest
    from qaml_qiskit.workflows.tamper.workflow import tamper as tamper

load_lazily(__name__)
