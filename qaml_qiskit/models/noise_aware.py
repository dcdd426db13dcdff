"""Logits as a noisy device would give them, for training a QVC under the noise that it will meet.

A Pauli error behind a rotation RZ(c)·RY(b)·RZ(a) is another rotation of the same form, up to a phase:

    Z: (a, b, c + π)      Y: (a, b + π, −c)      X: (a + π, π − b, −c)

so a circuit with sampled Pauli errors is the same circuit at the angles s·θ + d, and costs what the noiseless one
costs, at any depth. Errors behind a CZ are moved in front of it, where an X brings a Z onto the other qubit.
"""

from collections.abc import Sequence
from typing import Annotated, cast

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from qaml_qiskit.circuits import layer_bonds
from qaml_qiskit.models.connector import AmplitudeQNN
from qaml_qiskit.models.qvc import QVC, QVCConfig

#: Rows: I, X, Y, Z (as 2·z + x: 0, 1, 3, 2). What becomes of (a, b, c): signs, and multiples of π added.
_SIGNS = torch.tensor([[1.0, 1, 1], [1, -1, -1], [1, 1, 1], [1, 1, -1]])
_SHIFTS = torch.tensor([[0.0, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]]) * torch.pi


#: Every draw costs a step, between two of which a training can be stopped, and keeps its states until the step ends.
MAX_DRAWS = 256


class TrainingNoise(BaseModel):
    """The noise in the loss.

    Attributes:
        depolarizing: strength of a depolarising channel after every SX (two a rotation) and every CZ of the layers, as
            in :class:`qaml_qiskit.noise.Depolarizing`. The encoding and the readout are taken as noiseless.
        shots: every ⟨Z_k⟩ is estimated from so many shots; None for endless ones.
        draws: circuits with sampled errors over which every ⟨Z_k⟩ is averaged, where there is gate noise. The device
            averages over its shots; some draws stand for them, unbiased in ⟨Z_k⟩ and in its gradient. Each
            costs a step and the memory of its states; with too few of them the steps are mostly noise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    depolarizing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    shots: Annotated[int, Field(ge=1)] | None = None
    draws: Annotated[int, Field(ge=1, le=MAX_DRAWS)] = 16


def noisy_logits(model: QVC, images: Tensor, noise: TrainingNoise, generator: torch.Generator) -> Tensor:
    """Logits with sampled noise, differentiable with respect to the weights, shape (N, m).

    Args:
        model: the QVC.
        images: as for :meth:`QVC.forward`.
        noise: which noise.
        generator: what is sampled depends on it alone.
    """
    network = cast(AmplitudeQNN, model.connector.neural_network)
    features, draws = model.features(images), noise.draws if noise.depolarizing else 1
    z = torch.zeros(())
    for _ in range(draws):
        signs, shifts = _sampled_errors(model.config, noise.depolarizing, generator)
        z = z + network.expectations(features, model.weight * signs + shifts) / draws
    if noise.shots is not None:
        # The spread is that of the counts; it is not there to be trained.
        spread = ((1 - z.detach() ** 2).clamp(min=0) / noise.shots).sqrt()
        z = z + spread * torch.randn(z.shape, generator=generator)
    return z * model.config.logit_scale


def _sampled_errors(config: QVCConfig, strength: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Signs and shifts of all angles for one draw of Pauli errors, shape (P,) each."""
    n = config.num_qubits
    walls = config.num_layers + (config.ansatz == "brickwork")
    x, z = torch.zeros(walls, n, dtype=torch.bool), torch.zeros(walls, n, dtype=torch.bool)
    for _ in range(2):  # a rotation takes two SX
        hit = torch.rand(walls, n, generator=generator) < strength
        x ^= hit & _coin(walls, n, generator)
        z ^= hit & _coin(walls, n, generator)
    for layer in range(config.num_layers):
        bonds = layer_bonds(n, layer, config.ansatz)
        _errors_behind_cz(x[layer], z[layer], bonds, strength, generator)
    pauli = 2 * z.long() + x.long()
    return _SIGNS[pauli].flatten(), _SHIFTS[pauli].flatten()


def _errors_behind_cz(x: Tensor, z: Tensor, bonds: Sequence[int], strength: float, generator: torch.Generator) -> None:
    """Add the errors behind each CZ of a layer to the Paulis x, z of shape (n,) in front of all of them."""
    if not bonds:
        return
    lower = torch.tensor(bonds)
    hit = torch.rand(len(bonds), generator=generator) < strength
    lower_x, upper_x = (hit & _coin(1, len(bonds), generator)[0] for _ in range(2))
    for qubits, flips in ((lower, lower_x), (lower + 1, upper_x)):
        x[qubits] ^= flips
        z[qubits] ^= hit & _coin(1, len(bonds), generator)[0]
    # Through its own CZ, and on a ladder through the CZ below, which is earlier.
    z[lower + 1] ^= lower_x
    z[lower] ^= upper_x
    if len(bonds) > 1 and bonds[1] == bonds[0] + 1:
        z[lower[1:] - 1] ^= lower_x[1:]


def _coin(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    return torch.rand(rows, columns, generator=generator) < 0.5
