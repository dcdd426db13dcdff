"""The compiled fit of V-layers beside the one in torch."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from qaml_qiskit.encodings import ApproximateEncoding
from qaml_qiskit.encodings.compiled import CompiledFit, load_fit
from qaml_qiskit.encodings.v_layers import analytic_start, prepared, refine, v_bonds
from tests.tolerances import FIT_REACHED, FIT_STATE, VALUE

EXACT = VALUE[torch.float64]
LIBRARY = load_fit()
#: Nothing to compare with where there is no compiler.
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="the fit was not compiled")


def levels() -> Iterator[CompiledFit]:
    """Every instruction set that this machine has."""
    assert LIBRARY is not None
    return (CompiledFit(LIBRARY.library, level) for level in range(LIBRARY.level + 1))


def pictures(seed: int, num_qubits: int, kind: str) -> Tensor:
    """Normalised states as images are: signed, with many black pixels, of few grey levels, black in one half."""
    generator = torch.Generator().manual_seed(seed)
    found = torch.randn(3, 2**num_qubits, dtype=torch.float64, generator=generator)
    if kind == "black":
        found *= torch.rand(found.shape, generator=generator) < 0.3
    elif kind == "grey":
        found = (found * 2).round()
    elif kind == "half":
        found[:, 2 ** (num_qubits - 1) :] = 0
    return normalize(found, dim=1)


def grey(count: int) -> Tensor:
    """Images of shape (count, 1, 4, 8)."""
    return torch.rand(count, 1, 4, 8, generator=torch.Generator().manual_seed(count))


def in_torch(states: Tensor, layers: int, sweeps: int) -> tuple[Tensor, Tensor]:
    """Rotors, and what they prepare."""
    num_qubits = states.shape[1].bit_length() - 1
    bonds = v_bonds(num_qubits, layers)
    rotors = refine(states, analytic_start(states, num_qubits, layers), bonds, sweeps)
    return rotors, prepared(rotors, bonds, num_qubits)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 8),
    st.integers(1, 3),
    st.integers(0, 4),
    st.sampled_from(["signed", "black", "grey", "half"]),
)
@settings(max_examples=20, deadline=None)
def test_it_reaches_what_torch_reaches(seed: int, num_qubits: int, layers: int, sweeps: int, kind: str) -> None:
    states = pictures(seed, num_qubits, kind)
    assume(bool((states.norm(dim=1) > 0).all()))
    _, expected = in_torch(states, layers, sweeps)
    for fit in levels():
        made = fit.prepared(states, layers, sweeps)
        reached = ((made * states).sum(1) - (expected * states).sum(1)).abs().max()
        assert reached < FIT_REACHED
        assert (made - expected).abs().max() < FIT_STATE


@pytest.mark.parametrize(("num_qubits", "layers"), [(2, 1), (3, 2), (6, 3), (7, 2), (10, 4)])
@pytest.mark.parametrize("sweeps", [0, 1, 2])
def test_rotors_are_those_of_torch(num_qubits: int, layers: int, sweeps: int) -> None:
    """Up to the sign of a rotor, which is none of its rotation's."""
    states = pictures(5, num_qubits, "signed")
    expected, _ = in_torch(states, layers, sweeps)
    for fit in levels():
        rotors = fit.rotors(states, layers, sweeps)
        signs = torch.where((rotors * expected).sum((2, 3), keepdim=True) < 0, -1.0, 1.0)
        assert (signs * rotors - expected).abs().max() < FIT_REACHED


@pytest.mark.parametrize("size", [1, 2, 5, 33])
def test_results_depend_on_neither_threads_nor_batch(size: int) -> None:
    states = normalize(grey(80).double().reshape(40, 64), dim=1)
    threads = torch.get_num_threads()
    for fit in levels():
        try:
            torch.set_num_threads(1)
            alone = torch.cat([fit.rotors(part, 2, 3) for part in states.split(size)], dim=1)
            torch.set_num_threads(3)
            assert torch.equal(fit.rotors(states, 2, 3), alone)
        finally:
            torch.set_num_threads(threads)


def test_without_a_compiler_torch_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    encoding, images = ApproximateEncoding(5, 2, sweeps=2), grey(3)
    state, angles = encoding.state(images), encoding.angles(images)
    monkeypatch.setattr("qaml_qiskit.encodings.approximate.load_fit", lambda: None)
    assert (encoding.state(images) - state).abs().max() < VALUE[torch.float32]
    assert torch.cos(encoding.angles(images) - angles).min() > 1 - FIT_REACHED


def test_a_gradient_goes_through_torch_and_meets_the_same_state() -> None:
    encoding = ApproximateEncoding(5, 1, sweeps=2)
    images = grey(2).double()
    images.requires_grad_()
    followed = encoding.state(images)
    assert (followed - encoding.state(images.detach())).abs().max() < FIT_STATE
    (slope,) = torch.autograd.grad(followed[:, 0].sum(), images)
    assert slope.abs().max() > 0


def test_no_images_are_no_states() -> None:
    encoding = ApproximateEncoding(4, 2)
    nothing = torch.zeros(0, 1, 4, 4)
    assert encoding.state(nothing).shape == (0, 16)
    assert len(encoding.angles(nothing)) == 0
