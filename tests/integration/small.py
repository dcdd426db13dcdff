"""A QVC of three qubits, its images, and what they are compared with."""

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.deployments import Deployment, OnTarget
from qaml_qiskit.execution import Target, compile_for, load_recipe, open_target
from qaml_qiskit.execution.catalogue import Catalogue, parse_yaml
from qaml_qiskit.models import QVC, DataCard, ModelCard, QVCConfig, StoredModel
from tests.tolerances import DIFFERENT

SHOTS = 4000
STRONG_READOUT = "targets: {poor: {kind: aer, noise: {readout: {p10: 0.08, p01: 0.25}}}}"


def model() -> QVC:
    return QVC(QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=3, init_std=1.0), 7)


def stored(qvc: QVC) -> StoredModel:
    classes = tuple(range(qvc.config.num_classes))
    return StoredModel(qvc, ModelCard(model=qvc.config, data=DataCard(dataset="digits", classes=classes)))


def ideal(qvc: QVC | None = None) -> Deployment:
    return Deployment("small", stored(qvc or model()))


def deployed(target: Target, recipe: str = "quick", qvc: QVC | None = None) -> Deployment:
    return Deployment("small", stored(qvc or model()), OnTarget(target.name, recipe), target)


def images(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 1, 2, 4, generator=torch.Generator().manual_seed(3))


def compiled(target: Target, recipe: str = "quick") -> tuple[QuantumCircuit, NDArray[np.float64]]:
    qvc = model()
    isa = compile_for(qvc.circuit(), target, load_recipe(recipe))
    values = qvc.encoding.angles(images()).numpy()[:, [p.index for p in isa.parameters]]
    return isa, values


def strong_readout() -> Target:
    catalogue = parse_yaml(STRONG_READOUT, "test", Catalogue)
    return open_target("poor", catalogue.entry("poor"), 3)


def exact() -> NDArray[np.float64]:
    with torch.no_grad():
        return model().expectations(images()).numpy()


def shot_error(z: NDArray[np.float64], shots: int) -> NDArray[np.float64]:
    """Standard error of ⟨Z⟩ from counts."""
    return np.sqrt((1 - z**2).clip(DIFFERENT) / shots)
