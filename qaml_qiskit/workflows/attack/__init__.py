"""`qaml attack`: adversarial images, measured and audited."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.attack.request import AttackRequest as AttackRequest
    from qaml_qiskit.workflows.attack.workflow import attack as attack

load_lazily(__name__)
