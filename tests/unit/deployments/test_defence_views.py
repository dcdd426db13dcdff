"""The modules through which a defended deployment is known."""

import pytest
import torch

from qaml_qiskit.attacks import RandomModule
from qaml_qiskit.deployments import LayersRule, deploy
from qaml_qiskit.deployments.defence_views import defence_views, paired_forms, twin_of
from qaml_qiskit.deployments.drawing import Drawing
from tests.integration.small import ideal
from tests.tolerances import DIFFERENT, SIGMAS, VALUE
from tests.unit.deployments.noise_layer_models import deployed, images, qvc, stored


def test_noise_layers_are_known_by_their_average_and_their_draws() -> None:
    model = deployed()
    for defended, is_random in ((model, False), (model.drawing("majority", 5), True), (model.drawing("mean", 2), True)):
        twin = twin_of(defended)
        assert twin is not None
        assert twin.name == "m@layers:off"
        views = defence_views(defended, twin, ())
        assert views.is_random == is_random
        assert views.exact is not None
        assert torch.allclose(views.exact(images()), model.module(images()), atol=VALUE[torch.float32])
        assert views.twin is not None
        plain = qvc().without_noise_layers().eval()
        assert torch.allclose(views.twin(images()), plain(images()), atol=VALUE[torch.float32])
        assert isinstance(views.drawn, RandomModule)


def test_one_draw_is_a_draw_with_a_gradient_and_averages_to_the_channel() -> None:
    drawn = defence_views(deployed().drawing("majority", 7), None, ()).drawn
    assert isinstance(drawn, Drawing)
    drawn.reseed(3)
    first = drawn(images())
    drawn.reseed(3)
    assert torch.equal(first, drawn(images()))
    with torch.no_grad():
        found = torch.stack([drawn(images()) for _ in range(600)])
    error = found.std(dim=0) / 600**0.5
    assert bool((error > 0).all())
    assert bool(((found.mean(dim=0) - deployed().module(images())).abs() < SIGMAS * error).all())
    points = images().requires_grad_()
    (slopes,) = torch.autograd.grad(drawn(points)[:, 0].sum(), points)
    assert slopes.abs().max() > DIFFERENT


def test_smoothing_has_draws_and_no_known_expectation() -> None:
    smoothed = ideal().smoothed(0.25, 10)
    twin = twin_of(smoothed)
    assert twin is not None
    assert twin.name == "small"
    views = defence_views(smoothed, twin, (ideal(),))
    assert views.is_random
    assert views.expectation is None
    assert isinstance(views.one_draw, RandomModule)
    assert list(views.sources) == ["small"]


def test_a_noise_is_taken_off_and_weights_are_not() -> None:
    noisy = ideal().under("depolarizing", 0.01)
    twin = twin_of(noisy)
    assert twin is not None
    assert twin.name == "small"
    assert twin_of(ideal()) is None
    views = defence_views(noisy, twin, ())
    assert not views.is_random
    assert views.one_draw is None
    # Layers are taken off first, and the noise stays.
    taken = twin_of(deployed().under("depolarizing", 0.01))
    assert taken is not None
    assert (taken.condition.rule, str(taken.condition)) == (LayersRule("off"), "depolarizing:0.01")


def test_layers_that_act_in_training_alone_are_no_defence_in_use() -> None:
    assert twin_of(deploy(stored(qvc(phases="training")), name="m")) is None


@pytest.mark.parametrize("rule", [None, LayersRule("mean", 3)])
def test_forms_are_those_of_the_expectation_and_of_the_twin(rule: LayersRule | None) -> None:
    defended = deployed().by(rule)
    forms = paired_forms(defended, twin_of(defended))
    assert forms is not None
    pixels = images().double().flatten(1)
    for each, model in zip(forms, (deployed(), deployed().without_layers), strict=True):
        values = torch.einsum("ni,kij,nj->nk", pixels, each, pixels) / (pixels**2).sum(dim=1, keepdim=True)
        logits = model.forms().double(images().double())
        scale = (values * logits).sum() / (values * values).sum()
        assert torch.allclose(scale * values, logits, atol=VALUE[torch.float32])
    assert paired_forms(ideal().smoothed(0.1, 3), ideal()) is None
    assert paired_forms(ideal(), None) is None
