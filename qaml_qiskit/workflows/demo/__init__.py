"""`qaml demo`: the whole road, once."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.demo.request import DemoRequest as DemoRequest
    from qaml_qiskit.workflows.demo.workflow import demo as demo

load_lazily(__name__)
