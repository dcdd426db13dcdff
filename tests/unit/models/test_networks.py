"""Networks of a user's: what is asked of them changes nothing in them, and what does not fit is said."""

import pickle
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from qaml_qiskit.attacks import make_attack, run_attack
from qaml_qiskit.compute import Compute
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments import deploy
from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.models import QVC, Trainer, TrainingConfig, dump_state, load_state, network_of
from tests.tolerances import VALUE
from tests.unit.models.network_cases import CLASSES, NETWORKS, SHAPE, Forward, card, hybrid, images, plain


def state_of(module: nn.Module) -> list[Any]:
    """Everything of a module that somebody could notice, and torch's random numbers."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return [
        torch.get_rng_state().tolist(),
        [each.training for each in module.modules()],
        [(name, each.requires_grad, each.grad, each.detach().float().numpy().tobytes()) for name, each in tensors],
    ]


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_is_asked_of_a_network_changes_nothing_in_it(kind: str) -> None:
    network, labels = NETWORKS[kind](), torch.tensor([0, 1, 2, 0, 1, 2])
    before = state_of(network)
    deployment = deploy(network, data=card())
    deployment.logits(images())
    run_attack(deployment.module, images(), labels, make_attack("square", queries=3))
    assert state_of(network) == before


@pytest.mark.parametrize("kind", [name for name in NETWORKS if name != "random"])
def test_logits_are_those_in_evaluation_mode(kind: str) -> None:
    network = NETWORKS[kind]()
    deployment = deploy(network, data=card())
    dtype = next((each.dtype for each in network.parameters()), torch.float32)
    with torch.no_grad():
        wanted = network.eval()(images().to(dtype)).float()
    found = deployment.logits(images())
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=0, atol=VALUE[torch.float32])


@pytest.fixture(scope="module")
def module() -> nn.Module:
    return deploy(NETWORKS["double"](), data=card()).module


@given(count=st.integers(0, 7), dtype=st.sampled_from([torch.float32, torch.float64]))
def test_any_batch_and_any_type_of_images(module: nn.Module, count: int, dtype: torch.dtype) -> None:
    logits = module(images(count).to(dtype))
    assert logits.shape == (count, CLASSES)
    if count:
        alone = torch.cat([module(each[None].to(dtype)) for each in images(count)])
        np.testing.assert_allclose(logits.numpy(), alone.numpy(), rtol=0, atol=VALUE[torch.float64])


def test_it_is_as_it_was_when_it_was_deployed() -> None:
    network = plain()
    deployment = deploy(network, data=card())
    before, weights = deployment.logits(images()), deployment.weights
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert torch.equal(deploy(network, data=card()).logits(images()), torch.zeros(6, CLASSES))
    assert torch.equal(deployment.fresh().logits(images()), before)
    assert deployment.weights == weights != deploy(network, data=card()).weights


def test_precision_is_that_of_the_network_unless_another_is_asked_for() -> None:
    assert deploy(plain().double(), data=card()).module(images()).dtype == torch.float64
    double = deploy(plain(), data=card(), compute=Compute(precision="double"))
    assert double.module(images().double()).dtype == torch.float64


def test_data_are_said_by_a_data_set_or_by_a_card() -> None:
    split = load_dataset("digits", classes=(3, 1))
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    deployments = [deploy(network, data=data) for data in (split, split.test)]
    deployments.append(deploy(network, data=deployments[0].card))
    for each in deployments:
        assert (each.card.data.dataset, each.card.data.classes) == ("digits", (3, 1))
        assert (each.card.model.image_shape, each.num_classes, each.name) == ((1, 8, 8), 2, "Sequential")


def test_a_qvc_inside_is_collapsed_and_attacked_through_everything() -> None:
    network = hybrid()
    deployment = deploy(network, data=card())
    inside = next(each for each in deployment.module.modules() if isinstance(each, QVC))
    labels = deployment.logits(images()).argmax(1)
    result = run_attack(deployment.module, images(), labels, make_attack("pgd", eps=0.3, steps=3))
    own = torch.arange(len(labels))
    assert (deployment.logits(result.images)[own, labels] < deployment.logits(images())[own, labels]).all()
    assert inside.connector._collapsed is not None
    point = images().requires_grad_()
    network.eval()(point).sum().backward()
    other = images().requires_grad_()
    deployment.module(other).sum().backward()
    assert point.grad is not None
    assert other.grad is not None
    np.testing.assert_allclose(other.grad.numpy(), point.grad.numpy(), rtol=0, atol=VALUE[torch.float32])


def test_a_module_around_a_qvc_is_trained_and_resumed() -> None:
    data = images(12), torch.arange(12) % 3
    config = TrainingConfig(epochs=4, batch_size=5, learning_rate=0.05)
    whole = hybrid()
    trainer = Trainer(whole, data, data, config)
    assert trainer.run()
    assert trainer.state.history[-1].loss < trainer.state.history[0].loss
    stopped = Trainer(hybrid(), data, data, config)
    steps = iter(range(5))
    assert not stopped.run(should_stop=lambda: next(steps, None) is None)
    state = load_state(dump_state(stopped.snapshot(), "mark"), "mark", "a file")
    resumed = hybrid()
    assert Trainer(resumed, data, data, config, state).run()
    before = dict(hybrid().named_parameters())
    for (name, one), other in zip(whole.named_parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
        assert not torch.equal(one, before[name])


def test_pickled_it_is_the_same_network() -> None:
    deployment = deploy(plain(), data=card())
    again = pickle.loads(pickle.dumps(deployment))
    assert torch.equal(again.logits(images()), deployment.logits(images()))
    assert (again.weights, again.notes) == (deployment.weights, deployment.notes)


def test_random_answers_are_said_and_are_the_same_every_time() -> None:
    deployment = deploy(NETWORKS["random"](), data=card())
    assert "is random" in deployment.notes[0]
    assert torch.equal(deployment.logits(images()), deployment.logits(images()))
    assert not deploy(plain(), data=card()).notes


def test_answers_that_depend_on_the_batch_are_said() -> None:
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16, track_running_stats=False), nn.Linear(16, CLASSES))
    with pytest.raises(InputError, match="more than 1 value per channel"):
        deploy(network, data=card())
    layers = (nn.InstanceNorm2d(1), nn.Flatten(), nn.Linear(16, CLASSES))
    assert not deploy(nn.Sequential(*layers), data=card()).notes
    assert "asked about together" in deploy(Forward(lambda z: z - z.mean(0)), data=card()).notes[0]


def test_gradient_free_attacks_need_no_gradients() -> None:
    deployment = deploy(NETWORKS["detached"](), data=card())
    deployment.check_attackable([make_attack("square")])
    with pytest.raises(ConfigurationError, match="cannot be attacked by pgd, which reads gradients: got logits that"):
        deployment.check_attackable([make_attack("square"), make_attack("pgd")])


def nan_for_bright(logits: Tensor) -> Tensor:
    return torch.where(logits[:, :1] > 1e3, torch.nan, logits)


def test_the_image_of_which_nothing_is_said_is_named() -> None:
    network = Forward(nan_for_bright)
    deployment = deploy(network, data=card(), name="net")
    bright = images()
    bright[4] = 1e6 * network.linear.weight[0].detach().reshape(SHAPE)
    with pytest.raises(InputError, match="net says nothing of image 4: got logits that are NaN"):
        deployment.logits(bright)


def fails(logits: Tensor) -> Tensor:
    raise ValueError("no\n\x1b[31mway")


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "too few outputs": (
        lambda: deploy(Forward(lambda z: z[:, :2]), data=card()),
        r"shape \(3, 2\); expected .* \(3, 3\)",
    ),
    "one image squeezed": (
        lambda: deploy(Forward(lambda z: z.squeeze()), data=card()),
        r"gives no logits: got .*\(3,\)",
    ),
    "a tuple": (lambda: deploy(Forward(lambda z: (z, z)), data=card()), "gives no logits: got a tuple"),
    "labels": (lambda: deploy(Forward(lambda z: z.long()), data=card()), "of type torch.int64"),
    "sparse logits": (lambda: deploy(Forward(lambda z: z.to_sparse()), data=card()), "gives no logits: .*sparse"),
    "it leaves": (
        lambda: deploy(Forward(lambda z: sys.exit(0)), data=card()),
        "cannot read the images: got SystemExit",
    ),
    "it raises": (lambda: deploy(Forward(fails), data=card()), "cannot read the images: got ValueError: no way"),
    "another size": (lambda: deploy(plain(), data=card((1, 9, 9))), r"cannot read the images: got RuntimeError"),
    "lazy layers": (lambda: deploy(nn.LazyLinear(3), data=card()), "has no weights yet"),
    "no weights": (lambda: deploy(plain().to("meta"), data=card()), "Sequential has no weights: got .* device meta"),
    "no numbers": (
        lambda: deploy(Forward(lambda z: z * torch.nan), data=card()),
        "gives no logits: got NaN for all of 3 random images",
    ),
    "no data": (lambda: deploy(plain()), "nobody says which images Sequential is for"),
    "other data": (lambda: deploy(plain(), data="digits"), "got a str; expected what load_dataset gives"),  # type: ignore[arg-type]
    "noise": (lambda: deploy(plain(), data=card()).under("depolarizing", 0.1), "has no quantum circuit: got a network"),
    "a target": (lambda: deploy(plain(), data=card()).on("ideal"), "has no quantum circuit"),
    "expectations": (lambda: deploy(plain(), data=card()).expectations(images()), "has no quantum circuit"),
    "forms": (lambda: deploy(plain(), data=card()).forms(), "no quadratic forms of the image: got a network"),
    "wrong images": (lambda: deploy(plain(), data=card()).logits(torch.rand(2, 1, 5, 5)), r"expected \(N, 1, 4, 4\)"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused(what: str) -> None:
    refused, said = REFUSED[what]
    with pytest.raises(QamlError, match=said):
        refused()


def test_a_module_that_cannot_be_copied_is_refused_and_untouched() -> None:
    network = plain()
    network.lock = threading.Lock()  # type: ignore[assignment]
    before = state_of(network)
    with pytest.raises(ConfigurationError, match="net cannot be copied: got TypeError"):
        network_of(network, "net", card())
    assert state_of(network) == before


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_a_network_of_torchscript() -> None:
    scripted = torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(16, CLASSES)))
    before = state_of(scripted)
    deployment = deploy(scripted, data=card())
    assert torch.equal(deployment.logits(images()), scripted(images()))
    deployment.check_attackable([make_attack("pgd")])
    assert state_of(scripted) == before


def test_a_network_that_changes_its_images_changes_a_copy() -> None:
    class Centred(nn.Module):
        def forward(self, batch: Tensor) -> Tensor:
            return batch.sub_(0.5).flatten(1)[:, :3]

    deployment, mine = deploy(Centred(), data=card()), images()
    before = mine.clone()
    assert torch.equal(deployment.logits(mine), before.sub(0.5).flatten(1)[:, :3])
    assert torch.equal(mine, before)
    assert not network_of(Centred(), "net", card()).no_gradients


def test_modes_come_back_after_a_failure() -> None:
    network = nn.Sequential(plain(), Forward(fails))
    before = state_of(network)
    with pytest.raises(InputError):
        deploy(network, data=card())
    assert state_of(network) == before
