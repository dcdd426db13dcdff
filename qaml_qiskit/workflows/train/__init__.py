"""`qaml train`: a classifier from a data set, resumably."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.train.request import TrainRequest as TrainRequest
    from qaml_qiskit.workflows.train.workflow import train as train

load_lazily(__name__)
