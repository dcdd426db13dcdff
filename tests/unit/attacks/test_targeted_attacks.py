"""Attacks that lead to a label: within their budget, measured by us, and refused where an attack only leads away."""

import pytest
import torch

from qaml_qiskit.attacks import ATTACKS, make_attack, run_attack
from qaml_qiskit.errors import ConfigurationError, InputError
from tests.tolerances import BOUND
from tests.unit.attacks.attack_cases import Linear, images_inside

TARGETED = [name for name in ATTACKS if ATTACKS[name].traits.targeted]


def test_the_attacks_that_step_along_a_gradient_take_targets() -> None:
    assert set(TARGETED) == {"fgsm", "pgd", "bim", "mim"}


@pytest.mark.parametrize("name", TARGETED)
def test_images_are_led_to_their_targets(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model, images = Linear(3), images_inside(40)
    labels = model(images).argmax(1)
    # Every third image is to stay what it is.
    targets = (labels + torch.arange(40) % 3) % 3
    found = run_attack(model, images, labels, make_attack(name, eps=0.4), targets=targets, spare_wrong=False)
    said = model(found.images).argmax(1)
    assert found.reached is not None
    assert torch.equal(found.reached, said == targets)
    assert found.reached.float().mean() > run_attack(model, images, targets, make_attack(name, eps=0.0)).clean_accuracy
    assert torch.equal(found.fooled, said != labels)
    assert not found.fooled[targets == labels].any()
    assert found.linf.max() <= 0.4 + BOUND
    assert capsys.readouterr().out == ""


def test_a_linear_model_is_led_as_far_as_its_signs_allow() -> None:
    model, images = Linear(2, bias=0.0), images_inside(30)
    labels = model(images).argmax(1)
    found = run_attack(model, images, labels, make_attack("fgsm", eps=0.1), targets=1 - labels)
    # With two classes the other label is the only way, and one step of FGSM is the best there is.
    assert found.reached is not None
    assert torch.equal(found.reached, model.radii(images, "linf") < 0.1)


def test_what_only_leads_away_takes_no_targets() -> None:
    model, images = Linear(3), images_inside(4)
    labels = model(images).argmax(1)
    for name in set(ATTACKS) - set(TARGETED):
        with pytest.raises(ConfigurationError, match="takes no targets"):
            run_attack(model, images, labels, make_attack(name), targets=labels)


def test_a_target_is_a_class() -> None:
    model, images = Linear(3), images_inside(4)
    with pytest.raises(InputError):
        run_attack(model, images, model(images).argmax(1), make_attack("pgd"), targets=torch.full((4,), 3))
