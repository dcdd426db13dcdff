"""Tampered measurement, and a tampered record of it that mitigation trusts."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from qaml_qiskit.attacks.quantum.budget import Access, Budget, Damage, harm, summarised, true_labels
from qaml_qiskit.attacks.quantum.choices import Choice, worst_choice
from qaml_qiskit.attacks.quantum.products import ZProducts
from qaml_qiskit.batches import as_tensor
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import ReadoutMap


@dataclass(frozen=True)
class ReadoutAttack:
    """Adds readout errors: qubit k reads 1 for |0⟩ with probability p10 more, and 0 for |1⟩ with p01 more.

    A measured ⟨Z⟩ becomes (1 − p10 − p01)·⟨Z⟩ + p01 − p10, and so does every Z of a product. A margin is linear in the
    probabilities of each qubit, so the worst for one image lies at a corner; the corners are searched for the one that
    flips most labels.

    Attributes:
        z: ⟨Z_k⟩ of the measured qubits as they are read now, shape (N, m); with ``products`` the averages of all that
            it knows, shape (N, K).
        labels: shape (N,).
        products: what the logits are made of; None where they are ⟨Z_k⟩.
    """

    z: Tensor
    labels: Tensor
    products: ZProducts | None = None

    def __post_init__(self) -> None:
        """Take arrays as tensors, and refuse labels or values that do not fit."""
        _take(self, "z")

    @property
    def access(self) -> Access:
        """The measurement is changed; the values measured on some labelled images are known."""
        return Access("measurement", ("images", "labels", "measurement"))

    def damage(self, budget: Budget) -> Damage:
        """The worst errors; ``change`` holds p10 and p01, shape (qubits, 2). Every qubit is a component."""
        products = _products(self)
        corners = torch.tensor([(0, 0), (1, 0), (0, 1), (1, 1)], dtype=self.z.dtype) * budget.strength
        errors = ReadoutMap(corners[:, 0], corners[:, 1])
        options = _Options(self.z, products, *(part.expand(products.num_qubits, 4) for part in _affine(errors)))
        choice = options.worst(self.labels, budget)
        change = corners[list(choice)]
        spent = (float(change.amax()), int((change != 0).any(dim=1).sum()))
        before, after = options.logits((0,) * len(choice)), options.logits(choice)
        return summarised("readout", self.access, budget, spent, before, after, self.labels, change)


@dataclass(frozen=True)
class CalibrationAttack:
    """Falsifies the recorded readout errors, so that mitigation turns right labels into wrong ones.

    Mitigation takes (Z − b)/s with b = p01 − p10 and s = 1 − p10 − p01 from the record for the Z of every qubit. A
    mitigated margin is monotone in each recorded probability, so the worst for one image lies at a corner of the
    budget; the corners are searched.

    Attributes:
        z: measured, unmitigated ⟨Z_k⟩, shape (N, m); with ``products`` the averages of all that it knows, shape (N, K).
        p10: recorded frequency of reading 1 for |0⟩, shape (qubits,).
        p01: recorded frequency of reading 0 for |1⟩, shape (qubits,).
        labels: shape (N,).
        least_contrast: a record with 1 − p10 − p01 below this would be noticed, so it is not written.
        products: what the logits are made of; None where they are ⟨Z_k⟩.

    Raises:
        InputError: the honest record has less contrast than that.
    """

    z: Tensor
    p10: Tensor
    p01: Tensor
    labels: Tensor
    least_contrast: float = 0.05
    products: ZProducts | None = None

    def __post_init__(self) -> None:
        """Take arrays as tensors, and refuse labels that do not fit or a record that cannot be used for mitigation."""
        _take(self, "z", "p10", "p01")
        contrast = ReadoutMap(self.p10, self.p01).contrast
        if bool((contrast < self.least_contrast).any()):
            raise InputError(
                "the calibration cannot be used for mitigation",
                got=f"a contrast 1 − p10 − p01 of {float(contrast.min()):g}",
                expected=f"at least {self.least_contrast:g}",
                remedy="calibrate again, or leave out the qubit",
            )

    @property
    def access(self) -> Access:
        """The record is changed; it and the values measured on some labelled images are known."""
        return Access("calibration", ("images", "labels", "measurement", "calibration"))

    def damage(self, budget: Budget) -> Damage:
        """The worst record; ``change`` holds the changes of p10 and p01, shape (qubits, 2). A qubit is a component."""
        steps = [(0, 0), *((a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b)]
        shifts = torch.tensor(steps, dtype=self.z.dtype) * budget.strength
        honest = (self.p10[:, None], self.p01[:, None])
        wanted = [(p + shifts[:, number]).clamp(0, 1) for number, p in enumerate(honest)]
        plausible = ReadoutMap(*wanted).contrast >= self.least_contrast
        record = ReadoutMap(*(torch.where(plausible, *pair) for pair in zip(wanted, honest, strict=True)))
        options = _Options(self.z, _products(self), 1 / record.contrast, -record.offset / record.contrast)
        choice = options.worst(self.labels, budget)
        places = torch.arange(len(choice)), list(choice)
        change = torch.stack((record.p10[places] - self.p10, record.p01[places] - self.p01), dim=1)
        spent = (float(change.abs().amax()), int((change != 0).any(dim=1).sum()))
        before, after = options.logits((0,) * len(choice)), options.logits(choice)
        return summarised("calibration", self.access, budget, spent, before, after, self.labels, change)


def _products(attack: ReadoutAttack | CalibrationAttack) -> ZProducts:
    """What the logits are made of: Z of a qubit each, if nothing else is said."""
    return attack.products or ZProducts(tuple((place,) for place in range(attack.z.shape[1])))


def _take(attack: ReadoutAttack | CalibrationAttack, *names: str) -> None:
    for name in names:
        object.__setattr__(attack, name, as_tensor(getattr(attack, name), name))
    products = _products(attack)
    products.check(attack.z)
    logits = products.changed(attack.z, *_affine(_perfect(products.num_qubits, attack.z)))
    object.__setattr__(attack, "labels", true_labels(attack.labels, products.logits(logits)))


def _perfect(count: int, like: Tensor) -> ReadoutMap[Tensor]:
    return ReadoutMap(like.new_zeros(count), like.new_zeros(count))


def _affine(errors: ReadoutMap[Tensor]) -> tuple[Tensor, Tensor]:
    return errors.contrast, errors.offset


@dataclass(frozen=True)
class _Options:
    """What can be made of the Z of every qubit.

    Attributes:
        z: averages of the known products, shape (N, K).
        products: what the logits are made of.
        contrast: of the options of every qubit, shape (qubits, options); option 0 is the honest one.
        offset: the same.
    """

    z: Tensor
    products: ZProducts
    contrast: Tensor
    offset: Tensor

    def logits(self, choice: Choice) -> Tensor:
        """Shape (N, m), for an option of every qubit."""
        return self._logits(self.z, choice)

    def worst(self, labels: Tensor, budget: Budget) -> Choice:
        """The worst choice found; starts that favour each class in turn, on the average image."""
        qubits, options = self.contrast.shape
        score: Callable[[Choice], tuple[int, float]] = lambda choice: harm(self.logits(choice), labels)  # noqa: E731
        return worst_choice(score, options, qubits, budget.components, self._starts())

    def _starts(self) -> list[Choice]:
        """For every class: of each qubit the option that raises its logit most above the mean of all."""
        qubits, options = self.contrast.shape
        mean = self.z.mean(dim=0, keepdim=True)
        single = [
            [self._logits(mean, (0,) * qubit + (option,) + (0,) * (qubits - qubit - 1)) for option in range(options)]
            for qubit in range(qubits)
        ]
        logits = torch.stack([torch.cat(each) for each in single])  # (qubits, options, m)
        leads = logits - logits.mean(dim=2, keepdim=True)
        return [tuple(row.tolist()) for row in leads.argmax(dim=1).T]

    def _logits(self, z: Tensor, choice: Choice) -> Tensor:
        places = torch.arange(len(choice)), list(choice)
        return self.products.logits(self.products.changed(z, self.contrast[places], self.offset[places]))
