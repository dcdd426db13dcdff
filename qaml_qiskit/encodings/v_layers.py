"""Fitting layers of two-qubit rotations to real states: an analytic start, then closed-form sweeps.

The qubits form a line; position 0 is the most significant bit. A layer has one rotation on every bond of the line: from
the middle bond outwards in time, a V. Acting on |0…0⟩ one layer prepares exactly the real matrix product states of bond
dimension 2 that are gauged at the middle bond.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils.checkpoint import checkpoint

from qaml_qiskit.encodings.rotations import nearest_rotation, rotation_matrix, split_eigenvectors

#: A sweep starts beyond the last one's end by this part of the last step; ten sweeps then do the work of twenty.
MOMENTUM = 0.9

#: Weight of the old rotation beside its environment. A rotation on qubits in |0⟩, or on black pixels, is not determined
#: by its environment alone; the old one then decides, which keeps the fit a continuous function of the image.
INERTIA = 2.5e-4

#: Weight of the basis states with the outer qubit in |0⟩ where a density does not tell which directions dominate.
PREFERENCE = 1e-6

#: A rotation in general position near the identity, as a rotor before normalisation. What the analytic start leaves
#: free is turned towards it. The identity itself would leave much undecided, because black pixels make exact zeros.
REFERENCE = ((1.0, 0.1, 0.2, 0.3), (1.0, -0.15, 0.25, 0.05))


def v_bonds(num_qubits: int, layers: int) -> tuple[int, ...]:
    """The upper line position of every rotation's pair, in the order of time."""
    middle = num_qubits // 2 - 1
    return (*range(middle, -1, -1), *range(middle + 1, num_qubits - 1)) * layers


def prepared(rotors: Tensor, bonds: tuple[int, ...], num_qubits: int) -> Tensor:
    """The states of the rotations on |0…0⟩: rotors (G, N, 2, 4) to amplitudes (N, 2ⁿ)."""
    layouts = [_layout(bond, num_qubits) for bond in bonds]
    state = _zero_state(rotors.shape[1], num_qubits)
    for gate, here, there in zip(rotation_matrix(rotors), layouts, [*layouts[1:], range(num_qubits)], strict=True):
        state = _turn(gate @ state, here, there)
    return state.flatten(1)


def analytic_start(states: Tensor, num_qubits: int, layers: int) -> Tensor:
    """Layers that disentangle the states one after the other (after Ran 2020, arXiv:1908.07958).

    The layer next to the state comes first: from both ends of the line inwards, each rotation takes the two dominant
    Schmidt directions of its pair to |0⟩ on the outer qubit, which is the truncation of the state to a matrix product
    state of bond dimension 2; the last takes what is left on the middle pair to |00⟩. The next layer does the same with
    the whole of what the layer makes of the state, not only with the truncated part.

    Args:
        states: shape (N, 2ⁿ), unit norm, float64.
        num_qubits: n.
        layers: L.

    Returns:
        Rotors in the order of time, shape (L·(n−1), N, 2, 4).
    """
    bonds, line = v_bonds(num_qubits, 1), range(num_qubits)
    rotors: list[Tensor] = []
    for _ in range(layers):
        layer = _disentangling_layer(states, num_qubits)
        rotors = layer + rotors
        for rotor, bond in reversed(list(zip(layer, bonds, strict=True))):
            pair = _turn(states, line, _layout(bond, num_qubits))
            states = _turn(rotation_matrix(rotor).mT @ pair, _layout(bond, num_qubits), line).flatten(1)
    return torch.stack(rotors)


def refine(states: Tensor, rotors: Tensor, bonds: tuple[int, ...], sweeps: int) -> Tensor:
    """Maximise the overlap of the prepared with the wanted states, never lowering it.

    Args:
        states: what to prepare, shape (N, 2ⁿ), float64.
        rotors: the start, shape (G, N, 2, 4), of positive overlap.
        bonds: where the rotations act, in the order of time.
        sweeps: how often to go through all rotations, back and forth. Memory for a derivative is that of one sweep,
            and one image's rotors for each.

    Returns:
        The refined rotors, shape (G, N, 2, 4).
    """
    previous, overlap = rotors, states.new_zeros(len(states))
    for _ in range(sweeps):
        ahead = normalize(rotors + MOMENTUM * (rotors - previous), dim=-1)
        swept, reached = checkpoint(_sweep, states, ahead, bonds, use_reentrant=False, preserve_rng_state=False)
        # Of the two signs of one rotation, the one next to the old rotor: momentum needs steps to be small.
        same = (swept.detach() * rotors.detach()).sum((2, 3), keepdim=True) >= 0
        swept = torch.where(same, swept, -swept)
        # An image that went too far goes back and starts the next sweep without momentum.
        better = reached >= overlap
        previous, rotors = rotors, torch.where(better[:, None, None], swept, rotors)
        overlap = torch.where(better, reached, overlap)
    return rotors


