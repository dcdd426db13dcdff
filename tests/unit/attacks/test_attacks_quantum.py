import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from qiskit.circuit.library import CZGate, RYGate, RZGate
from torch import Tensor

from qaml_qiskit.attacks.quantum import (
    AngleAttack,
    Budget,
    CalibrationAttack,
    CrosstalkAttack,
    GateAttack,
    QuantumAttack,
    ReadoutAttack,
    StateAttack,
    damage_curve,
    logits_of_weights,
    rotation_groups,
    rotation_strength,
    worst_states,
)
from qaml_qiskit.attacks.quantum.choices import worst_choice
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import QVC, QuadraticClassifier, QuadraticConfig, QVCConfig
from tests.tolerances import BOUND, DIFFERENT, VALUE
from tests.unit.attacks.attack_cases import Wrapped

FINE = VALUE[torch.float64]
IMAGES = torch.rand(24, 1, 2, 4, generator=torch.Generator().manual_seed(5)) + 0.01


def qvc() -> QVC:
    return QVC(QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=3), 3)


def labels() -> Tensor:
    return qvc()(IMAGES).argmax(1)


def weight_attack(**changes: object) -> AngleAttack:
    logits, angles = logits_of_weights(qvc(), "connector.weight", IMAGES)
    return AngleAttack(logits, angles, labels(), **changes)  # type: ignore[arg-type]


def gate_attack(candidates: int | None = None) -> GateAttack:
    logits, angles = logits_of_weights(qvc(), "connector.weight", IMAGES)
    return GateAttack(logits, angles, rotation_groups(len(angles)), labels(), candidates)


def state_attack(generator: torch.Generator) -> StateAttack:
    model = QuadraticClassifier(QuadraticConfig(image_shape=(1, 2, 4), num_classes=3, init_std=1.0), 1)
    matrices = model.matrices.detach().reshape(8, 3, 8).movedim(1, 0)
    matrices = ((matrices + matrices.mT) / 2 + 0.0).double()
    states = torch.nn.functional.normalize(IMAGES.flatten(1).double(), dim=1)
    truth = torch.einsum("ni,kij,nj->nk", states, matrices, states).argmax(1)
    assert torch.equal(truth, model(IMAGES).argmax(1))
    return StateAttack(states, matrices, truth)


def readout_attack() -> ReadoutAttack:
    z = qvc().expectations(IMAGES).detach()
    return ReadoutAttack(z, z.argmax(1))


def calibration_attack() -> CalibrationAttack:
    z = qvc().expectations(IMAGES).detach()
    p10, p01 = torch.tensor([0.05, 0.1, 0.02]), torch.tensor([0.1, 0.2, 0.04])
    return CalibrationAttack((1 - p10 - p01) * z + p01 - p10, p10, p01, z.argmax(1))


def crosstalk_attack() -> CrosstalkAttack:
    model = qvc()

    def victim(strengths: Tensor) -> torch.nn.Module:
        turned = torch.zeros_like(model.weight)
        turned[1:9:3] = strengths  # RY of the three qubits in the first layer
        other = qvc()
        other.weight.data += turned
        return other

    return CrosstalkAttack(victim, 3, IMAGES, labels())


@pytest.fixture(params=["weights", "gates", "state", "readout", "calibration", "crosstalk"])
def attack(request: pytest.FixtureRequest, generator: torch.Generator) -> QuantumAttack:
    attacks = {
        "weights": weight_attack,
        "gates": gate_attack,
        "state": lambda: state_attack(generator),
        "readout": readout_attack,
        "calibration": calibration_attack,
        "crosstalk": crosstalk_attack,
    }
    found: QuantumAttack = attacks[request.param]()
    return found


def test_damage_stays_in_the_budget_grows_with_it_and_repeats(attack: QuantumAttack) -> None:
    budgets = [Budget(strength) for strength in (0.0, 0.1, 0.3, 1.0)]
    curve = damage_curve(attack, budgets)
    assert curve[0].after == curve[0].before == 1
    assert curve[0].components == 0 or not curve[0].fooled.any()
    accuracies = [damage.after for damage in curve]
    assert accuracies == sorted(accuracies, reverse=True)
    assert curve[-1].after < 1
    for budget, damage in zip(budgets, curve, strict=True):
        assert damage.budget == budget
        assert damage.strength <= budget.strength + BOUND
        assert damage.after == pytest.approx(1 - damage.fooled.double().mean())
        assert damage.access.changes not in ("images", "labels")
        assert torch.equal(attack.damage(budget).change, damage.change) or damage.after < attack.damage(budget).after


@pytest.mark.parametrize("make", [weight_attack, gate_attack, readout_attack, calibration_attack, crosstalk_attack])
@pytest.mark.parametrize("components", [0, 1, 2])
def test_components_are_counted(make: object, components: int) -> None:
    damage = make().damage(Budget(0.5, components))  # type: ignore[operator]
    assert damage.components <= components
    if not components:
        assert damage.after == damage.before


# Weights and encoding


