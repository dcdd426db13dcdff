"""`qaml sweep`: accuracy over a grid of noises, models, attacks and shots."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.sweep.request import SweepRequest as SweepRequest
    from qaml_qiskit.workflows.sweep.workflow import sweep as sweep

load_lazily(__name__)
