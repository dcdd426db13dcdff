"""`qaml plan`, `run`, `submit`, `status`, `collect` and `cancel`: a trained model on a target."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.run.inference import plan_run as plan_run
    from qaml_qiskit.workflows.run.inference import run_model as run_model
    from qaml_qiskit.workflows.run.inference import submit_run as submit_run
    from qaml_qiskit.workflows.run.jobs import cancel_run as cancel_run
    from qaml_qiskit.workflows.run.jobs import retry_run as retry_run
    from qaml_qiskit.workflows.run.jobs import status_run as status_run
    from qaml_qiskit.workflows.run.request import RunRequest as RunRequest
    from qaml_qiskit.workflows.run.results import collect_run as collect_run

load_lazily(__name__)
