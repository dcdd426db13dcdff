"""Wires the rooms together, one module a command. The only place that knows everything."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.workflows.attack.attack import attack as attack
    from qaml_qiskit.workflows.attack.audits import audit_tables as audit_tables
    from qaml_qiskit.workflows.attack.request import AttackRequest as AttackRequest
    from qaml_qiskit.workflows.certify.certify import certify as certify
    from qaml_qiskit.workflows.certify.request import CertifyRequest as CertifyRequest
    from qaml_qiskit.workflows.data import fetch_data as fetch_data
    from qaml_qiskit.workflows.data import list_data as list_data
    from qaml_qiskit.workflows.data import verify_data as verify_data
    from qaml_qiskit.workflows.demo.demo import demo as demo
    from qaml_qiskit.workflows.demo.request import DemoRequest as DemoRequest
    from qaml_qiskit.workflows.device.encode import encode as encode
    from qaml_qiskit.workflows.device.forecast import forecast as forecast
    from qaml_qiskit.workflows.device.frontier import frontier as frontier
    from qaml_qiskit.workflows.device.request import EncodeRequest as EncodeRequest
    from qaml_qiskit.workflows.device.request import ForecastRequest as ForecastRequest
    from qaml_qiskit.workflows.device.request import FrontierRequest as FrontierRequest
    from qaml_qiskit.workflows.outcome import Outcome as Outcome
    from qaml_qiskit.workflows.progress import Progress as Progress
    from qaml_qiskit.workflows.progress import Silent as Silent
    from qaml_qiskit.workflows.resources.baselines import check_resources as check_resources
    from qaml_qiskit.workflows.resources.baselines import check_table as check_table
    from qaml_qiskit.workflows.resources.report import terminal_tables as terminal_tables
    from qaml_qiskit.workflows.resources.request import ResourcesRequest as ResourcesRequest
    from qaml_qiskit.workflows.resources.resources import resources as resources
    from qaml_qiskit.workflows.run.inference import plan_rows as plan_rows
    from qaml_qiskit.workflows.run.inference import plan_run as plan_run
    from qaml_qiskit.workflows.run.inference import run_model as run_model
    from qaml_qiskit.workflows.run.inference import submit_run as submit_run
    from qaml_qiskit.workflows.run.jobs import cancel_run as cancel_run
    from qaml_qiskit.workflows.run.jobs import retry_run as retry_run
    from qaml_qiskit.workflows.run.jobs import status_run as status_run
    from qaml_qiskit.workflows.run.request import RunRequest as RunRequest
    from qaml_qiskit.workflows.run.results import collect_run as collect_run
    from qaml_qiskit.workflows.run.targets import list_targets as list_targets
    from qaml_qiskit.workflows.sweep.report import condensed as condensed
    from qaml_qiskit.workflows.sweep.request import SweepRequest as SweepRequest
    from qaml_qiskit.workflows.sweep.sweep import sweep as sweep
    from qaml_qiskit.workflows.tamper.request import TamperRequest as TamperRequest
    from qaml_qiskit.workflows.tamper.tamper import divided as divided
    from qaml_qiskit.workflows.tamper.tamper import tamper as tamper
    from qaml_qiskit.workflows.train.request import TrainRequest as TrainRequest
    from qaml_qiskit.workflows.train.training import train as train
    from qaml_qiskit.workflows.transfer.report import transfer_table as transfer_table
    from qaml_qiskit.workflows.transfer.request import TransferRequest as TransferRequest
    from qaml_qiskit.workflows.transfer.transfer import transfer as transfer
    from qaml_qiskit.workflows.workspace import init_workspace as init_workspace

load_lazily(__name__)
