"""Models with noise layers and smoothed images: what each inference rule says, and what it refuses."""

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from qaml_qiskit.attacks import PGDConfig, RandomModule, drawn_accuracy, run_attack
from qaml_qiskit.confidence import Temperature, softmax
from qaml_qiskit.deployments import Deployment, deploy, refusals
from qaml_qiskit.deployments.noise_layers import noise_angles
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, QVCConfig
from qaml_qiskit.simulation.heisenberg import noisy_expectations
from qaml_qiskit.studies.engines import Inputs, density
from tests.tolerances import AER, DIFFERENT, SIGMAS, VALUE
from tests.unit.deployments.noise_layer_models import deployed, images, qvc, sign_patterns, stored

SINGLE, DOUBLE = VALUE[torch.float32], VALUE[torch.float64]
PLACES: dict[str, Callable[[Deployment], Deployment]] = {
    "ideal": lambda each: each,
    "by gate": lambda each: each.under("depolarizing", 0.02),
    "by layer": lambda each: each.under("amplitude-damping", 0.05, "layer"),
    "readout": lambda each: each.under("readout", 0.1),
    "crosstalk": lambda each: each.under("crosstalk", 0.2, "layer"),
    "device": lambda each: each.on("fake-torino", "quick"),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_exact_rule_is_the_average_over_all_draws(place: str) -> None:
    model = PLACES[place](deployed())
    patterns = sign_patterns()
    strings, found = model.layers.products.strings, []
    state = model.qvc.encoding.state(images().double()).numpy()
    for angles in patterns:
        drawn = model.undrawn_layers.drawn(angles)
        found.append(density(drawn, Inputs(states=state)).z)
    tolerance = AER if place in ("by layer", "device") else DOUBLE
    mean = np.mean(found, axis=0)
    exact = density(model.layers, Inputs(states=state)).z
    assert np.abs(mean - exact).max() < tolerance
    assert np.abs(model.layer_moments(images(), strings) - mean).max() < SINGLE
    # The draws differ, and by more than what is tested.
    assert np.ptp(found, axis=0).max() > DIFFERENT
    if model.kind != "device":
        assert torch.allclose(
            model.logits(images()), model.qvc.logits(torch.from_numpy(mean)).float(), atol=20 * SINGLE
        )


@pytest.mark.parametrize("recipe", ["quick", "level3"])
def test_the_exact_rule_on_a_device_is_the_average_of_the_circuit_that_is_run(recipe: str) -> None:
    device = deployed().on("fake-torino", recipe)
    whole = device.undrawn_circuit
    assert len(noise_angles(whole.circuit)) == 4
    values = device.qvc.encoding.angles(images()).numpy()[:, whole.columns]
    sets = whole.sets(whole.products.strings)
    found = []
    for angles in sign_patterns():
        drawn = whole.drawn(angles)
        found.append(noisy_expectations(drawn.circuit, drawn.noise, sets, values=values).numpy())
    assert np.abs(device.expectations(images()) - np.mean(found, axis=0)).max() < SINGLE
    assert np.ptp(found, axis=0).max() > DIFFERENT


def test_without_noise_it_is_what_the_model_says() -> None:
    model = deployed()
    with torch.no_grad():
        assert torch.allclose(model.logits(images()), model.stored.model(images()), atol=SINGLE)
        angles = torch.from_numpy(np.stack(sign_patterns()))
        drawn = torch.stack([model.qvc.drawn_logits(images(), each) for each in angles])
    assert torch.allclose(drawn.mean(0), model.logits(images()), atol=20 * SINGLE)


def test_off_is_the_undefended_twin() -> None:
    model = deployed()
    off = model.without_layers
    assert off.name == "m@layers:off"
    plain = model.stored.model.without_noise_layers()
    assert torch.equal(off.logits(images()), deploy(stored(plain)).logits(images()))
    assert not off.qvc.circuit().num_parameters > model.qvc.encoding.circuit.num_parameters
    assert (off.logits(images()) - model.logits(images())).abs().max() > DIFFERENT
    assert off.weights == model.weights


@pytest.mark.parametrize("noise", [None, 0.02])
def test_the_mean_of_draws_comes_to_the_exact_rule(noise: float | None) -> None:
    model = deployed() if noise is None else deployed().under("depolarizing", noise)
    draws = 300 if noise is None else 60
    module = model.drawing("mean", 1).module
    assert isinstance(module, RandomModule)
    module.reseed(4)
    with torch.no_grad():
        each = torch.stack([module(images()) for _ in range(draws)])
        mean = model.drawing("mean", draws).module
        mean.reseed(4)
        assert torch.allclose(mean(images()), each.mean(0), atol=20 * SINGLE)
    error = each.std(0) / draws**0.5
    assert ((each.mean(0) - model.logits(images())).abs() < SIGMAS * error).all()


def test_the_majority_is_counted() -> None:
    model, draws = deployed(), 50
    module = model.drawing("majority", draws).module
    module.reseed(2)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        votes = [model.qvc.drawn_logits(images(), model.qvc.draw(generator)).argmax(1) for _ in range(draws)]
        found = module(images())
    shares = torch.stack([(torch.stack(votes) == label).float().mean(0) for label in (0, 1)], dim=1)
    assert torch.allclose(found, shares, atol=SINGLE)
    assert (shares > 0).all()


def test_a_vote_is_followed_by_the_gradient_of_its_mean() -> None:
    model = deployed()
    gradients = []
    for how in ("mean", "majority"):
        module, given = model.drawing(how, 20).module, images().requires_grad_()
        module.reseed(0)
        module(given)[:, 0].sum().backward()
        gradients.append(given.grad)
    assert torch.allclose(*gradients, atol=20 * SINGLE)
    assert gradients[0].abs().max() > DIFFERENT


def test_smoothing_is_a_vote_over_noisy_copies() -> None:
    model = deployed()
    module = model.smoothed(0.3, 40).module
    module.reseed(1)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        copies = [images() + 0.3 * torch.randn(images().shape, generator=generator) for _ in range(40)]
        votes = torch.stack([model.logits(each).argmax(1) for each in copies])
        assert torch.allclose(module(images())[:, 1], votes.float().mean(0), atol=SINGLE)


def test_the_seed_decides_about_the_draws() -> None:
    def said(seed: int) -> torch.Tensor:
        return deploy(stored(qvc()), "layers:mean:5", seed=seed).logits(images())

    before = torch.get_rng_state()
    assert torch.equal(said(1), said(1))
    assert not torch.equal(said(1), said(2))
    model = deployed().drawing("mean", 5)
    assert torch.equal(model.logits(images()), pickle.loads(pickle.dumps(model)).logits(images()))
    # Whatever was done to a module: the next is a new one.
    model.module.reseed(9)
    assert torch.equal(model.logits(images()), model.logits(images()))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("rule", ["layers:mean:3", "layers:majority:3", "smoothing:0.2:3"])
def test_attacks_on_draws_are_repeated(rule: str) -> None:
    model = deploy(stored(qvc()), rule)
    labels = torch.tensor([0, 1, 0, 1])
    found = [run_attack(model.module, images().clamp(0, 1), labels, PGDConfig(eps=0.1, steps=3)) for _ in range(2)]
    assert torch.equal(found[0].images, found[1].images)
    asked = drawn_accuracy(model.module, images(), labels, 5, seed=1)
    assert asked.correct.shape == (5, 4)


@pytest.mark.parametrize(
    ("phases", "rule", "said"),
    [
        ("both", "", "exact average"),
        ("training", "", "without its noise layers"),
        ("both", "layers:off", "is asked without them"),
        ("training", "layers:exact", "in training alone, and is asked with them"),
        ("training", "layers:majority:7", "majority vote of 7 fresh draws"),
        ("inference", "layers:mean:7", "mean of the logits of 7 fresh draws"),
        ("both", "smoothing:0.5:7", "not trained with Gaussian noise"),
    ],
)
def test_results_say_how_the_model_answered(phases: str, rule: str, said: str) -> None:
    notes = deploy(stored(qvc(phases=phases)), rule).notes
    assert said in " ".join(notes)
    assert ("random" in " ".join(notes)) == (rule.count(":") == 2)


def test_a_model_says_nothing_of_noise_layers_that_it_never_had() -> None:
    plain = deploy(stored(QVC(QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2))), name="plain")
    assert plain.notes == ()
    with pytest.raises(ConfigurationError, match="train --noise-layers"):
        _ = plain.without_layers
    with pytest.raises(ConfigurationError, match="has no noise layers"):
        plain.at(plain.condition.by(deployed().without_layers.condition.rule))


