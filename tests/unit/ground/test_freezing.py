"""A model that is attacked or judged is judged as it is, and comes back as it was."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.attacks import (
    AuditSettings,
    FGSMConfig,
    PGDConfig,
    audit,
    drawn_accuracy,
    frozen,
    make_attack,
    run_attack,
)
from qaml_qiskit.attacks.quantum import AngleAttack, Budget, CrosstalkAttack, GateAttack, logits_of_weights
from qaml_qiskit.errors import InputError
from qaml_qiskit.freezing import evaluating
from qaml_qiskit.models import QVC, QVCConfig, predict
from tests.tolerances import DIFFERENT

LABELS = torch.arange(24) % 3
SMALL = {"square": {"queries": 20}, "autoattack": {"queries": 20, "steps": 3}, "cw": {"steps": 5}}


def network() -> nn.Sequential:
    """With modules whose mode matters, in evaluation mode, its statistics unlike those of the images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.Flatten(), nn.Dropout(0.5), nn.Linear(216, 3))
        norm = model[1]
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        norm.running_mean.normal_()
        with torch.no_grad():
            model(images())
    return model.eval()


def images() -> Tensor:
    return torch.rand(24, 1, 8, 8, generator=torch.Generator().manual_seed(4))


def contents(model: nn.Module) -> dict[str, tuple[Tensor, bool]]:
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: (tensor.detach().clone(), tensor.requires_grad) for name, tensor in tensors.items()}


def unchanged(model: nn.Module, before: dict[str, tuple[Tensor, bool]]) -> bool:
    after = contents(model)
    return all(torch.equal(after[name][0], kept) and after[name][1] == flag for name, (kept, flag) in before.items())


@pytest.mark.parametrize(
    "name", ["fgsm", "pgd", "bim", "mim", "cw", "deepfool", "square", "apgd", "autoattack", "audit", "drawn"]
)
def test_the_model_is_judged_in_evaluation_mode_and_comes_back(name: str) -> None:
    model, pictures = network(), images()
    model[4].requires_grad_(False)
    model[3].train()  # a mode of its own, which must come back too
    before, modes = contents(model), [module.training for module in model.modules()]
    with evaluating(model):
        clean = model(pictures).argmax(1)
    if name == "audit":
        audit(model, pictures, clean, PGDConfig(eps=0.1, steps=2))
    elif name == "drawn":
        assert drawn_accuracy(model, pictures, clean, 3).value == 1
    else:
        eps = {} if name in {"cw", "deepfool"} else {"eps": 0.1}
        result = run_attack(model, pictures, clean, make_attack(name, **eps, **SMALL.get(name, {})))
        with evaluating(model):
            really = model(result.images).argmax(1) != clean
        assert result.clean_accuracy == 1
        assert torch.equal(result.fooled, really)
    assert unchanged(model, before)
    assert [module.training for module in model.modules()] == modes


def test_what_a_library_does_to_the_model_is_undone_before_it_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pictures = network(), images()
    before, clean = contents(model), model(images()).argmax(1)

    def rude(self: FGSMConfig, victim: nn.Module, num_classes: int, seed: int | None = None) -> Callable[..., Tensor]:
        def attack(pixels: Tensor, labels: Tensor) -> Tensor:
            model.train()
            model(pixels)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.neg_()
            model[1].running_mean = torch.zeros(6)
            return pixels

        return attack

    monkeypatch.setattr(FGSMConfig, "build", rude)
    result = run_attack(model, pictures, clean, FGSMConfig())
    assert not result.fooled.any()
    assert unchanged(model, before)
    assert not any(module.training for module in model.modules())


def test_an_attack_that_fails_gives_the_model_back_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network()
    before = contents(model)

    def failing(
        self: FGSMConfig, victim: nn.Module, num_classes: int, seed: int | None = None
    ) -> Callable[..., Tensor]:
        def attack(pixels: Tensor, labels: Tensor) -> Tensor:
            model.train()
            model(pixels)
            raise ArithmeticError

        return attack

    monkeypatch.setattr(FGSMConfig, "build", failing)
    with pytest.raises(ArithmeticError):
        run_attack(model, images(), LABELS, FGSMConfig(), spare_wrong=False)
    assert unchanged(model, before)
    assert not any(module.training for module in model.modules())


def test_nan_and_signed_zeros_come_back_bit_for_bit() -> None:
    model = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.0, -0.0], [torch.nan, 1.0]]))
    before = model.weight.detach().clone().view(torch.int32)
    with frozen(model), torch.no_grad():
        model.weight.neg_()
    assert torch.equal(model.weight.detach().view(torch.int32), before)


def test_a_graph_from_before_the_attack_can_still_be_used() -> None:
    model, pictures = network(), images()
    loss = model(pictures).sum()
    run_attack(model, pictures, LABELS, FGSMConfig())
    loss.backward()
    assert model[0].weight.grad is not None


def test_predicting_leaves_every_mode_alone() -> None:
    model = network().train()
    model[1].eval()
    modes = [module.training for module in model.modules()]
    before = contents(model)
    first, second = predict(model, images()), predict(model, images())
    assert torch.equal(first, second)
    assert [module.training for module in model.modules()] == modes
    assert unchanged(model, before)


def test_a_neighbours_victim_is_judged_in_evaluation_mode() -> None:
    model = network().train()
    before = contents(model)
    with evaluating(model):
        labels = model(images()).argmax(1)
    damage = CrosstalkAttack(lambda angles: model, 1, images(), labels).damage(Budget(0.1))
    assert (damage.before, damage.after) == (1, 1)
    assert unchanged(model, before)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_gradients_that_the_caller_turned_off_are_there_for_an_attack(context: Callable[[], object]) -> None:
    classifier = QVC(QVCConfig(image_shape=(1, 8, 8), num_classes=3, num_layers=8), 2)
    for model in (network(), classifier):
        labels = predict(model, images()).argmax(1)
        attack = PGDConfig(eps=0.2, steps=3)
        plain = run_attack(model, images(), labels, attack).images
        with context():
            inside = run_attack(model, images(), labels, attack).images
            report = audit(model, images(), labels, attack, AuditSettings(queries=5, least_steps=1, factor=1))
        assert torch.equal(inside, plain)
        assert (plain - images()).abs().max() > DIFFERENT
        assert report.clean_accuracy == 1
    logits, weight = logits_of_weights(classifier, "connector.weight", images())
    with context():
        damage = AngleAttack(logits, weight, labels, steps=2).damage(Budget(0.3))
        GateAttack(logits, weight, [(0, 1, 2), (3, 4, 5)], labels, candidates=1).damage(Budget(1.0))
    assert damage.change.abs().max() > 0


def test_a_model_made_in_inference_mode_is_refused() -> None:
    with torch.inference_mode():
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with pytest.raises(InputError, match="inference_mode"):
        run_attack(model, images(), LABELS, FGSMConfig())
