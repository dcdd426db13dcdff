"""`qaml forecast`: what a device would score, before it is asked."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.forecast.request import ForecastRequest as ForecastRequest
    from qaml_qiskit.workflows.forecast.workflow import forecast as forecast

load_lazily(__name__)
