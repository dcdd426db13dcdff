import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import Statevector

from qaml_qiskit.encodings import AngleEncoding
from qaml_qiskit.errors import ConfigurationError, InputError
from tests.tolerances import VALUE


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_circuit_prepares_the_state(values: list[float]) -> None:
    encoding = AngleEncoding(len(values))
    features = torch.tensor([values], dtype=torch.float64)
    state = Statevector(encoding.circuit.assign_parameters(encoding.angles(features)[0].numpy())).data
    assert np.abs(state - encoding.state(features)[0].numpy()).max() < VALUE[torch.float64]
    assert encoding.fidelity(features).tolist() == [1.0]


def test_zero_and_one_are_basis_states() -> None:
    """Feature 0 is the least significant bit."""
    state = AngleEncoding(3).state(torch.tensor([[1.0, 0.0, 1.0]]).double())
    assert (state - torch.eye(8).double()[5]).abs().max() < VALUE[torch.float64]


def test_state_and_angles_are_differentiable(generator: torch.Generator) -> None:
    encoding = AngleEncoding(3)
    features = torch.rand(2, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(encoding.state, features)
    assert torch.autograd.gradcheck(encoding.angles, features)


def test_wrong_number_of_features() -> None:
    with pytest.raises(InputError, match="got 2 features"):
        AngleEncoding(3).angles(torch.ones(1, 2))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_unusable_examples_are_named(bad: float) -> None:
    features = torch.zeros(3, 2)
    features[2, 1] = bad
    with pytest.raises(InputError, match="example 2"):
        AngleEncoding(2).state(features)


def test_no_feature() -> None:
    with pytest.raises(ConfigurationError, match="angle encoding"):
        AngleEncoding(0)
