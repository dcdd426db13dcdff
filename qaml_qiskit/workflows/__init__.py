"""Wires the rooms together, one module a command. The only place that knows everything."""

from qaml_qiskit.workflows.baselines import check_resources as check_resources
from qaml_qiskit.workflows.data import fetch_data as fetch_data
from qaml_qiskit.workflows.data import list_data as list_data
from qaml_qiskit.workflows.data import verify_data as verify_data
from qaml_qiskit.workflows.demo import demo as demo
from qaml_qiskit.workflows.demo_request import DemoRequest as DemoRequest
from qaml_qiskit.workflows.inference import plan_rows as plan_rows
from qaml_qiskit.workflows.inference import plan_run as plan_run
from qaml_qiskit.workflows.inference import run_model as run_model
from qaml_qiskit.workflows.inference import submit_run as submit_run
from qaml_qiskit.workflows.outcome import Outcome as Outcome
from qaml_qiskit.workflows.progress import Progress as Progress
from qaml_qiskit.workflows.progress import Silent as Silent
from qaml_qiskit.workflows.resources import ResourcesRequest as ResourcesRequest
from qaml_qiskit.workflows.resources import resources as resources
from qaml_qiskit.workflows.results import cancel_run as cancel_run
from qaml_qiskit.workflows.results import collect_run as collect_run
from qaml_qiskit.workflows.results import retry_run as retry_run
from qaml_qiskit.workflows.results import status_run as status_run
from qaml_qiskit.workflows.run_request import RunRequest as RunRequest
from qaml_qiskit.workflows.sweep import SweepRequest as SweepRequest
from qaml_qiskit.workflows.sweep import sweep as sweep
from qaml_qiskit.workflows.targets import list_targets as list_targets
from qaml_qiskit.workflows.training import TrainRequest as TrainRequest
from qaml_qiskit.workflows.training import train as train
from qaml_qiskit.workflows.workspace import init_workspace as init_workspace
