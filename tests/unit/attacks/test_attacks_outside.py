"""An attack from outside the package, and the table of the documentation."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar, Literal

import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit import registry
from qaml_qiskit.attacks import (
    ATTACKS,
    Adversary,
    Attack,
    AuditSettings,
    BoundedAttack,
    Traits,
    attack_grid,
    audit,
    make_attack,
    run_attack,
)
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.registry import Registry
from tests.tolerances import BOUND
from tests.unit.attacks.attack_cases import Linear, images_inside

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "attacks.md"


class ToyAttack(BoundedAttack):
    """One step along the gradient of the margin, much too long.

    Attributes:
        overdo: factor of the step's length.
    """

    traits: ClassVar[Traits] = Traits("linf", True, "one-step", False, "nowhere")
    name: Literal["toy"] = "toy"
    overdo: float = 3.0

    def build(self, model: nn.Module, num_classes: int, run: int = 0) -> Adversary:
        def attacked(images: Tensor, labels: Tensor) -> Tensor:
            point = images.clone().requires_grad_()
            logits = model(point)
            chosen = torch.nn.functional.one_hot(labels, num_classes).bool()
            lead = logits[chosen] - logits.masked_fill(chosen, -torch.inf).amax(1)
            return images - self.overdo * self.eps * torch.autograd.grad(lead.sum(), point)[0].sign()

        return attacked


@pytest.fixture
def toy() -> Iterator[None]:
    ATTACKS.register("toy", ToyAttack)
    yield
    ATTACKS.remove("toy")


@pytest.mark.usefixtures("toy")
def test_an_attack_from_outside_is_run_and_audited() -> None:
    model, images = Linear(2), images_inside(12)
    labels, radii = model(images).argmax(1), model.radii(images, "linf")
    eps = float(radii.sort().values[5:7].mean())
    (attack,) = attack_grid(["toy"], [eps], seed=1, param=["overdo=5"])
    assert isinstance(attack, ToyAttack)
    assert (attack.overdo, attack.seed) == (5.0, 1)
    result = run_attack(model, images, labels, attack)
    assert result.attack == "toy"
    assert result.linf.max() <= eps + BOUND
    # On a linear model of two classes nothing beats a step along the margin's gradient; it is clipped to the ball.
    assert torch.equal(result.fooled, radii < eps)
    report = audit(model, images, labels, attack, AuditSettings(least_steps=5, restarts=1, queries=20))
    assert report.robust_accuracy == result.robust_accuracy
    assert report.verdict == "sound"


@pytest.mark.usefixtures("toy")
def test_it_is_named_like_the_others_and_its_parameters_are_checked() -> None:
    assert ATTACKS.told()["toy"] == "One step along the gradient of the margin, much too long."
    with pytest.raises(ConfigurationError, match="Perhaps overdo"):
        make_attack("toy", overdone=1)
    with pytest.raises(ConfigurationError, match="taken by this process"):
        ATTACKS.register("toy", ToyAttack)
    with pytest.raises(ConfigurationError, match="taken by qaml-qiskit"):
        ATTACKS.register("pgd", ToyAttack)


def test_a_name_is_gone_with_its_attack() -> None:
    with pytest.raises(ConfigurationError, match="no such attack"):
        make_attack("toy")


def test_attacks_of_installed_packages_are_found_and_broken_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    points = (
        EntryPoint("toy", f"{__name__}:ToyAttack", "qaml_qiskit.attack"),
        EntryPoint("broken", "no_such_module:Attack", "qaml_qiskit.attack"),
    )
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "qaml_qiskit.attack" else ())
    attacks: Registry[type[Attack]] = Registry("attack", {})
    assert list(attacks) == ["toy", "broken"]
    assert attacks["toy"].__name__ == "ToyAttack"
    with pytest.raises(ConfigurationError, match="'broken' cannot be loaded"):
        attacks["broken"]


def test_the_documentation_lists_what_is_registered() -> None:
    rows = ["| name | what it does | `eps` bounds | reads | paper |", "|---|---|---|---|---|"]
    own = {name: told for name, told in ATTACKS.told().items() if ATTACKS.check(name).owner == "qaml-qiskit"}
    for name, told in own.items():
        traits = ATTACKS[name].traits
        bound = {"linf": "l∞", "l2": "l2"}[traits.norm]
        reads = "gradients" if traits.white_box else "logits"
        rows.append(f"| `{name}` | {told} | {bound} | {reads} | {traits.paper} |")
    assert "\n".join(rows) in DOCUMENTATION.read_text(encoding="utf-8")
