"""Adversarial trainings: what they see, what they leave alone, and what they refuse."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.attacks.model_adapter import ModelAdapter
from qaml_qiskit.defences import DEFENCES, Adversarial, AgainstAdversary, Combined, Trades
from qaml_qiskit.defences.constant import constant_weights
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.freezing import frozen
from qaml_qiskit.models import AdjointConnector, Clean, Objective, Trainer, TrainingConfig, build_model, parse_config
from qaml_qiskit.workflows.defence_options import DEFENCE_OPTIONS
from qaml_qiskit.workflows.training import objective_of
from qaml_qiskit.workflows.training_options import TrainingOptions
from tests.tolerances import GRADIENT, VALUE

#: A model of every kind that can be trained.
KINDS = {
    "qvc": {"num_layers": 2},
    "hybrid": {"num_layers": 2},
    "quadratic": {},
    "convnet": {},
    "resnet18": {},
    "fnn": {},
    "cnn": {},
}
AGAINST: list[type[AgainstAdversary]] = [Adversarial, Combined, Trades]


def model_of(kind: str = "qvc", classes: int = 3) -> nn.Module:
    values = {"kind": kind, "image_shape": (1, 8, 8), "num_classes": classes, **KINDS[kind]}
    return build_model(parse_config(values), 1)


def batch(count: int = 8, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 1, 8, 8, generator=generator)
    return images, torch.randint(classes, (count,), generator=generator)


def loss_of(objective: Objective, model: nn.Module) -> float:
    torch.manual_seed(0)
    return objective.loss(model, *batch(), torch.Generator().manual_seed(0))[0].item()


@pytest.mark.parametrize("name", [*DEFENCE_OPTIONS])
def test_options_are_the_settings_of_the_defence(name: str) -> None:
    settings, options = DEFENCES[name].model_fields, TrainingOptions.model_fields
    assert set(DEFENCE_OPTIONS[name].values()) == set(settings)
    assert {option: options[option].default for option in DEFENCE_OPTIONS[name]} == {
        option: settings[setting].default for option, setting in DEFENCE_OPTIONS[name].items()
    }


def test_every_defence_of_the_package_has_its_options() -> None:
    own = [name for name in DEFENCES if DEFENCES.check(name).owner == "qaml-qiskit"]
    assert set(own) == {*DEFENCE_OPTIONS, "clean"}


@pytest.mark.parametrize("adversary", ["fgsm", "pgd", "bim", "mim", "apgd"])
def test_adversarial_images_raise_the_loss_within_the_bound(adversary: str) -> None:
    model, (images, labels) = model_of().train(), batch()
    objective = Adversarial(adversary=adversary, adversary_eps=0.2)
    attacked = objective.adversarial(model, images, labels)
    assert not attacked.requires_grad
    assert (attacked - images).abs().max() <= 0.2 + VALUE[torch.float32]
    assert attacked.min() >= 0
    assert attacked.max() <= 1
    entropy = nn.functional.cross_entropy
    assert entropy(model(attacked), labels) > entropy(model(images), labels)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_autoattack_can_be_trained_against(classes: int) -> None:
    model, (images, labels) = model_of(classes=classes).train(), batch(2, classes)
    attacked = Adversarial(adversary="autoattack", adversary_eps=0.05).adversarial(model, images, labels)
    assert (attacked - images).abs().max() <= 0.05 + VALUE[torch.float32]


def test_what_the_settings_make_of_the_loss() -> None:
    model = model_of().train()
    clean = loss_of(Clean(), model)
    assert loss_of(Adversarial(adversarial_share=0), model) == clean
    assert loss_of(Combined(gamma=0), model) == pytest.approx(clean, abs=VALUE[torch.float32])
    assert loss_of(Trades(trades_weight=0), model) == pytest.approx(clean, abs=VALUE[torch.float32])
    attacked = loss_of(Adversarial(adversary="bim", adversarial_share=1), model)
    assert attacked > clean
    assert loss_of(Combined(adversary="bim", gamma=1), model) == pytest.approx(attacked, abs=VALUE[torch.float32])
    middle = (attacked + clean) / 2
    assert loss_of(Combined(adversary="bim", gamma=0.5), model) == pytest.approx(middle, abs=VALUE[torch.float32])


def test_the_first_images_of_a_batch_are_attacked() -> None:
    seen = []

    class Watched(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images.detach().clone())
            return images.flatten(1)[:, :3]

    images, labels = batch(10)
    Adversarial(adversarial_share=0.3).loss(Watched(), images, labels, torch.Generator())
    changed = (seen[-1] - images).flatten(1).abs().amax(1) > 0
    assert changed.tolist() == [True] * 3 + [False] * 7


def test_trades_ignores_the_labels_while_it_attacks() -> None:
    model, (images, labels) = model_of().train(), batch()
    torch.manual_seed(0)
    first = Trades().adversarial(model, images, labels)
    torch.manual_seed(0)
    assert torch.equal(first, Trades().adversarial(model, images, (labels + 1) % 3))


@pytest.mark.parametrize("kind", ["qvc", "hybrid", "convnet"])
def test_constant_weights_change_no_gradient_of_the_images(kind: str) -> None:
    model, (images, _) = model_of(kind).eval(), batch()
    gradients = []
    for constant in (nullcontext(), constant_weights(model)):
        with constant:
            points = images.clone().requires_grad_()
            gradients.append(torch.autograd.grad(model(points).square().sum(), points)[0])
    assert torch.allclose(*gradients, atol=GRADIENT[torch.float32])
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_constant_weights_do_not_collapse_a_deep_circuit() -> None:
    config = {"kind": "qvc", "image_shape": (1, 2, 2), "num_classes": 2, "num_layers": 40}
    model = build_model(parse_config(config), 1)
    connector = next(module for module in model.modules() if isinstance(module, AdjointConnector))
    with constant_weights(model):
        model(torch.rand(2, 1, 2, 2))
        assert connector._collapsed is None
    with frozen(model):
        model(torch.rand(2, 1, 2, 2))
        assert connector._collapsed is not None


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_an_attack_in_training_leaves_the_model_alone(statistics: str) -> None:
    model, (images, labels) = model_of("resnet18").train(), batch()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    objective = Adversarial.model_validate({"batch_norm": statistics})
    objective.adversarial(model, images, labels)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(bool((parameter.grad == 1).all()) for parameter in model.parameters() if parameter.grad is not None)


def test_the_statistics_that_are_asked_for_are_used() -> None:
    images, labels = batch()
    made = []
    for statistics in ("running", "batch"):
        torch.manual_seed(0)
        objective = Adversarial.model_validate({"batch_norm": statistics, "adversary": "bim"})
        made.append(objective.adversarial(model_of("resnet18").train(), images, labels))
    assert not torch.equal(*made)


@pytest.mark.parametrize("objective", [kind() for kind in AGAINST], ids=lambda each: each.name)
@pytest.mark.parametrize("kind", [*KINDS])
def test_every_kind_of_model_can_be_trained(kind: str, objective: AgainstAdversary) -> None:
    model, (images, labels) = model_of(kind), batch(4)
    config = TrainingConfig(epochs=1, batch_size=4, learning_rate=0.001)
    trainer = Trainer(model, (images, labels), (images, labels), config, objective=objective)
    assert trainer.run()
    (record,) = trainer.state.history
    assert record.robust_loss is not None
    assert record.robust_loss >= record.validation_loss
    assert record.deciding_loss == record.robust_loss


@pytest.mark.parametrize("choice", ["robust", "clean"])
def test_the_epoch_is_chosen_by_the_loss_that_is_asked_for(choice: str) -> None:
    images, labels = batch(16)
    objective = Adversarial.model_validate({"select_epoch": choice, "adversary_eps": 0.3})
    config = TrainingConfig(epochs=4, batch_size=8, learning_rate=0.3, schedule="constant")
    trainer = Trainer(model_of(), (images, labels), (images, labels), config, objective=objective)
    kept = []
    trainer.run(on_epoch=lambda record: kept.append(trainer.snapshot().model["connector.weight"].clone()))
    history = trainer.state.history
    assert (history[0].robust_loss is None) == (choice == "clean")
    best = min(range(4), key=lambda epoch: history[epoch].deciding_loss)
    assert torch.equal(trainer.model.state_dict()["connector.weight"], kept[best])


def test_an_attack_that_seeds_itself_draws_anew_in_every_step() -> None:
    model, (images, labels) = model_of().train(), batch()
    objective = Adversarial(adversary="apgd", adversary_eps=0.3)
    torch.manual_seed(0)
    first, second = (objective.adversarial(model, images, labels) for _ in range(2))
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"adversary": "cw"}, "one bounded in l∞: fgsm, pgd"),
        ({"adversary": "fgsm", "adversary_steps": 5}, "no use for --adversary-steps"),
        ({"adversary": "apgd", "adversary_step_size": 0.1}, "no use for --adversary-step-size"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_against(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Adversarial.model_validate(values)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Adversarial, {"adversarial_share": 1.1}),
        (Adversarial, {"adversary_eps": 2}),
        (Adversarial, {"adversary_steps": 0}),
        (Combined, {"gamma": -0.1}),
        (Trades, {"trades_weight": -1}),
    ],
    ids=str,
)
def test_settings_out_of_range(kind: type[Objective], values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        kind.model_validate(values)


def test_images_that_are_none_are_refused_in_the_first_step() -> None:
    images, labels = batch()
    config = TrainingConfig(epochs=1, batch_size=4)
    trainer = Trainer(model_of(), (images * 2, labels), (images, labels), config, objective=Adversarial())
    with pytest.raises(InputError, match=r"pixels in \[0, 1\]"):
        trainer.run()


class Black(Adversarial):
    """An adversary that takes all light."""

    def _proposed(self, adapter: ModelAdapter, images: Tensor, labels: Tensor) -> Tensor:
        return torch.zeros_like(images)


def test_what_would_become_black_stays_where_black_has_no_state() -> None:
    images, labels = batch()
    assert torch.equal(Black().adversarial(model_of("qvc"), images, labels), images)
    assert not Black().adversarial(model_of("convnet"), images, labels).any()


def test_a_batch_of_one_image_is_attacked() -> None:
    seen: list[int] = []

    class Counted(Adversarial):
        def adversarial(self, model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
            seen.append(len(images))
            return images

    for share in (0.5, 0.0):
        loss_of_first(Counted(adversarial_share=share))
    assert seen == [1, 0]


def loss_of_first(objective: Objective) -> Tensor:
    images, labels = batch(1)
    return objective.loss(model_of(), images, labels, torch.Generator())[0]


class Configured(nn.Module):
    """A network of the user's, with normalisation and a configuration that is nothing of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.config = {"hidden": 4}
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_a_network_of_the_users_can_be_trained(statistics: str) -> None:
    images, labels = torch.rand(4, 1, 4, 4), torch.tensor([0, 1, 2, 0])
    # Two images a batch, of which one is attacked: it alone has no statistics.
    config = TrainingConfig(epochs=1, batch_size=2, learning_rate=0.1)
    objective = Adversarial(batch_norm=statistics, adversary_steps=1)
    assert Trainer(Configured(), (images, labels), (images, labels), config, objective=objective).run()


@pytest.mark.parametrize("given", ["adversarial", Adversarial])
def test_what_is_no_objective_is_refused(given: object) -> None:
    part = batch()
    with pytest.raises(InputError, match=r"no objective.*with its settings"):
        Trainer(model_of(), part, part, TrainingConfig(), objective=given)  # type: ignore[arg-type]


class Unnamed(Objective):
    """An objective that says no name."""

    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


def test_an_objective_without_a_name_has_that_of_its_class() -> None:
    assert Unnamed().card.name == "Unnamed"
    assert Black().card.name == "adversarial"


def test_options_that_a_registered_defence_would_ignore_are_refused() -> None:
    class Stepping(Unnamed):
        adversary_steps: int = 3

    DEFENCES.register("stepping", Stepping)
    try:
        assert objective_of(TrainingOptions(defence="stepping", adversary_steps=5)) == Stepping(adversary_steps=5)
        with pytest.raises(ConfigurationError, match="stepping has no use for --gamma"):
            objective_of(TrainingOptions(defence="stepping", gamma=0.2))
    finally:
        DEFENCES.remove("stepping")
