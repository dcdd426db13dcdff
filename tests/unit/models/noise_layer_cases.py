"""QVCs with so much noise that nothing is hidden behind a tolerance."""

from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.models import QVC, QVCConfig

SHAPE = (1, 4, 4)
#: Qubits and layers.
N, L = 4, 3
LOUD = NoiseLayers(beta=1.5, variance=0.5)
MIXED = NoiseLayers(beta=1.5, variance=0.5, distribution="gaussian-bernoulli", probability=0.7)


def qvc(layers: NoiseLayers | None = LOUD, ansatz: str = "cnot", **changes: object) -> QVC:
    """On four qubits, with three layers."""
    values = {"image_shape": SHAPE, "num_classes": 2, "num_layers": L, "ansatz": ansatz, **changes}
    return QVC(QVCConfig.model_validate({**values, "noise_layers": layers}), seed=1)
