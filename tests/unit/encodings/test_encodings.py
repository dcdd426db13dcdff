import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from qiskit.quantum_info import Statevector, state_fidelity

from qaml_qiskit.encodings import MultiplexedEncoding, amplitudes, qubits_for, state_preparation
from qaml_qiskit.errors import InputError
from tests.tolerances import DIFFERENCE_STEP, EXACT_FIDELITY, FINITE_DIFFERENCE, VALUE


def prepared(encoding: MultiplexedEncoding, features: torch.Tensor) -> np.ndarray:
    angles = encoding.angles(features)
    return np.stack([Statevector(encoding.circuit.assign_parameters(row)).data for row in angles.numpy()])


@pytest.mark.parametrize("num_qubits", range(1, 8))
def test_multiplexed_circuit_prepares_the_state_with_all_signs(num_qubits: int, generator: torch.Generator) -> None:
    features = torch.randn(3, 2**num_qubits, generator=generator, dtype=torch.float64)
    features[0, 1::2] = 0  # black pixels
    encoding = MultiplexedEncoding(num_qubits)
    difference = np.abs(prepared(encoding, features) - encoding.state(features).numpy())
    assert difference.max() < VALUE[torch.float64]


@pytest.mark.parametrize("num_qubits", [2, 5, 10])
def test_multiplexed_circuit_has_the_promised_gates(num_qubits: int) -> None:
    counts = MultiplexedEncoding(num_qubits).circuit.count_ops()
    assert counts == {"ry": 2**num_qubits - 1, "cz": 2**num_qubits - num_qubits - 1}


@given(
    st.integers(1, 5).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.floats(-1, 1), min_size=1, max_size=2**n)))
)
def test_multiplexed_encoding_is_exact_for_any_vector(case: tuple[int, list[float]]) -> None:
    num_qubits, values = case
    features = torch.tensor([values], dtype=torch.float64)
    assume(bool(torch.linalg.vector_norm(features) > 0))
    encoding = MultiplexedEncoding(num_qubits)
    wanted = encoding.state(features)[0].numpy()
    assert abs(state_fidelity(prepared(encoding, features)[0], wanted, validate=False) - 1) < EXACT_FIDELITY


def test_black_blocks_get_zero_angles() -> None:
    """An angle of π on two black pixels would be right but noisy for nothing."""
    features = torch.zeros(1, 8, dtype=torch.float64)
    features[0, :4] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert MultiplexedEncoding(3).angles(features).abs().max() < np.pi


def test_state_preparation_agrees_with_the_multiplexed_encoding(generator: torch.Generator) -> None:
    image = torch.rand(1, 3, 4, generator=generator)
    state = Statevector(state_preparation(image, 4).decompose(reps=8)).data
    assert np.abs(state - amplitudes(image[None].double(), 4).numpy()).max() < VALUE[torch.float64]


def test_amplitudes_pad_and_normalise() -> None:
    states = amplitudes(torch.tensor([[[[3.0, 0.0, 4.0]]]]), 2)
    assert torch.allclose(states, torch.tensor([[0.6, 0.0, 0.8, 0.0]]))


def test_gradient_exists_inside_black_blocks() -> None:
    features = torch.zeros(1, 4, dtype=torch.float64)
    features[0, 0] = 2.0
    features.requires_grad_(True)
    weights = torch.arange(4, dtype=torch.float64)
    (amplitudes(features, 2) @ weights).sum().backward()
    step = DIFFERENCE_STEP
    numeric = []
    for i in range(4):
        shift = torch.zeros(1, 4, dtype=torch.float64)
        shift[0, i] = step
        ends = [(amplitudes(features.detach() + sign * shift, 2) @ weights).item() for sign in (1, -1)]
        numeric.append((ends[0] - ends[1]) / (2 * step))
    assert features.grad is not None
    assert np.abs(features.grad[0].numpy() - numeric).max() < FINITE_DIFFERENCE
    assert features.grad[0, 1:].abs().min() > 0


@pytest.mark.parametrize(("features", "qubits"), [(1, 1), (2, 1), (64, 6), (65, 7), (784, 10), (3072, 12)])
def test_qubits_for(features: int, qubits: int) -> None:
    assert qubits_for(features) == qubits


@pytest.mark.parametrize("bad", [0.0, float("nan"), float("inf")])
def test_unusable_images_are_named(bad: float) -> None:
    images = torch.ones(3, 1, 2, 2)
    images[2] = bad
    with pytest.raises(InputError, match="image 2"):
        amplitudes(images, 2)


def test_too_many_pixels_for_the_qubits() -> None:
    with pytest.raises(InputError, match="Use 3 qubits"):
        amplitudes(torch.ones(1, 5), 2)