def test_weight_attack_reports_what_it_does_to_the_model() -> None:
    damage = weight_attack().damage(Budget(0.2))
    tampered = qvc()
    tampered.weight.data += damage.change
    assert float((tampered(IMAGES).argmax(1) == labels()).double().mean()) == damage.after
    assert damage.change.abs().max() <= 2 * math.asin(0.2) + BOUND
    at_random = qvc()
    signs = torch.randint(0, 2, damage.change.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    at_random.weight.data += signs * 2 * math.asin(0.2)
    assert damage.after < (at_random(IMAGES).argmax(1) == labels()).double().mean()


def test_l2_budget_is_one_gates_angle_over_all() -> None:
    budget = Budget(0.2)
    damage = weight_attack(norm="l2", restarts=2).damage(budget)
    assert damage.attack == "weights-l2"
    assert damage.change.norm() <= budget.angle + BOUND
    assert damage.after >= weight_attack().damage(budget).after


def test_encoding_angles_are_attacked_image_by_image() -> None:
    """cos(θ_i + δ_i) against 0 turns exactly where the angle comes within reach of a right angle."""
    angles = torch.linspace(0.1, 1.5, 15)[:, None]

    def logits(turned: Tensor) -> Tensor:
        return torch.cat((torch.cos(turned), torch.zeros_like(turned)), dim=1)

    truth = torch.zeros(15, dtype=torch.long)
    budget = Budget(math.sin(0.75 / 2))
    damage = AngleAttack(logits, angles, truth).damage(budget)
    assert damage.access.changes == "encoding"
    assert torch.equal(damage.fooled, angles[:, 0] + 0.75 > math.pi / 2)


# Gates


@given(st.tuples(*[st.floats(-7, 7)] * 3))
def test_rotation_strength_is_half_the_diamond_distance(angles: tuple[float, float, float]) -> None:
    """For a unitary it is √(1 − d²), d the distance of 0 from the convex hull of the eigenvalues; for SU(2), |tr|/2."""
    a, b, c = angles
    unitary = RZGate(c).to_matrix() @ RYGate(b).to_matrix() @ RZGate(a).to_matrix()
    expected = math.sqrt(max(0.0, 1 - (abs(np.trace(unitary)) / 2) ** 2))
    assert rotation_strength(torch.tensor(angles, dtype=torch.float64)) == pytest.approx(expected, abs=math.sqrt(FINE))
    assert rotation_strength(torch.tensor([b], dtype=torch.float64)) == pytest.approx(
        abs(math.sin(b / 2)), abs=FINE**0.5
    )
    assert CZGate().to_matrix().shape == (4, 4)


def test_single_gates_are_tried_all() -> None:
    attack = gate_attack()
    by_hand = []
    for gate in attack.gates:
        model = qvc()
        model.weight.data[list(gate)] = 0
        by_hand.append((model(IMAGES).argmax(1) == labels()).double().mean())
    assert torch.allclose(attack.effects().double(), torch.stack(by_hand))
    damage = attack.damage(Budget(1.0))
    assert damage.after == pytest.approx(float(min(by_hand)))
    assert damage.components == 1
    assert damage.strength == pytest.approx(
        rotation_strength(attack.angles[list(attack.gates[int(damage.change[0])])]), abs=BOUND
    )


def test_first_order_candidates_save_evaluations() -> None:
    calls = [0]
    full = gate_attack(2)

    def counted(angles: Tensor) -> Tensor:
        calls[0] += 1
        return full.logits(angles)

    damage = GateAttack(counted, full.angles, full.gates, full.labels, candidates=2).damage(Budget(1.0, 2))
    assert damage.components == 2
    assert calls[0] <= 2 * 3 + 2
    assert damage.after < 1


def test_gates_must_be_whole() -> None:
    with pytest.raises(ConfigurationError, match="multiple of 3"):
        rotation_groups(10)


# States


@given(st.integers(0, 100), st.floats(0.01, 0.99), st.booleans())
def test_worst_state_beats_every_sampled_state(seed: int, distance: float, complex_: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    dtype = torch.complex128 if complex_ else torch.float64
    form = torch.randn(6, 6, dtype=dtype, generator=generator)
    form = form + form.mH
    states = torch.nn.functional.normalize(torch.randn(4, 6, dtype=dtype, generator=generator), dim=1)
    found, value = worst_states(states, form, distance)
    assert torch.allclose(found.norm(dim=1), torch.ones(4, dtype=torch.float64))
    fidelity = (found.conj() * states).sum(1).abs() ** 2
    assert (fidelity >= 1 - distance**2 - FINE).all()
    assert torch.allclose(torch.einsum("ni,ij,nj->n", found.conj(), form, found).real, value)
    aside = torch.randn(4, 500, 6, dtype=dtype, generator=generator)
    aside = aside - (aside @ states.conj()[..., None]) * states[:, None]
    aside = torch.nn.functional.normalize(aside, dim=2)
    tried = math.sqrt(1 - distance**2) * states[:, None] + distance * aside
    assert (torch.einsum("nsi,ij,nsj->ns", tried.conj(), form, tried).real <= value[:, None] + FINE).all()


def test_worst_state_of_a_qubit_is_a_turn_of_the_bloch_vector() -> None:
    """From ⟨Z⟩ = cos θ, trace distance T turns the Bloch vector by 2·asin T towards the pole."""
    theta, distance = 2.0, 0.3
    state = torch.tensor([[math.cos(theta / 2), math.sin(theta / 2)]], dtype=torch.float64)
    _, value = worst_states(state, torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64)), distance)
    assert float(value) == pytest.approx(math.cos(theta - 2 * math.asin(distance)), abs=FINE)


