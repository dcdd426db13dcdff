"""Readouts of every kind, tampered with: honest victims are the classifier, and the damage is the change's own."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch

from qaml_qiskit.attacks.quantum import Budget, CalibrationAttack, Damage, ReadoutAttack, ZProducts
from qaml_qiskit.deployments import Batch, deploy
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import LinearHead
from qaml_qiskit.models import QVC, DataCard, ModelCard, StoredModel
from qaml_qiskit.studies import PARTS, TamperedCell, TamperedPart, Tampering, honest_readout, parts_of
from tests.readout_cases import CASES, head_logits, images, model
from tests.tolerances import DIFFERENT, VALUE

each_case = pytest.mark.parametrize("name", CASES)
COUNT, HONEST = 12, 0.06


def work(name: str) -> Tampering:
    qvc = model(name)
    deployment = deploy(StoredModel(qvc, ModelCard(model=qvc.config, data=DataCard(dataset="own", classes=(0, 1)))))
    labels = deployment.logits(images(COUNT)).argmax(1).numpy()
    batch = Batch(images(COUNT), labels, np.arange(COUNT), str(COUNT))
    return Tampering(deployment, batch, honest_readout(deployment, HONEST), steps=5)


def damage(tampering: Tampering, part: TamperedPart, budget: Budget) -> Damage:
    return tampering.attack(TamperedCell(part, budget, slice(0, COUNT))).damage(budget)


def flipped(qvc: QVC, changes: Callable[[int], np.ndarray]) -> np.ndarray:
    """Labels where qubit by qubit a matrix acts on the probabilities of what is read, (read, true)."""
    network, bits = qvc.connector.neural_network, len(qvc.readout.qubits)
    with torch.no_grad():
        outcomes = network.probabilities(qvc.features(images(COUNT)).double(), qvc.weight.double())  # type: ignore[attr-defined]
    joint = outcomes.numpy().reshape(COUNT, *[2] * 3)
    # The highest qubit is the first axis; those that are not measured go.
    joint = joint.sum(axis=tuple(3 - qubit for qubit in range(3) if qubit not in qvc.readout.qubits))
    for place in range(bits):
        joint = np.moveaxis(np.tensordot(changes(place), joint, axes=(1, bits - place)), 0, bits - place)
    signs = 1 - 2 * (np.arange(2**bits)[:, None] >> np.arange(bits) & 1)
    values = np.stack([signs[:, list(string)].prod(1) for string in qvc.readout.bits], axis=1)
    return np.asarray(head_logits(qvc, joint.reshape(COUNT, -1) @ values).argmax(1))


def reading(p10: float, p01: float) -> np.ndarray:
    return np.array([[1 - p10, p01], [p10, 1 - p01]])


@each_case
def test_honest_victims_are_the_classifier_and_large_budgets_ruin_it(name: str) -> None:
    tampering = work(name)
    assert parts_of(tampering.deployment) == PARTS
    for part in PARTS:
        honest = damage(tampering, part, Budget(0.0))
        assert honest.before == honest.after, part
        # Honest readout errors may cost a label; mitigation by the honest record costs none.
        assert honest.before == 1 or part == "readout"
        if part not in ("gates", "calibration"):
            assert damage(tampering, part, Budget(0.9)).after < honest.before, part


@each_case
@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0])
def test_added_flips_do_what_is_said(name: str, strength: float) -> None:
    tampering = work(name)
    found = damage(tampering, "readout", Budget(strength))
    change = found.change.numpy()
    assert change.shape == (len(tampering.deployment.qvc.readout.qubits), 2)
    labels = flipped(tampering.deployment.qvc, lambda place: reading(*change[place]) @ reading(HONEST, HONEST))
    assert found.after == (labels == tampering.batch.labels).mean()


@each_case
@pytest.mark.parametrize("strength", [0.05, 0.3])
def test_a_false_record_does_what_is_said(name: str, strength: float) -> None:
    tampering = work(name)
    found = damage(tampering, "calibration", Budget(strength))
    change = found.change.numpy()

    def mitigated(place: int) -> np.ndarray:
        return np.asarray(np.linalg.inv(reading(*(HONEST + change[place]))) @ reading(HONEST, HONEST))

    labels = flipped(tampering.deployment.qvc, mitigated)
    assert found.after == (labels == tampering.batch.labels).mean()


def test_the_worst_flips_are_found_among_all() -> None:
    """Three qubits have 64 corners, and all of them are tried."""
    tampering = work("linear-zz")
    found = damage(tampering, "readout", Budget(0.4))
    corners = [(0.0, 0.0), (0.4, 0.0), (0.0, 0.4), (0.4, 0.4)]
    after = []
    for chosen in product(corners, repeat=3):
        added = [reading(*each) @ reading(HONEST, HONEST) for each in chosen]
        after.append((flipped(tampering.deployment.qvc, added.__getitem__) == tampering.batch.labels).mean())
    assert found.after == min(after)


def test_products_know_what_errors_mix() -> None:
    products = ZProducts(((0, 2), (1,)))
    assert products.known == ((0,), (1,), (2,), (0, 2))
    values = torch.tensor([[0.5, -0.2, 0.3, 0.1]], dtype=torch.float64)
    contrast, offset = (torch.tensor(each, dtype=torch.float64) for each in ([0.9, 0.8, 0.7], [0.05, 0.1, -0.2]))
    found = products.changed(values, contrast, offset)
    both = 0.9 * 0.7 * 0.1 + 0.9 * -0.2 * 0.5 + 0.05 * 0.7 * 0.3 + 0.05 * -0.2
    assert torch.allclose(
        found, torch.tensor([[both, 0.8 * -0.2 + 0.1]], dtype=torch.float64), atol=VALUE[torch.float64]
    )
    head = LinearHead(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0.0, 10 * DIFFERENT]))
    logits = ZProducts(products.strings, head).logits(found)
    assert torch.allclose(logits - found, torch.tensor([[0.0, 10 * DIFFERENT]]).double(), atol=VALUE[torch.float32])


def test_values_that_do_not_fit_the_products_are_refused() -> None:
    products, flips = ZProducts(((0, 1),)), torch.tensor([0.1, 0.1])
    for attack in (
        lambda: ReadoutAttack(torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64), products),
        lambda: CalibrationAttack(
            torch.zeros(3, 1), flips, flips, torch.zeros(3, dtype=torch.int64), products=products
        ),
    ):
        with pytest.raises(InputError, match=r"do not fit what is read: got shape .* expected \(N, 3\)"):
            attack()
