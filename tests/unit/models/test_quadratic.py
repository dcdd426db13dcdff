"""The quadratic classifier contains every QVC on the same pixels."""

import torch

from qaml_qiskit.models import QVC, QuadraticClassifier, QuadraticConfig, QVCConfig
from qaml_qiskit.simulation import unitary
from tests.tolerances import VALUE


def test_every_qvc_is_a_quadratic_classifier(generator: torch.Generator) -> None:
    """M_k = Re(U†Z_kU) restricted to the pixels gives the QVC's logits."""
    shape, classes = (1, 3, 4), 3
    qvc = QVC(QVCConfig(image_shape=shape, num_classes=classes, num_layers=3, init_std=1.0), 4).double()
    matrix = unitary(qvc.connector.neural_network.program, qvc.weight.detach())
    signs = [1 - 2 * ((torch.arange(16) >> k) & 1) for k in range(classes)]
    forms = [(matrix.conj().T @ (sign[:, None] * matrix)).real[:12, :12] for sign in signs]
    quadratic = QuadraticClassifier(QuadraticConfig(image_shape=shape, num_classes=classes)).double()
    with torch.no_grad():
        quadratic.matrices.copy_(torch.cat(forms, dim=1))
        images = torch.rand(5, *shape, generator=generator, dtype=torch.float64)
        difference = (qvc(images) - quadratic(images)).abs().max()
    assert difference < qvc.config.logit_scale * VALUE[torch.float64]
