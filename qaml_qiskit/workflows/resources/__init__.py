"""`qaml resources`: what circuits cost, and counts that are kept."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.resources.baselines import check_resources as check_resources
    from qaml_qiskit.workflows.resources.request import ResourcesRequest as ResourcesRequest
    from qaml_qiskit.workflows.resources.workflow import resources as resources

load_lazily(__name__)