def test_hard_case_of_a_state_without_overlap() -> None:
    """At the lower pole no direction leads up first; all of them do."""
    form = torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64))
    found, value = worst_states(torch.tensor([[0.0, 1.0]], dtype=torch.float64), form, 0.6)
    assert float(value) == pytest.approx(2 * 0.6**2 - 1, abs=BOUND)
    assert float(found[0, 1] ** 2) == pytest.approx(1 - 0.6**2, abs=BOUND)


# Measurement and calibration


def test_readout_attack_finds_the_worst_corner() -> None:
    attack = readout_attack()
    damage = attack.damage(Budget(0.3))
    p10, p01 = damage.change[:, 0], damage.change[:, 1]
    moved = (1 - p10 - p01) * attack.z + p01 - p10
    assert float((moved.argmax(1) == attack.labels).double().mean()) == damage.after
    inside = torch.rand(300, 3, 2, generator=torch.Generator().manual_seed(1)) * 0.3
    sampled = (1 - inside.sum(2))[:, None] * attack.z + (inside[..., 1] - inside[..., 0])[:, None]
    assert damage.after <= (sampled.argmax(2) == attack.labels).double().mean(1).min()


def test_calibration_attack_leaves_the_measurement_and_spoils_the_mitigation() -> None:
    attack = calibration_attack()
    damage = attack.damage(Budget(0.2))
    p10, p01 = attack.p10 + damage.change[:, 0], attack.p01 + damage.change[:, 1]
    mitigated = (attack.z - p01 + p10) / (1 - p10 - p01)
    assert damage.before == 1
    assert float((mitigated.argmax(1) == attack.labels).double().mean()) == damage.after < 1
    assert ((p10 >= 0) & (p10 <= 1) & (p01 >= 0) & (p01 <= 1) & (p10 + p01 <= 0.95 + BOUND)).all()


def test_unusable_calibration() -> None:
    half = torch.full((2,), 0.5)
    with pytest.raises(InputError, match="contrast"):
        CalibrationAttack(torch.zeros(3, 2), half, half, torch.zeros(3, dtype=torch.long))


@pytest.mark.parametrize("exhaustive", [0, 10_000])
def test_search_over_choices_finds_a_separable_optimum(exhaustive: int) -> None:
    wanted = (2, 0, 1, 2, 1)
    found = worst_choice(
        lambda choice: (sum(a == b for a, b in zip(choice, wanted, strict=True)), 0.0),
        3,
        5,
        None,
        exhaustive=exhaustive,
    )
    assert found == wanted


@pytest.mark.parametrize("exhaustive", [0, 10_000])
def test_search_over_choices_keeps_to_its_number_of_components(exhaustive: int) -> None:
    found = worst_choice(lambda choice: (sum(choice), 0.0), 3, 5, 2, [(1,) * 5], exhaustive)
    assert sorted(found) == [0, 0, 0, 2, 2]


# Budgets


@pytest.mark.parametrize(("strength", "components"), [(-0.1, None), (1.1, None), (math.nan, None), (0.1, -1)])
def test_budgets_have_a_range(strength: float, components: int | None) -> None:
    with pytest.raises(ConfigurationError, match="budget"):
        Budget(strength, components)


def test_angle_of_a_budget_is_the_rotation_of_that_strength() -> None:
    for strength in (0.0, 0.2, 0.9, 1.0):
        turn = torch.tensor([Budget(strength).angle], dtype=torch.float64)
        assert rotation_strength(turn) == pytest.approx(strength, abs=math.sqrt(FINE))


def test_curves_keep_the_worse_find() -> None:
    class Fickle:
        access = readout_attack().access

        def damage(self, budget: Budget) -> object:
            return readout_attack().damage(Budget(0.4 if budget.strength < 0.5 else 0.0))

    first, second = damage_curve(Fickle(), [Budget(0.4), Budget(0.6)])  # type: ignore[arg-type]
    assert second.after == first.after < 1 - DIFFERENT
    assert second.budget == Budget(0.6)


def test_weights_of_any_module() -> None:
    model = Wrapped(torch.nn.Linear(8, 3), lambda inner, images: inner(images.flatten(1)))
    logits, start = logits_of_weights(model, "model.bias", IMAGES)
    assert torch.equal(logits(start), model(IMAGES))
    assert torch.allclose(logits(start + 1), model(IMAGES) + 1)