def _sweep(states: Tensor, rotors: Tensor, bonds: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Every rotation becomes the best one given all others, backwards in time and forwards again.

    With all others fixed the overlap is tr(RᵀE), E the environment: the wanted state undone down to the rotation, times
    the state prepared up to it, traced over all other qubits.
    """
    num_qubits = states.shape[1].bit_length() - 1
    layouts = [_layout(bond, num_qubits) for bond in bonds]
    refined, gates, last = list(rotors), list(rotation_matrix(rotors)), len(bonds) - 1
    before = [_zero_state(len(states), num_qubits)]
    for gate, here, there in zip(gates, layouts, layouts[1:], strict=False):
        before.append(_turn(gate @ before[-1], here, there))
    after = [_turn(states, range(num_qubits), layouts[last])] * len(bonds)
    for g in range(last, -1, -1):
        refined[g] = nearest_rotation(after[g] @ before[g].mT + INERTIA * gates[g])
        gates[g] = rotation_matrix(refined[g])
        if g:
            after[g - 1] = _turn(gates[g].mT @ after[g], layouts[g], layouts[g - 1])
    state = before[0]
    for g in range(last + 1):
        if g:  # the first one has just been done
            state = _turn(state, layouts[g - 1], layouts[g])
            refined[g] = nearest_rotation(after[g] @ state.mT + INERTIA * gates[g])
            gates[g] = rotation_matrix(refined[g])
        state = gates[g] @ state
    return torch.stack(refined), (after[last] * state).sum((1, 2))


def _disentangling_layer(states: Tensor, num_qubits: int) -> list[Tensor]:
    """Rotors in the order of :func:`v_bonds` for one layer."""
    count, middle = len(states), num_qubits // 2 - 1
    rotors = {}
    rest = states
    for bond in range(middle):
        pair = rest.reshape(count, 4, -1)
        rotors[bond] = _concentrating(pair @ pair.mT, (0, 1))
        rest = (rotation_matrix(rotors[bond]).mT @ pair)[:, :2].reshape(count, -1)
    for bond in range(num_qubits - 2, middle, -1):
        pair = rest.reshape(count, -1, 4)
        rotors[bond] = _concentrating(pair.mT @ pair, (0, 2))
        rest = (pair @ rotation_matrix(rotors[bond]))[:, :, ::2].reshape(count, -1)
    # L₀ … L₃ take |00⟩ to the four basis states in order, so the amplitudes themselves are the quaternion.
    one = torch.eye(1, 4, dtype=states.dtype).expand(count, -1)
    rotors[middle] = torch.stack((normalize(rest, dim=1), one), dim=1)
    return [rotors[bond] for bond in v_bonds(num_qubits, 1)]


def _concentrating(density: Tensor, columns: tuple[int, int]) -> Tensor:
    """The rotor that takes two basis states to the two dominant directions of a density.

    That leaves the bases of the dominant space and of its complement free; they are those nearest to the reference.

    Args:
        density: shape (N, 4, 4).
        columns: the basis states in which the outer qubit is |0⟩.
    """
    others = [column for column in range(4) if column not in columns]
    preference = torch.zeros(4, dtype=density.dtype)
    preference[[*columns, *others]] = PREFERENCE * torch.tensor([3.0, 2.0, 1.0, 0.0], dtype=density.dtype)
    reference = rotation_matrix(normalize(torch.tensor(REFERENCE, dtype=density.dtype), dim=-1))
    matrix = torch.empty_like(density)
    spaces = split_eigenvectors(density + torch.diag(preference), 2)
    for basis, place in zip(spaces, (list(columns), others), strict=True):
        matrix[:, :, place] = basis @ _nearest_orthogonal(basis.mT @ reference[:, place])
    sign = torch.linalg.det(matrix.detach()).sign()
    matrix[:, :, others[-1]] = matrix[:, :, others[-1]] * sign[:, None]
    return nearest_rotation(matrix)


def _nearest_orthogonal(matrix: Tensor) -> Tensor:
    """The polar factor of 2×2 matrices, rotation or reflection as the determinant says."""
    a, b, c, d = matrix.flatten(1).unbind(1)
    cofactors = torch.stack((d, -c, -b, a), dim=1).view_as(matrix)
    sign = torch.where(a * d - b * c < 0, -1.0, 1.0)[:, None, None]
    return normalize((matrix + sign * cofactors).flatten(1), dim=1).view_as(matrix) * 2**0.5


def _zero_state(count: int, num_qubits: int) -> Tensor:
    """|0…0⟩ in any layout."""
    return torch.eye(1, 2**num_qubits, dtype=torch.float64).expand(count, -1).unflatten(1, (4, -1))


def _layout(bond: int, num_qubits: int) -> Sequence[int]:
    """An order of the line's positions in which the pair at a bond comes first.

    The far half of the line comes last and in its own order: from one bond to the next amplitudes then move in long
    blocks, which is what makes :func:`_turn` cheap.
    """
    others = [*range(bond), *range(bond + 2, num_qubits)]
    half = num_qubits // 2
    return (bond, bond + 1, *sorted(others, key=lambda position: (position < half) == (bond >= half)))


def _turn(state: Tensor, here: Sequence[int], there: Sequence[int]) -> Tensor:
    """Amplitudes with the positions in another order, shape (N, 4, 2ⁿ⁻²)."""
    qubits = state.reshape(-1, *[2] * len(here))
    return qubits.permute(0, *(1 + here.index(position) for position in there)).reshape(len(state), 4, -1)
