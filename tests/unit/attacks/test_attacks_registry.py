import pytest
import torch
from pydantic import ValidationError

from qaml_qiskit.attacks import (
    ATTACKS,
    APGDConfig,
    AutoAttackConfig,
    PGDConfig,
    SteppingAttack,
    make_attack,
    run_attack,
)
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import QVC, ConvNet, ConvNetConfig, QuadraticClassifier, QuadraticConfig, QVCConfig
from tests.tolerances import BOUND, MINIMAL_ATTACK
from tests.unit.attacks.attack_cases import Linear, images_inside

#: Enough to work on tiny models, in seconds.
QUICK: dict[str, dict[str, object]] = {"autoattack": {"steps": 10, "queries": 50}, "square": {"queries": 200}}
TABLE = {**QUICK, "deepfool": {"steps": 5}, "cw": {"steps": 20}, "pgd": {"restarts": 2}, "square": {"queries": 50}}
LINF = [name for name in ATTACKS if ATTACKS[name].traits.norm == "linf"]
MINIMAL = [name for name in ATTACKS if ATTACKS[name].traits.minimal]


def quick(name: str, **parameters: object) -> object:
    return make_attack(name, **{**QUICK.get(name, {}), **parameters})


def models() -> dict[str, torch.nn.Module]:
    return {
        "linear": Linear(3, 64),
        "qvc": QVC(QVCConfig(image_shape=(1, 8, 8), num_classes=3, num_layers=12), 2),
        "quadratic": QuadraticClassifier(QuadraticConfig(image_shape=(1, 8, 8), num_classes=2, init_std=1.0), 1),
        "convnet": ConvNet(ConvNetConfig(image_shape=(1, 8, 8), num_classes=4, hidden=8), 1),
    }


@pytest.mark.parametrize("model", ["linear", "qvc", "quadratic", "convnet"])
@pytest.mark.parametrize("name", list(ATTACKS))
def test_results_are_bounded_measured_and_repeatable(name: str, model: str, generator: torch.Generator) -> None:
    victim = models()[model]
    images = torch.rand(4, 1, 8, 8, generator=generator)
    images[0, 0, :4] = 0
    images[1, 0, 4:] = 1
    labels = victim(images).argmax(1)
    attack = make_attack(name, eps=0.1, **TABLE.get(name, {}))
    state = torch.random.get_rng_state()
    result, again = (run_attack(victim, images, labels, attack) for _ in range(2))
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(result.images, again.images)
    assert result.images.min() >= 0
    assert result.images.max() <= 1
    change = (result.images - images).flatten(1)
    assert torch.allclose(result.linf, change.abs().amax(1))
    assert torch.allclose(result.l2, change.norm(dim=1))
    assert (result.linf if result.norm == "linf" else result.l2).max() <= 0.1 + BOUND
    assert torch.equal(result.fooled, victim(result.images).argmax(1) != labels)
    assert result.clean_accuracy == 1
    assert result.robust_accuracy == pytest.approx(1 - result.success_rate)
    assert all(not parameter.grad_fn and parameter.requires_grad for parameter in victim.parameters())


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("name", LINF)
def test_linear_models_fall_exactly_beyond_their_radius(name: str, classes: int) -> None:
    model, images = Linear(classes, bias=-20.0), images_inside(12)
    labels, radii = model(images).argmax(1), model.radii(images, "linf")
    ranked = radii.sort().values
    eps = float((ranked[5] + ranked[6]) / 2)
    result = run_attack(model, images, labels, quick(name, eps=eps))
    assert not (result.fooled & (radii > eps)).any()
    # With more than two classes the cross-entropy does not lead to the nearest one; random search finds what it finds.
    if name == "autoattack" or (classes == 2 and name != "square"):
        assert torch.equal(result.fooled, radii < eps)
    assert run_attack(model, images, labels, quick(name, eps=1.0)).fooled.any()


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("name", MINIMAL)
def test_minimal_attacks_find_the_radius_and_keep_a_budget(name: str, classes: int) -> None:
    # All logits are negative, where torchattacks' C&W alone does nothing.
    model, images = Linear(classes, bias=-20.0), images_inside(12)
    labels, radii = model(images).argmax(1), model.radii(images, "l2")
    free = run_attack(model, images, labels, quick(name))
    assert free.fooled.all()
    assert free.eps is None
    assert (free.distance >= radii * (1 - MINIMAL_ATTACK["rounding"])).all()
    assert (free.distance <= radii * (1 + MINIMAL_ATTACK[name])).all()
    eps = float(free.distance.median())
    bounded = run_attack(model, images, labels, quick(name, eps=eps))
    assert torch.equal(bounded.fooled, free.distance <= eps)
    assert torch.equal(bounded.images[~bounded.fooled], images[~bounded.fooled])
    assert torch.equal(bounded.distance, free.distance)


