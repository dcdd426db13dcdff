"""Trainable classifiers, their training, and their files."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.models.before_head import BeforeHead as BeforeHead
    from qaml_qiskit.models.checkpoint import dump_state as dump_state
    from qaml_qiskit.models.checkpoint import load_state as load_state
    from qaml_qiskit.models.cnn import CNN as CNN
    from qaml_qiskit.models.cnn import CNNConfig as CNNConfig
    from qaml_qiskit.models.connector import AdjointConnector as AdjointConnector
    from qaml_qiskit.models.connector import AmplitudeQNN as AmplitudeQNN
    from qaml_qiskit.models.connector import NetworkInputError as NetworkInputError
    from qaml_qiskit.models.convnet import ConvNet as ConvNet
    from qaml_qiskit.models.convnet import ConvNetConfig as ConvNetConfig
    from qaml_qiskit.models.ensemble import Ensemble as Ensemble
    from qaml_qiskit.models.estimator import QVCClassifier as QVCClassifier
    from qaml_qiskit.models.fnn import FNN as FNN
    from qaml_qiskit.models.fnn import FNNConfig as FNNConfig
    from qaml_qiskit.models.forms import form_matrices as form_matrices
    from qaml_qiskit.models.forms import headed as headed
    from qaml_qiskit.models.forms import unit_head as unit_head
    from qaml_qiskit.models.forms import why_no_forms as why_no_forms
    from qaml_qiskit.models.hybrid import Hybrid as Hybrid
    from qaml_qiskit.models.hybrid import HybridConfig as HybridConfig
    from qaml_qiskit.models.inputs import check_batch as check_batch
    from qaml_qiskit.models.inputs import check_size as check_size
    from qaml_qiskit.models.laplace import Laplace as Laplace
    from qaml_qiskit.models.laplace import check_laplace as check_laplace
    from qaml_qiskit.models.laplace import with_angles as with_angles
    from qaml_qiskit.models.names import NETWORKS as NETWORKS
    from qaml_qiskit.models.networks import Network as Network
    from qaml_qiskit.models.networks import network_of as network_of
    from qaml_qiskit.models.networks import read_network as read_network
    from qaml_qiskit.models.noisy import NoisyQVC as NoisyQVC
    from qaml_qiskit.models.objective import Clean as Clean
    from qaml_qiskit.models.objective import Objective as Objective
    from qaml_qiskit.models.objective import ObjectiveCard as ObjectiveCard
    from qaml_qiskit.models.quadratic import QuadraticClassifier as QuadraticClassifier
    from qaml_qiskit.models.quadratic import QuadraticConfig as QuadraticConfig
    from qaml_qiskit.models.qvc import QVC as QVC
    from qaml_qiskit.models.qvc_config import QVCConfig as QVCConfig
    from qaml_qiskit.models.resnet import ResNet18 as ResNet18
    from qaml_qiskit.models.resnet import ResNet18Config as ResNet18Config
    from qaml_qiskit.models.store import WEIGHTS_FILE as WEIGHTS_FILE
    from qaml_qiskit.models.store import DataCard as DataCard
    from qaml_qiskit.models.store import Model as Model
    from qaml_qiskit.models.store import ModelCard as ModelCard
    from qaml_qiskit.models.store import ModelConfig as ModelConfig
    from qaml_qiskit.models.store import StoredModel as StoredModel
    from qaml_qiskit.models.store import SubstituteCard as SubstituteCard
    from qaml_qiskit.models.store import as_stored as as_stored
    from qaml_qiskit.models.store import build_model as build_model
    from qaml_qiskit.models.store import load_model as load_model
    from qaml_qiskit.models.store import model_files as model_files
    from qaml_qiskit.models.store import parse_config as parse_config
    from qaml_qiskit.models.store import save_model as save_model
    from qaml_qiskit.models.training import Trainer as Trainer
    from qaml_qiskit.models.training import predict as predict
    from qaml_qiskit.models.training_state import EpochRecord as EpochRecord
    from qaml_qiskit.models.training_state import TrainingConfig as TrainingConfig
    from qaml_qiskit.models.training_state import TrainingState as TrainingState
    from qaml_qiskit.models.user_network import NetworkCard as NetworkCard
    from qaml_qiskit.models.user_network import NetworkConfig as NetworkConfig

load_lazily(__name__)
