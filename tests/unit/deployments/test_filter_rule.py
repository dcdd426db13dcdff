"""A model that sees images through a filter says of every image what it says of the filtered one, wherever it is."""

import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from qaml_qiskit.attacks import PGDConfig, run_attack
from qaml_qiskit.deployments import Deployment, deploy
from qaml_qiskit.deployments.defence_views import defence_views, expectation_of, paired_forms, twin_of
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.filters import parse_filter
from qaml_qiskit.models import QVC, ConvNet, ConvNetConfig, DataCard, HybridConfig, ModelCard, QVCConfig, StoredModel
from qaml_qiskit.models.hybrid import Hybrid
from tests.tolerances import DIFFERENT, VALUE

SINGLE = VALUE[torch.float32]
WORDS = ("median:2", "bits:1")
QVCS = {
    "multiplexed": lambda: QVC(QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2), 5),
    "gray": lambda: QVC(QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2, pixel_order="gray"), 5),
    "angle": lambda: QVC(QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2, encoding="angle"), 5),
    "approximate": lambda: QVC(
        QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2, encoding="approximate", encoding_layers=1), 5
    ),
    "hybrid": lambda: Hybrid(HybridConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2), 5),
}
PLACES: dict[str, Callable[[Deployment], Deployment]] = {
    "ideal": lambda each: each,
    "by gate": lambda each: each.under("depolarizing", 0.02),
    "by layer": lambda each: each.under("amplitude-damping", 0.05, "layer"),
    "on the encoding": lambda each: each.under("depolarizing", 0.02, on_encoding=True),
    "device": lambda each: each.on("fake-torino", "quick"),
}


def deployed(model: torch.nn.Module) -> Deployment:
    card = ModelCard(model=model.config, data=DataCard(dataset="digits", classes=(0, 1)))  # type: ignore[arg-type]
    return deploy(StoredModel(model.eval(), card), name="m")  # type: ignore[arg-type]


def images() -> Tensor:
    return torch.rand(5, 1, 2, 2, generator=torch.Generator().manual_seed(1)) + 0.1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("words", WORDS)
def test_a_qvc_says_of_an_image_what_it_says_of_the_filtered_one(place: str, words: str) -> None:
    plain = PLACES[place](deployed(QVCS["multiplexed"]()))
    filtered, seen = plain.filtered(words), parse_filter(words)(images())
    assert filtered.name.startswith(f"m@filter:{words}")
    assert torch.allclose(filtered.logits(images()), plain.logits(seen), atol=20 * SINGLE)
    assert (filtered.logits(images()) - plain.logits(images())).abs().max() > DIFFERENT
    assert abs(filtered.expectations(images()) - plain.expectations(seen)).max() < SINGLE
    assert abs(filtered.ideal(images()) - plain.ideal(seen)).max() < SINGLE
    assert abs(filtered.layer_moments(images(), [(0, 1)]) - plain.layer_moments(seen, [(0, 1)])).max() < SINGLE
    with torch.no_grad():
        assert torch.allclose(filtered.mitigated_module(images()), plain.mitigated_module(seen), atol=20 * SINGLE)


@pytest.mark.parametrize("kind", QVCS)
def test_every_encoding_and_front_has_its_filter_before_it(kind: str) -> None:
    plain = deployed(QVCS[kind]())
    filtered, seen = plain.filtered("median:2"), parse_filter("median:2")(images())
    assert torch.allclose(filtered.logits(images()), plain.logits(seen), atol=20 * SINGLE)
    device = filtered.on("fake-torino", "quick")
    assert abs(device.values(images()) - plain.on("fake-torino", "quick").values(seen)).max() < SINGLE


def test_a_network_sees_the_filtered_image_and_is_attacked_through_the_filter() -> None:
    plain = deployed(ConvNet(ConvNetConfig(image_shape=(1, 8, 8), num_classes=2, hidden=2), 0))
    some = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    filtered = plain.filtered("bits:2")
    assert torch.equal(filtered.logits(some), plain.logits(parse_filter("bits:2")(some)))
    assert torch.equal(pickle.loads(pickle.dumps(filtered)).logits(some), filtered.logits(some))
    at = some.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(filtered.module(at)[:, 0].sum(), at)
    assert slope.abs().max() > 0
    labels = filtered.logits(some).argmax(1)
    assert run_attack(filtered.module, some, labels, PGDConfig(eps=0.3, steps=3)).images.shape == some.shape


def test_what_an_audit_knows_of_a_filter() -> None:
    filtered = deployed(QVCS["multiplexed"]()).filtered("median:2")
    twin = twin_of(filtered)
    assert twin is not None
    assert twin.name == "m"
    assert expectation_of(filtered) is filtered
    assert paired_forms(filtered, twin) is None
    assert defence_views(filtered, twin, []).drawn is None
    assert filtered.notes == (
        "m@filter:median:2 sees every image through the filter median:2, through which it was not trained.",
    )


def test_a_filtered_image_has_no_exact_radius() -> None:
    with pytest.raises(ConfigurationError, match=r"the filter median:2 in front of it"):
        deployed(QVCS["multiplexed"]()).filtered("median:2").forms()