def test_layers_that_are_for_training_alone_act_when_they_are_asked_for() -> None:
    asked = deploy(stored(qvc(phases="training")), "layers:exact")
    assert torch.allclose(asked.logits(images()), deployed().logits(images()), atol=SINGLE)
    assert asked.has_noise_layers
    assert not deployed(phases="training").has_noise_layers


def test_forms_hold_the_exact_channel_and_draws_have_none() -> None:
    model = deployed().under("depolarizing", 0.01)
    forms, pixels = model.forms(), images().flatten(1).double().numpy()
    normalised = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    said = 20 * np.einsum("ni,kij,nj->nk", normalised, forms.matrices, normalised)
    assert np.abs(said - model.logits(images()).numpy()).max() < 20 * SINGLE
    for drawing in (model.drawing("mean", 3), model.smoothed(0.1, 3)):
        with pytest.raises(ConfigurationError, match="computed exactly") as refused:
            drawing.forms()
        assert drawing.expected.name in str(refused.value)
    assert model.drawing("mean", 3).expected.name == "m@layers:exact@depolarizing:0.01"
    assert model.smoothed(0.1, 3).expected.name == "m@depolarizing:0.01"
    assert model.without_layers.expected.name == "m@layers:off@depolarizing:0.01"


def test_what_a_target_cannot_do_is_refused() -> None:
    device = deployed().on("fake-torino", "quick")
    with pytest.raises(ConfigurationError, match="which no circuit does"):
        device.drawing("mean", 2).expected.values(images())
    with pytest.raises(ConfigurationError, match="m@layers:exact@fake-torino"):
        device.drawing("mean", 2).logits(images())
    with pytest.raises(ConfigurationError, match="averaged over its draws"):
        device.drawing("majority", 2).sample({"all": images()}, shots=10)
    assert "fake" in str(refusals.cannot_average(device.name))


def test_rows_are_images_and_their_draws() -> None:
    device = deployed().on("ideal", "quick").drawing("mean", 3)
    values = device.values(images(), seed=7)
    assert values.shape == (12, device.compiled.isa.num_parameters)
    assert np.array_equal(values, device.values(images(), seed=7))
    drawn = [index for index, each in enumerate(device.compiled.isa.parameters) if each.name.startswith("ν")]
    encoded = np.delete(values, drawn, axis=1)
    assert np.array_equal(encoded, np.repeat(encoded[::3], 3, axis=0))
    assert len(np.unique(values[:, drawn])) == 12 * 4
    assert deployed().on("ideal", "quick").draws == 10
    copies = device.smoothed(0.1, 3).values(images())
    assert len(np.unique(copies)) == copies.size == values.size


def test_votes_are_probabilities_by_themselves() -> None:
    model = deployed().calibrated(Temperature(value=0.1, images=1)).drawing("majority", 5)
    voting = replace(model, own_temperature=None)
    np.testing.assert_array_equal(voting.predict_proba(images()), voting.logits(images()).numpy())
    # A temperature that was fitted to the shares is what somebody wants.
    np.testing.assert_array_equal(model.predict_proba(images()), softmax(model.logits(images()).numpy(), 0.1))
