"""Quantum variational classifiers for IBM devices: what they score there, under noise and under attack.

A model, from data to a device, from Python:

>>> import qaml_qiskit as qaml
>>> data = qaml.load_dataset("digits", classes=(0, 1, 2))        # doctest: +SKIP
>>> trained = qaml.train(data, layers=6, epochs=10)              # doctest: +SKIP
>>> attacked = qaml.attack(trained, eps=0.1, images=100)         # doctest: +SKIP
>>> ran = qaml.run(trained, target="fake-torino", images=100)    # doctest: +SKIP

Every command is a function that takes a request, or the request's fields as keywords; then models, data sets and images
may stand in place of their names, and the run is kept until the process ends, unless ``out`` names a folder. Beside the
fields there are:

- ``out``: the run folder; an unfinished run of the same request is continued, a complete one is read. Called with a
  request, a new folder under ``runs``, as on the command line.
- ``data_dir``: where data sets are.
- ``backends``: the backends.yaml of targets.
- ``workers``, ``scheduler``: compute in so many processes on this machine, or on the workers of this Dask scheduler.
- ``progress``: told about every step.
- ``stopping``: listens for requests to stop.
- ``compute``: what everything is computed with; images are kept in single precision.
"""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.campaigns.benchmark.collecting import collect_cards as collect_cards
    from qaml_qiskit.campaigns.benchmark.collecting import verify_cards as verify_cards
    from qaml_qiskit.campaigns.benchmark.request import BenchmarkRequest as BenchmarkRequest
    from qaml_qiskit.campaigns.benchmark.workflow import benchmark as benchmark
    from qaml_qiskit.campaigns.reproduce.request import ReproduceRequest as ReproduceRequest
    from qaml_qiskit.campaigns.reproduce.workflow import list_reproductions as list_reproductions
    from qaml_qiskit.campaigns.reproduce.workflow import reproduce as reproduce
    from qaml_qiskit.compute import Compute as Compute
    from qaml_qiskit.datasets import Dataset as Dataset
    from qaml_qiskit.datasets import Split as Split
    from qaml_qiskit.datasets import load_dataset as load_dataset
    from qaml_qiskit.deployments import Deployment as Deployment
    from qaml_qiskit.deployments import Ideal as Ideal
    from qaml_qiskit.deployments import OnTarget as OnTarget
    from qaml_qiskit.deployments import UnderNoise as UnderNoise
    from qaml_qiskit.deployments import deploy as deploy
    from qaml_qiskit.models import QVC as QVC
    from qaml_qiskit.models import DataCard as DataCard
    from qaml_qiskit.models import QVCClassifier as QVCClassifier
    from qaml_qiskit.models import QVCConfig as QVCConfig
    from qaml_qiskit.models import StoredModel as StoredModel
    from qaml_qiskit.models import Trainer as Trainer
    from qaml_qiskit.models import TrainingConfig as TrainingConfig
    from qaml_qiskit.models import load_model as load_model
    from qaml_qiskit.models import save_model as save_model
    from qaml_qiskit.progress import Progress as Progress
    from qaml_qiskit.progress import Silent as Silent
    from qaml_qiskit.reports.outcome import Brief as Brief
    from qaml_qiskit.reports.outcome import Outcome as Outcome
    from qaml_qiskit.simulation import ExactEstimator as ExactEstimator
    from qaml_qiskit.simulation import ExactSampler as ExactSampler
    from qaml_qiskit.studies.conforming import ConformalPredictor as ConformalPredictor
    from qaml_qiskit.studies.conforming import fit_conformal as fit_conformal
    from qaml_qiskit.workflows.attack.request import AttackRequest as AttackRequest
    from qaml_qiskit.workflows.attack.workflow import attack as attack
    from qaml_qiskit.workflows.audit.request import AuditRequest as AuditRequest
    from qaml_qiskit.workflows.audit.workflow import audit as audit
    from qaml_qiskit.workflows.backends import list_targets as list_targets
    from qaml_qiskit.workflows.calibrate.request import CalibrateRequest as CalibrateRequest
    from qaml_qiskit.workflows.calibrate.workflow import calibrate as calibrate
    from qaml_qiskit.workflows.certify.request import CertifyRequest as CertifyRequest
    from qaml_qiskit.workflows.certify.workflow import certify as certify
    from qaml_qiskit.workflows.conformal.request import ConformalRequest as ConformalRequest
    from qaml_qiskit.workflows.conformal.workflow import conformal as conformal
    from qaml_qiskit.workflows.data import fetch_data as fetch_data
    from qaml_qiskit.workflows.data import list_data as list_data
    from qaml_qiskit.workflows.data import verify_data as verify_data
    from qaml_qiskit.workflows.decide.request import DecideRequest as DecideRequest
    from qaml_qiskit.workflows.decide.workflow import decide as decide
    from qaml_qiskit.workflows.demo.request import DemoRequest as DemoRequest
    from qaml_qiskit.workflows.demo.workflow import demo as demo
    from qaml_qiskit.workflows.detect.request import DetectRequest as DetectRequest
    from qaml_qiskit.workflows.detect.workflow import detect as detect
    from qaml_qiskit.workflows.encode.request import EncodeRequest as EncodeRequest
    from qaml_qiskit.workflows.encode.workflow import encode as encode
    from qaml_qiskit.workflows.export.request import ExportRequest as ExportRequest
    from qaml_qiskit.workflows.export.workflow import export as export
    from qaml_qiskit.workflows.forecast.request import ForecastRequest as ForecastRequest
    from qaml_qiskit.workflows.forecast.workflow import forecast as forecast
    from qaml_qiskit.workflows.frontier.request import FrontierRequest as FrontierRequest
    from qaml_qiskit.workflows.frontier.workflow import frontier as frontier
    from qaml_qiskit.workflows.monitor.request import MonitorRequest as MonitorRequest
    from qaml_qiskit.workflows.monitor.workflow import monitor as monitor
    from qaml_qiskit.workflows.resources.baselines import check_resources as check_resources
    from qaml_qiskit.workflows.resources.request import ResourcesRequest as ResourcesRequest
    from qaml_qiskit.workflows.resources.workflow import resources as resources
    from qaml_qiskit.workflows.run.inference import plan as plan
    from qaml_qiskit.workflows.run.inference import run as run
    from qaml_qiskit.workflows.run.inference import submit as submit
    from qaml_qiskit.workflows.run.jobs import cancel as cancel
    from qaml_qiskit.workflows.run.jobs import retry as retry
    from qaml_qiskit.workflows.run.jobs import status as status
    from qaml_qiskit.workflows.run.promise import device_check as device_check
    from qaml_qiskit.workflows.run.request import RunRequest as RunRequest
    from qaml_qiskit.workflows.run.results import collect as collect
    from qaml_qiskit.workflows.runs.comparison import compare_runs as compare_runs
    from qaml_qiskit.workflows.runs.listing import list_runs as list_runs
    from qaml_qiskit.workflows.runs.request import CompareRequest as CompareRequest
    from qaml_qiskit.workflows.states.request import StatesRequest as StatesRequest
    from qaml_qiskit.workflows.states.workflow import states as states
    from qaml_qiskit.workflows.substitute.request import SubstituteRequest as SubstituteRequest
    from qaml_qiskit.workflows.substitute.workflow import substitute as substitute
    from qaml_qiskit.workflows.sweep.request import SweepRequest as SweepRequest
    from qaml_qiskit.workflows.sweep.workflow import sweep as sweep
    from qaml_qiskit.workflows.tamper.request import TamperRequest as TamperRequest
    from qaml_qiskit.workflows.tamper.workflow import tamper as tamper
    from qaml_qiskit.workflows.train.request import TrainRequest as TrainRequest
    from qaml_qiskit.workflows.train.workflow import train as train
    from qaml_qiskit.workflows.transfer.request import TransferRequest as TransferRequest
    from qaml_qiskit.workflows.transfer.workflow import transfer as transfer
    from qaml_qiskit.workflows.uncertainty.request import UncertaintyRequest as UncertaintyRequest
    from qaml_qiskit.workflows.uncertainty.workflow import uncertainty as uncertainty
    from qaml_qiskit.workflows.workspace import init_workspace as init_workspace

__version__ = "0.1.0"

load_lazily(__name__)
