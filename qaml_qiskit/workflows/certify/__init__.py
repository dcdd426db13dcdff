"""`qaml certify`: exact radii with witnesses."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.certify.request import CertifyRequest as CertifyRequest
    from qaml_qiskit.workflows.certify.workflow import certify as certify

load_lazily(__name__)