def test_white_box_attacks_read_gradients_and_others_do_not() -> None:
    class Blind(Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images).detach()

    images = images_inside(8)
    model = Blind(3)
    labels = model(images).argmax(1)
    for name in ATTACKS:
        kind = ATTACKS[name]
        fooled = run_attack(model, images, labels, quick(name, **({"eps": 0.4} if name in LINF else {}))).fooled
        if kind.traits.white_box and kind.traits.kind == "one-step":
            assert not fooled.any()
        if not kind.traits.white_box:
            assert fooled.any()


@pytest.mark.parametrize(
    ("name", "near"), [("pdg", "pgd"), ("AutoAttak", "autoattack"), ("deepfol", "deepfool"), ("c&w", "cw")]
)
def test_unknown_attacks_offer_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Perhaps .*{near}" if near != "cw" else "one of .*cw"):
        make_attack(name)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("pgd", {"step": 3}, "Perhaps steps"),
        ("pgd", {"eps": 1.5}, "eps=1.5"),
        ("pgd", {"steps": 0}, "steps=0"),
        ("fgsm", {"steps": 3}, "steps=3"),
        ("cw", {"constants": ()}, "constants"),
        ("apgd", {"loss": "margin"}, "loss='margin'"),
        ("deepfool", {"eps": -1}, "eps=-1"),
    ],
)
def test_parameters_are_strict(name: str, parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_attack(name, **parameters)


@pytest.mark.parametrize("name", list(ATTACKS))
def test_configurations_go_through_json(name: str) -> None:
    attack = make_attack(name, eps=0.2, seed=4)
    assert type(attack).model_validate_json(attack.model_dump_json()) == attack
    assert make_attack(**attack.model_dump(mode="json")) == attack
    with pytest.raises(ValidationError):
        type(attack).model_validate({"name": "pdg"})


@pytest.mark.parametrize(
    ("classes", "variant"), [(2, "autoattack-binary"), (3, "autoattack-ternary"), (4, "autoattack"), (12, "autoattack")]
)
def test_autoattack_names_its_variant_and_reaches_every_member(classes: int, variant: str) -> None:
    # A tiny eps fools nothing, so that every member gets its turn; torchattacks' own stops with an IndexError here.
    model, images = Linear(classes), images_inside(4)
    attack = AutoAttackConfig(eps=1e-4, steps=3, queries=5)
    result = run_attack(model, images, model(images).argmax(1), attack)
    assert result.attack == variant
    assert not result.fooled.any()
    members = attack.build(model, classes).attacks
    assert [type(member).__name__ for member in members if type(member).__name__ != "APGDT"][-2:] == ["FAB", "Square"]
    assert [getattr(member, "loss", None) for member in members].count("dlr") == (classes == 3)
    assert members[-2].n_target_classes == min(classes - 1, 9)
    assert all(member.steps == 3 for member in members[:-1])


def test_dlr_needs_three_classes() -> None:
    images = images_inside(2)
    with pytest.raises(ConfigurationError, match="three"):
        run_attack(Linear(2), images, torch.zeros(2, dtype=torch.long), APGDConfig(loss="dlr"))


@pytest.mark.parametrize(
    "labels", [torch.zeros(3, dtype=torch.long), torch.zeros(2), torch.zeros(2, 1, dtype=torch.long)]
)
def test_labels_must_fit(labels: torch.Tensor) -> None:
    with pytest.raises(InputError, match="one integer class"):
        run_attack(Linear(3), images_inside(2), labels, PGDConfig())


def test_a_step_is_a_size_or_a_share_of_every_strength() -> None:
    """One share fits a grid of strengths; said in neither way, two and a half steps cross the ball."""
    for eps in (0.05, 0.15, 0.3):
        attack = make_attack("bim", eps=eps, steps=3, step_share=0.25)
        assert isinstance(attack, SteppingAttack)
        assert attack.alpha == pytest.approx(eps / 4)
    assert make_attack("pgd", eps=0.1, step_size=0.02).alpha == 0.02
    assert make_attack("pgd", eps=0.1, steps=5).alpha == pytest.approx(0.05)
    assert "step_share" not in make_attack("pgd").model_dump()
    with pytest.raises(ConfigurationError, match="said twice"):
        make_attack("bim", step_size=0.1, step_share=0.5)
