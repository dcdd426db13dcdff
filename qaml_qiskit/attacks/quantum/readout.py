"""Tampered measurement, and a tampered record of it that mitigation trusts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from qaml_qiskit.attacks.quantum.budget import Access, Budget, Damage, harm, summarised, true_labels
from qaml_qiskit.attacks.quantum.choices import Choice, worst_choice
from qaml_qiskit.batches import as_tensor
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import ReadoutMap


@dataclass(frozen=True)
class ReadoutAttack:
    """Adds readout errors: qubit k reads 1 for |0⟩ with probability p10 more, and 0 for |1⟩ with p01 more.

    A measured ⟨Z⟩ becomes (1 − p10 − p01)·⟨Z⟩ + p01 − p10. A margin is linear in the probabilities, so the worst for
    one image lies at a corner; the corners are searched for the one that flips most labels.

    Attributes:
        z: ⟨Z_k⟩ of the class qubits as they are read now, shape (N, m).
        labels: shape (N,).
    """

    z: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        """Take arrays as tensors, and refuse labels that do not fit."""
        _take(self, "z")

    @property
    def access(self) -> Access:
        """The measurement is changed; the values measured on some labelled images are known."""
        return Access("measurement", ("images", "labels", "measurement"))

    def damage(self, budget: Budget) -> Damage:
        """The worst errors; ``change`` holds p10 and p01, shape (m, 2). Every qubit is a component."""
        corners = torch.tensor([(0, 0), (1, 0), (0, 1), (1, 1)], dtype=self.z.dtype) * budget.strength
        columns = ReadoutMap(corners[:, 0], corners[:, 1]).read(self.z[..., None])
        choice = _worst_columns(columns, self.labels, budget)
        change = corners[list(choice)]
        spent = (float(change.amax()), int((change != 0).any(dim=1).sum()))
        after = _chosen(columns, choice)
        return summarised("readout", self.access, budget, spent, self.z, after, self.labels, change)


@dataclass(frozen=True)
class CalibrationAttack:
    """Falsifies the recorded readout errors, so that mitigation turns right labels into wrong ones.

    Mitigation takes (z − b)/s with b = p01 − p10 and s = 1 − p10 − p01 from the record. The mitigated value is monotone
    in each recorded probability, so the worst for one image lies at a corner of the budget; the corners are searched.

    Attributes:
        z: measured, unmitigated ⟨Z_k⟩, shape (N, m).
        p10: recorded frequency of reading 1 for |0⟩, shape (m,).
        p01: recorded frequency of reading 0 for |1⟩, shape (m,).
        labels: shape (N,).
        least_contrast: a record with 1 − p10 − p01 below this would be noticed, so it is not written.

    Raises:
        InputError: the honest record has less contrast than that.
    """

    z: Tensor
    p10: Tensor
    p01: Tensor
    labels: Tensor
    least_contrast: float = 0.05

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
        """The worst record; ``change`` holds the changes of p10 and p01, shape (m, 2). Every qubit is a component."""
        steps = [(0, 0), *((a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b)]
        shifts = torch.tensor(steps, dtype=self.z.dtype) * budget.strength
        honest = (self.p10[:, None], self.p01[:, None])
        wanted = [(p + shifts[:, number]).clamp(0, 1) for number, p in enumerate(honest)]
        plausible = ReadoutMap(*wanted).contrast >= self.least_contrast
        record = ReadoutMap(*(torch.where(plausible, *pair) for pair in zip(wanted, honest, strict=True)))
        columns = record.inverted(self.z[..., None])
        choice = _worst_columns(columns, self.labels, budget)
        places = torch.arange(len(choice)), list(choice)
        change = torch.stack((record.p10[places] - self.p10, record.p01[places] - self.p01), dim=1)
        spent = (float(change.abs().amax()), int((change != 0).any(dim=1).sum()))
        before, after = columns[..., 0], _chosen(columns, choice)
        return summarised("calibration", self.access, budget, spent, before, after, self.labels, change)


def _take(attack: ReadoutAttack | CalibrationAttack, *names: str) -> None:
    for name in names:
        object.__setattr__(attack, name, as_tensor(getattr(attack, name), name))
    object.__setattr__(attack, "labels", true_labels(attack.labels, attack.z))


def _worst_columns(columns: Tensor, labels: Tensor, budget: Budget) -> Choice:
    """One option a qubit from ``columns`` (N, m, options); starts that favour each class in turn."""
    places, options = columns.shape[1:]
    means = columns.mean(dim=0)
    lowest, highest = means.argmin(dim=1), means.argmax(dim=1)
    starts = [
        tuple(int(highest[k] if k == favoured else lowest[k]) for k in range(places)) for favoured in range(places)
    ]
    return worst_choice(
        lambda choice: harm(_chosen(columns, choice), labels), options, places, budget.components, starts
    )


def _chosen(columns: Tensor, choice: Choice) -> Tensor:
    return columns[:, torch.arange(len(choice)), list(choice)]
