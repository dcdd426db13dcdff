"""Forms of a noiseless QVC from the matrix of its circuit, beside those that are carried back through it."""

import numpy as np
import pytest
import torch

from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.deployments.forms import forms_of_circuit, forms_of_layers
from qaml_qiskit.models import QVC, QVCConfig, predict
from qaml_qiskit.simulation import use_backend
from tests.tolerances import VALUE

EXACT = VALUE[torch.float64]
MODELS = {
    "qubits": {"num_classes": 3, "num_layers": 2},
    "linear": {"num_classes": 3, "num_layers": 2, "readout": "linear"},
    "pairs": {"num_classes": 4, "num_layers": 1, "readout": "linear-zz"},
    "parity": {"num_classes": 2, "num_layers": 2, "readout": "parity"},
    "single": {"num_classes": 2, "num_layers": 3, "readout": "single", "ansatz": "cnot"},
    "gray": {"num_classes": 2, "num_layers": 2, "pixel_order": "gray"},
    "real": {"num_classes": 2, "num_layers": 2, "ansatz": "real"},
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_forms_of_the_matrix_are_those_of_the_layers(name: str, backend: str) -> None:
    """Of images with fewer pixels than there are amplitudes."""
    model = QVC(QVCConfig(image_shape=(1, 3, 4), **MODELS[name]), seed=3)
    with torch.no_grad():
        model.weight.normal_(generator=torch.Generator().manual_seed(1))
    with use_backend(backend):
        direct = forms_of_circuit(model)
    carried = forms_of_layers(model, native_circuit(model, "gate", with_encoding=False))
    np.testing.assert_allclose(direct.matrices, (carried.matrices + carried.matrices.mT) / 2, atol=EXACT)
    assert direct.highest is not None
    np.testing.assert_array_equal(direct.highest, carried.highest)
    images = torch.rand(5, 1, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    pixels = images.flatten(1).numpy()
    values = np.einsum("nd,kde,ne->nk", pixels, direct.matrices, pixels) / (pixels**2).sum(1, keepdims=True)
    logits = predict(direct.double, images).numpy()
    np.testing.assert_allclose(model.config.logit_scale * values, logits, atol=20 * EXACT)
