"""The Laplace approximation against finite differences, dense matrices, and what it is where it is known."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import QVC, ConvNet, ConvNetConfig, Laplace, QVCConfig
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE, SIGMAS, VALUE

EXACT = VALUE[torch.float64]
SHAPE = (1, 2, 4)
READOUTS = ("qubits", "linear")


def model(readout: str = "qubits", layers: int = 3) -> QVC:
    config = QVCConfig(image_shape=SHAPE, num_classes=3, num_layers=layers, init_std=1.0, readout=readout)
    return QVC(config, 7).double().eval()


def images(count: int = 5) -> Tensor:
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def slopes(qvc: QVC, batch: Tensor) -> Tensor:
    """Central differences of the logits by the angles, shape (N, m, P)."""
    columns = []
    for place in range(len(qvc.weight)):
        values = []
        for sign in (1, -1):
            moved = qvc.weight.detach().clone()
            moved[place] += sign * DIFFERENCE_STEP
            values.append(Laplace(qvc, torch.zeros(0), torch.zeros(len(moved), 0)).at(moved)(batch))
        columns.append((values[0] - values[1]) / (2 * DIFFERENCE_STEP))
    return torch.stack(columns, dim=2)


def dense(qvc: QVC, batch: Tensor, scale: float) -> Tensor:
    """The generalised Gauss–Newton matrix by its definition, shape (P, P)."""
    with torch.no_grad():
        p = qvc(batch).softmax(1)
    jacobian = slopes(qvc, batch)
    hessian = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    return scale * (jacobian.mT @ hessian @ jacobian).sum(0)


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("count", [5, 15])
def test_the_covariance_is_that_of_the_dense_matrices(readout: str, count: int) -> None:
    qvc, batch = model(readout), images(count)
    prior = 0.3
    fitted = Laplace.fit(qvc, batch, trained_on=40, prior=prior)
    size = len(qvc.weight)
    posterior = torch.linalg.inv(prior * torch.eye(size, dtype=torch.float64) + dense(qvc, batch, 40 / count))
    jacobian = slopes(qvc, images(3))
    expected = jacobian @ posterior @ jacobian.mT
    found = fitted.covariances(images(3))
    assert found.shape == (1, 3, 3, 3)
    assert (found[0] - expected).abs().max() < FINITE_DIFFERENCE * max(1.0, float(expected.abs().max())) * size


def test_both_ways_to_the_spectrum_agree() -> None:
    qvc, batch = model(), images(9)  # 27 rows for 27 angles
    by_angles, by_images = Laplace.fit(qvc, batch, trained_on=9), Laplace.fit(qvc, batch[:8], trained_on=8)
    both = [each.directions * each.curvatures @ each.directions.T for each in (by_angles, by_images)]
    last = Laplace.fit(qvc, batch[8:], trained_on=1)
    difference = both[0] - both[1] - last.directions * last.curvatures @ last.directions.T
    assert difference.abs().max() < EXACT * float(both[0].abs().max())


def test_several_priors_are_each_of_them_alone() -> None:
    fitted = Laplace.fit(model(), images(), trained_on=5)
    found = fitted.covariances(images(2), (0.1, 10.0))
    for prior, mine in zip((0.1, 10.0), found, strict=True):
        assert torch.equal(fitted.with_prior(prior).covariances(images(2))[0], mine)
    assert (torch.linalg.eigvalsh(found[0] - found[1]) > -EXACT).all()


def test_samples_have_the_posteriors_covariance() -> None:
    fitted = Laplace.fit(model(layers=1), images(2), trained_on=20, prior=2.0)
    generator, draws = torch.Generator().manual_seed(1), 4000
    drawn = torch.stack([fitted.sample(generator) for _ in range(draws)]) - fitted.model.weight.detach()
    size = len(fitted.model.weight)
    precision = 2.0 * torch.eye(size, dtype=torch.float64)
    precision += fitted.directions * fitted.curvatures @ fitted.directions.T
    # Whitened, the draws are standard normal.
    white = drawn @ torch.linalg.cholesky(precision)
    assert float(white.mean(0).abs().max()) < SIGMAS / np.sqrt(draws)
    covariance = white.T @ white / draws
    assert float((covariance - torch.eye(size)).abs().max()) < SIGMAS * np.sqrt(2 / draws)


def test_a_precise_prior_moves_nothing() -> None:
    fitted = Laplace.fit(model(), images(), trained_on=5, prior=1e26)
    angles = fitted.sample(torch.Generator().manual_seed(1))
    assert (angles - fitted.model.weight).abs().max() < EXACT
    assert torch.allclose(fitted.at(angles)(images()), fitted.model(images()), atol=EXACT)
    assert fitted.covariances(images()).abs().max() < EXACT


def test_the_model_is_left_as_it_was() -> None:
    qvc = model()
    before = qvc.weight.detach().clone()
    made = Laplace.fit(qvc, images(), trained_on=5).at(before + 1)
    assert torch.equal(qvc.weight, before)
    assert qvc.weight.requires_grad
    assert not made.weight.requires_grad


def noisy() -> object:
    return model().with_noise_layers(NoiseLayers(phases="both"))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: ConvNet(ConvNetConfig(image_shape=(1, 8, 8), num_classes=3)), "no angles"),
        (noisy, "noise layers in inference"),
    ],
)
def test_what_has_none_is_refused(made: Callable[[], QVC], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Laplace.fit(made(), images(), trained_on=5)


def test_no_image_and_no_prior_are_refused() -> None:
    with pytest.raises(InputError, match="no curvature"):
        Laplace.fit(model(), images(0), trained_on=5)
    with pytest.raises(ConfigurationError, match="precision of a prior"):
        Laplace.fit(model(), images(), trained_on=5).with_prior(0.0)


def test_what_does_not_fit_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qaml_qiskit.memory.free_memory", lambda device="cpu": 1000)
    with pytest.raises(ConfigurationError, match="GiB needed"):
        Laplace.fit(model(), images(), trained_on=5)
