"""A model under a condition, and what it says of images: exactly, under noise, on a device."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.deployments.conditioned import ConditionedModel as ConditionedModel
    from qaml_qiskit.deployments.conditions import Condition as Condition
    from qaml_qiskit.deployments.conditions import Ideal as Ideal
    from qaml_qiskit.deployments.conditions import OnTarget as OnTarget
    from qaml_qiskit.deployments.conditions import UnderNoise as UnderNoise
    from qaml_qiskit.deployments.conditions import parse_deployment as parse_deployment
    from qaml_qiskit.deployments.conditions import written as written
    from qaml_qiskit.deployments.deployment import Deployment as Deployment
    from qaml_qiskit.deployments.images import Batch as Batch
    from qaml_qiskit.deployments.images import load_batch as load_batch
    from qaml_qiskit.deployments.images import load_training as load_training
    from qaml_qiskit.deployments.networks import network_data as network_data
    from qaml_qiskit.deployments.reading import deploy as deploy
    from qaml_qiskit.deployments.reading import read_deployment as read_deployment
    from qaml_qiskit.deployments.reading import read_deployments as read_deployments
    from qaml_qiskit.deployments.rules import Filtered as Filtered
    from qaml_qiskit.deployments.rules import LayersRule as LayersRule
    from qaml_qiskit.deployments.rules import Smoothing as Smoothing
    from qaml_qiskit.deployments.validation import fitted_temperature as fitted_temperature
    from qaml_qiskit.deployments.validation import halved as halved
    from qaml_qiskit.deployments.validation import halves as halves
    from qaml_qiskit.deployments.validation import known_temperature as known_temperature
    from qaml_qiskit.deployments.validation import load_learned as load_learned
    from qaml_qiskit.deployments.validation import load_validation as load_validation

load_lazily(__name__)
