"""Crosstalk from a neighbour's circuit."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qaml_qiskit.attacks.quantum.budget import Access, Budget, Damage, harm, summarised, true_labels, turn_strength
from qaml_qiskit.attacks.quantum.choices import Choice, worst_choice
from qaml_qiskit.batches import as_tensor, floating
from qaml_qiskit.freezing import evaluating

#: Every combination is tried up to this number: each costs a new victim.
_AFFORDABLE = 81


@dataclass(frozen=True)
class CrosstalkAttack:
    """A neighbour turns the victim's qubits coherently, each coupling by an angle of the attacker's choice.

    Which rotation a coupling causes is the business of ``victim``, which builds circuits. The strengths tried are the
    largest allowed, of either sign, and none.

    Attributes:
        victim: rotation angles of the couplings, shape (couplings,), in radians, to a module from images to logits.
        couplings: how many there are.
        images: shape (N, C, H, W).
        labels: shape (N,).
    """

    victim: Callable[[Tensor], nn.Module]
    couplings: int
    images: Tensor
    labels: Tensor

    @property
    def access(self) -> Access:
        """Qubits beside the victim's are driven; how the victim reacts is known from a copy of it."""
        return Access("neighbours", ("weights", "gates", "images", "labels"))

    def damage(self, budget: Budget) -> Damage:
        """The worst strengths; ``change`` holds them, shape (couplings,). Every coupling is a component."""
        images, known = floating(as_tensor(self.images, "the images")), dict[Choice, Tensor]()

        def logits(choice: Choice) -> Tensor:
            if choice not in known:
                module = self.victim(_angles(choice, budget))
                with evaluating(module), torch.no_grad():
                    known[choice] = module(images)
            return known[choice]

        honest = logits((0,) * self.couplings)
        labels = true_labels(self.labels, honest)
        choice = worst_choice(
            lambda choice: harm(logits(choice), labels),
            3,
            self.couplings,
            budget.components,
            exhaustive=_AFFORDABLE,
        )
        change = _angles(choice, budget)
        spent = (float(turn_strength(change.abs().amax())), int((change != 0).sum()))
        return summarised("crosstalk", self.access, budget, spent, honest, logits(choice), labels, change)


def _angles(choice: Choice, budget: Budget) -> Tensor:
    """Option 0 is no rotation, 1 and 2 the largest one and its inverse."""
    return torch.tensor([0.0, budget.angle, -budget.angle])[list(choice)]
