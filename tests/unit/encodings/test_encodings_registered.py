"""What every registered encoding must keep to."""

import pytest
import torch
from qiskit.quantum_info import Statevector

from qaml_qiskit.encodings import ENCODINGS, encoding_defaults, encoding_for
from qaml_qiskit.errors import ConfigurationError
from tests.tolerances import VALUE

SHAPE = (1, 2, 3)


def images() -> torch.Tensor:
    return torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("order", ["flat", "gray"])
@pytest.mark.parametrize("name", list(ENCODINGS))
def test_the_circuit_prepares_the_state(name: str, order: str) -> None:
    layers, _ = encoding_defaults(name)
    encoding = encoding_for(name, SHAPE, layers=layers, order=order)  # type: ignore[arg-type]
    states = encoding.state(images())
    assert encoding.name == name
    assert encoding.num_qubits == (6 if encoding.qubit_a_pixel else 3)
    assert encoding.angles(images()).shape == (3, len(encoding.parameters))
    tolerance = VALUE[torch.float32 if encoding.fits_images else torch.float64]
    for image, state in zip(images(), states, strict=True):
        prepared = torch.from_numpy(Statevector(encoding.circuit_for(image)).data)
        assert (prepared - state).abs().max() < tolerance
    overlap = (encoding.wanted(images()) * states).sum(1) ** 2
    assert (encoding.fidelity(images()) - overlap).abs().max() < VALUE[torch.float64]


@pytest.mark.parametrize("name", list(ENCODINGS))
def test_positions_are_where_the_pixels_are(name: str) -> None:
    layers, order = encoding_defaults(name)
    encoding = encoding_for(name, SHAPE, layers=layers, order=order)
    if (positions := encoding.positions(SHAPE)) is None:
        return
    pixels = images().flatten(1)
    expected = torch.zeros(3, 2**encoding.num_qubits, dtype=torch.float64)
    expected[:, positions] = pixels / pixels.norm(dim=1, keepdim=True)
    assert (encoding.state(images()) - expected).abs().max() < VALUE[torch.float64]


@pytest.mark.parametrize("name", list(ENCODINGS))
def test_every_gradient_rule_prepares_the_same_state(name: str) -> None:
    encoding = encoding_for(name, SHAPE, layers=encoding_defaults(name)[0])
    for rule in encoding.gradient_rules:
        other = encoding.differentiated(rule)
        assert (type(other), other.num_qubits) == (type(encoding), encoding.num_qubits)
        assert (other.state(images()) - encoding.state(images())).abs().max() < VALUE[torch.float64]


def test_defaults() -> None:
    assert encoding_defaults("multiplexed") == (None, "flat")
    assert encoding_defaults("approximate") == (2, "gray")
    assert encoding_defaults("approximate", 3, "flat") == (3, "flat")


@pytest.mark.parametrize(("name", "layers", "said"), [("approximate", None, "Give"), ("angle", 2, "Leave out")])
def test_layers_that_do_not_fit_are_refused(name: str, layers: int | None, said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"layers do not fit the encoding.*{said} --encoding-layers"):
        encoding_for(name, SHAPE, layers=layers)
