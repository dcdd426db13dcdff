"""The worst state near the encoded one."""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from qaml_qiskit.attacks.quantum.budget import Access, Budget, Damage, summarised, true_labels
from qaml_qiskit.batches import as_tensor

#: Overlap with the top eigenvector that stands in for none, so that one formula serves the hard case too.
_TRACE = 1e-12

#: Range and number of halvings of log10 of the distance from the top eigenvalue, in units of the spectrum's width.
_LOWEST, _HIGHEST, _HALVINGS = -30.0, 12.0, 100


@dataclass(frozen=True)
class StateAttack:
    """Replaces each prepared state by the worst pure state within a trace distance, exactly.

    For logits ψ†M_kψ, the state at trace distance T = √(1−F) that favours class j most over the label y maximises
    φ†(M_j − M_y)φ subject to |⟨ψ|φ⟩|² ≥ 1 − T². That is two quadratic forms on a sphere, for which strong duality
    holds: φ is the top eigenvector of A + μψψ† for the μ ≥ 0 that meets the constraint, and in the eigenbasis of
    A = M_j − M_y its components are c_i/(λ − λ_i), with one unknown λ above the spectrum. So an image that no class
    wins within T is safe against every pure state within T. With the real parts of the M_k only, that holds for real
    states only.

    Attributes:
        states: shape (N, d), of unit length.
        matrices: M_k, shape (m, d, d), symmetric or Hermitian.
        labels: shape (N,).
    """

    states: Tensor
    matrices: Tensor
    labels: Tensor

    @property
    def access(self) -> Access:
        """The prepared state is replaced; everything behind it is known."""
        return Access("encoding", ("weights", "gates", "measurement", "images", "labels"))

    def damage(self, budget: Budget) -> Damage:
        """The worst states; ``change`` holds them, shape (N, d). Components are not limited: a state is one."""
        states, matrices = as_tensor(self.states, "the states"), as_tensor(self.matrices, "the matrices")
        dtype = torch.complex128 if states.is_complex() or matrices.is_complex() else torch.float64
        # States in single precision are not of unit length in double, which would count as a distance.
        states, matrices = torch.nn.functional.normalize(states.to(dtype), dim=1), matrices.to(dtype)
        honest = _forms(states, matrices)
        labels = true_labels(self.labels, honest)
        worst, lead = states.clone(), torch.full((len(states),), -torch.inf, dtype=torch.float64)
        for first, second in itertools.combinations(range(len(matrices)), 2):
            values, vectors = torch.linalg.eigh(matrices[second] - matrices[first])
            # The same decomposition, upside down, serves the opposite pair.
            for own, spectrum, basis in ((first, values, vectors), (second, -values.flip(0), vectors.flip(1))):
                rows = (labels == own).nonzero().squeeze(1)
                found, value = _worst_in_basis(states[rows], spectrum, basis, budget.strength)
                better = value > lead[rows]
                worst[rows[better]], lead[rows[better]] = found[better], value[better]
        fidelity = (worst.conj() * states).sum(dim=1).abs().square().clamp(max=1)
        changed = 1 if budget.strength else 0
        return summarised(
            "state",
            self.access,
            budget,
            (float(torch.sqrt(1 - fidelity).amax()), changed),
            honest,
            _forms(worst, matrices),
            labels,
            worst,
        )


def worst_states(states: Tensor, form: Tensor, distance: float) -> tuple[Tensor, Tensor]:
    """The states within a trace distance of ``states`` for which φ†Aφ is largest, and these values.

    Args:
        states: ψ, shape (N, d), float64 or complex128, of unit length.
        form: A, shape (d, d), same type, Hermitian.
        distance: T in [0, 1].

    Returns:
        φ, shape (N, d), and φ†Aφ, shape (N,).
    """
    values, vectors = torch.linalg.eigh(form)
    return _worst_in_basis(states, values, vectors, distance)


def _worst_in_basis(states: Tensor, values: Tensor, vectors: Tensor, distance: float) -> tuple[Tensor, Tensor]:
    """As :func:`worst_states`, from the eigenvalues (d,), ascending, and eigenvectors (d, d) of A."""
    if distance == 0:
        overlaps = states @ vectors.conj()
        return states.clone(), overlaps.abs().square() @ values
    overlaps = states @ vectors.conj()
    top = overlaps[:, -1]
    overlaps[:, -1] = torch.where(top.abs() < _TRACE, torch.full_like(top, _TRACE), top)
    weights = overlaps.abs().square()
    width = (values[-1] - values[0]).clamp(min=1e-300)
    below = (values[-1] - values) / width
    low = torch.full((len(states), 1), _LOWEST, dtype=torch.float64)
    high = torch.full_like(low, _HIGHEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        near = _fidelity(weights, below + 10**middle) >= 1 - distance**2
        low, high = torch.where(near, low, middle), torch.where(near, middle, high)
    components = overlaps / (below + 10**high)
    components = components / torch.linalg.vector_norm(components, dim=1, keepdim=True)
    return components @ vectors.mT, components.abs().square() @ values


def _fidelity(weights: Tensor, gaps: Tensor) -> Tensor:
    """|⟨ψ|φ⟩|² for φ_i ∝ c_i/gap_i, shape (N, 1), from |c_i|² (N, d) and the gaps (N, d)."""
    overlap = (weights / gaps).sum(dim=1, keepdim=True)
    return overlap**2 / (weights / gaps**2).sum(dim=1, keepdim=True)


def _forms(states: Tensor, matrices: Tensor) -> Tensor:
    """ψ†M_kψ, shape (N, m)."""
    return torch.einsum("ni,kij,nj->nk", states.conj(), matrices, states).real
