"""Approximate amplitude encoding: a few V-shaped layers of two-qubit rotations, fitted to every image."""

from functools import cached_property
from typing import Any, Literal, Self, cast, get_args

import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import Tensor
from torch.autograd import Function

from qaml_qiskit.batches import real_batch
from qaml_qiskit.encodings.amplitude import amplitudes
from qaml_qiskit.encodings.compiled import load_fit
from qaml_qiskit.encodings.encoding import Encoding
from qaml_qiskit.encodings.pixel_order import PixelOrder
from qaml_qiskit.encodings.rotations import euler_angles, preparation_angles, rotation_matrix
from qaml_qiskit.encodings.v_layers import analytic_start, prepared, refine, v_bonds
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.memory import check_memory

#: Amplitudes of the images that are fitted together: as many as the processor's cache holds.
_CHUNK = 2**16
#: Of a two-qubit rotation in the circuit and in its fit.
_BYTES_A_ROTATION = 20_000

GradientRule = Literal["unrolled", "straight-through"]


class ApproximateEncoding(Encoding):
    """RY and CZ in L layers over a line of qubits: 2(n−1)L − 1 CZ instead of about 2ⁿ.

    A layer is a V of n−1 two-qubit rotations, from the middle bond outwards; each is (RY⊗RY)·CZ·(RY⊗RY)·CZ·(RY⊗RY), and
    the first one, which acts on |00⟩, needs only one CZ. Neighbouring RYs are merged, so there is one RY on every qubit
    to begin with and two after every CZ. The circuit is the same for all images; it needs no SWAPs on a line.

    Args:
        num_qubits: n ≥ 2.
        layers: L ≥ 1.
        order: which pixel becomes which amplitude.
        sweeps: of the fit, see :func:`qaml_qiskit.encodings.v_layers.refine`. Ten serve; more trade time for fidelity.
        gradient: how :meth:`state` is differentiated, see there.

    Raises:
        ConfigurationError: fewer than two qubits, no layer, a negative number of sweeps, or more than fits into the
            memory.
    """

    name = "approximate"
    default_layers = 2
    default_order = "gray"
    fits_images = True
    gradient_rules = get_args(GradientRule)

    def __init__(
        self,
        num_qubits: int,
        layers: int,
        order: PixelOrder = "gray",
        sweeps: int = 10,
        gradient: GradientRule = "unrolled",
    ) -> None:
        if num_qubits < 2 or layers < 1 or sweeps < 0:
            raise ConfigurationError(
                "cannot build an approximate encoding",
                got=f"{num_qubits} qubits, {layers} layers, {sweeps} sweeps",
                expected="at least two qubits, one layer and no negative number of sweeps",
                remedy="use more qubits or layers",
            )
        needed = _BYTES_A_ROTATION * layers * (num_qubits - 1)
        check_memory("cannot build an approximate encoding", needed, remedy="use fewer encoding layers")
        self.num_qubits = num_qubits
        self.layers = layers
        self.order = order
        self.sweeps = sweeps
        self.gradient = gradient
        self._bonds = v_bonds(num_qubits, layers)

    @classmethod
    def on_qubits(cls, num_qubits: int, *, layers: int | None = None, order: PixelOrder | None = None) -> Self:
        """See :meth:`Encoding.on_qubits`."""
        return cls(num_qubits, layers or cls.default_layers, order or cls.default_order)

    def differentiated(self, rule: str) -> "ApproximateEncoding":
        """See :meth:`Encoding.differentiated`."""
        gradient = cast(GradientRule, rule)
        return ApproximateEncoding(self.num_qubits, self.layers, self.order, self.sweeps, gradient)

    @cached_property
    def parameters(self) -> ParameterVector:
        """The angles: one for every qubit from 0 up, then two for every CZ, more significant qubit first."""
        return ParameterVector("x", self.num_qubits + 2 * len(self._cz_bonds))

    @cached_property
    def template(self) -> QuantumCircuit:
        """See :attr:`Encoding.template`."""
        n = self.num_qubits
        angles = iter(self.parameters)
        circuit = QuantumCircuit(n, name="encoding")
        for qubit in range(n):
            circuit.ry(next(angles), qubit)
        for bond in self._cz_bonds:
            pair = (n - 1 - bond, n - 2 - bond)
            circuit.cz(*pair)
            for qubit in pair:
                circuit.ry(next(angles), qubit)
        return circuit

    @property
    def _cz_bonds(self) -> list[int]:
        """The bond of every CZ in the order of time: two a rotation, but one for the first."""
        return [bond for bond in self._bonds for _ in range(2)][1:]

    @cached_property
    def _merged(self) -> Tensor:
        """The parameter into which every rotation's RY goes, shape (G, 3, 2) for G rotations, walls and qubits."""
        n = self.num_qubits
        latest = list(range(n))
        fresh = n
        table = []
        for gate, bond in enumerate(self._bonds):
            pair = (n - 1 - bond, n - 2 - bond)
            walls = [[latest[qubit] for qubit in pair]]
            for wall in (1, 2):
                if gate or wall == 2:  # the first rotation has no CZ before its middle wall
                    for qubit in pair:
                        latest[qubit] = fresh
                        fresh += 1
                walls.append([latest[qubit] for qubit in pair])
            table.append(walls)
        return torch.tensor(table)

    @torch.no_grad()
    def angles(self, images: Tensor) -> Tensor:
        """The circuit's angles for a batch.

        Args:
            images: shape (N, C, H, W) or (N, H, W), for the order ``flat`` any (N, ...); negative pixels keep their
                sign.

        Returns:
            Shape (N, 2·CZ + n) in radians, float64. Not differentiable: take gradients through :meth:`state`.

        Raises:
            InputError: as :func:`qaml_qiskit.encodings.amplitudes`.
        """
        wanted = amplitudes(real_batch(images).to("cpu", torch.float64), self.num_qubits, self.order)
        compiled = load_fit()
        if compiled is not None:
            rotors = compiled.rotors(wanted, self.layers, self.sweeps)
        else:
            none = wanted.new_zeros(len(self._bonds), 0, 2, 4)
            rotors = torch.cat([none, *(self._fit(chunk) for chunk in self._chunks(wanted))], dim=1)
        angles = euler_angles(rotors)
        angles[0] = preparation_angles(rotation_matrix(rotors[0])[..., 0])
        merged = torch.zeros(len(images), len(self.parameters), dtype=torch.float64)
        return _wrapped(merged.index_add_(1, self._merged.flatten(), angles.movedim(1, 0).flatten(1)))

    def state(self, images: Tensor) -> Tensor:
        """The states that the circuit prepares with the fitted angles, shape (N, 2ⁿ), of the images' dtype.

        The angles depend on the image, too. ``unrolled``, the default, is the derivative of what is computed, through
        the start and every sweep; it costs about ten times the state. The map is rough: steps much above 0.001 a pixel
        leave the range of its tangent. ``straight-through`` is no derivative but an estimate that costs nothing: that
        of the wanted state in place of the prepared one. It points elsewhere and serves a single large step better; an
        attack of ten steps is stronger with ``unrolled``.

        Args:
            images: as for :meth:`angles`.

        Raises:
            InputError: as :meth:`angles`; when differentiating, a second derivative of ``unrolled``, which first-order
                perturbation theory does not have.
        """
        images = real_batch(images)
        wanted = amplitudes(images.to("cpu", torch.float64), self.num_qubits, self.order)
        unrolled = torch.is_grad_enabled() and wanted.requires_grad and self.gradient == "unrolled"
        compiled = None if unrolled else load_fit()
        if compiled is not None:
            state = compiled.prepared(wanted, self.layers, self.sweeps)
        else:
            with torch.set_grad_enabled(unrolled):
                state = torch.cat([wanted[:0], *(self._prepared(chunk) for chunk in self._chunks(wanted))])
        if self.gradient == "straight-through":
            state = wanted + (state - wanted).detach()
        elif state.requires_grad:
            state = _OnceDifferentiable.apply(state)
        return state.to(images)

    def wanted(self, images: Tensor) -> Tensor:
        """The images' amplitudes, shape (N, 2ⁿ), of their dtype.

        Raises:
            InputError: as :meth:`angles`.
        """
        return amplitudes(real_batch(images), self.num_qubits, self.order)

    def _chunks(self, wanted: Tensor) -> tuple[Tensor, ...]:
        return wanted.split(max(1, _CHUNK >> self.num_qubits)) if len(wanted) else ()

    def _fit(self, wanted: Tensor) -> Tensor:
        """Rotors in the order of time, shape (L(n−1), N, 2, 4)."""
        return refine(wanted, analytic_start(wanted, self.num_qubits, self.layers), self._bonds, self.sweeps)

    def _prepared(self, wanted: Tensor) -> Tensor:
        return prepared(self._fit(wanted), self._bonds, self.num_qubits)


class _OnceDifferentiable(Function):
    """The identity, with a refusal of derivatives of higher order, which would be wrong without a word."""

    @staticmethod
    def forward(ctx: Any, state: Tensor) -> Tensor:
        return state.view_as(state)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            raise InputError(
                "the approximate encoding can be differentiated once only",
                got="a gradient with create_graph=True",
                expected="a first derivative",
                remedy="leave out create_graph, or use an exact encoding or the gradient 'straight-through'",
            )
        return cotangent


def _wrapped(angles: Tensor) -> Tensor:
    """Angles of RYs, shape (N, P), brought to (−π, π]; the first may be outside, for the sign of the state.

    The cut lies a little beside ±π, because black pixels give angles of exactly π, with either sign by rounding.
    """
    turns = torch.ceil((angles - torch.pi - 1e-6) / (2 * torch.pi))
    wrapped = angles - 2 * torch.pi * turns
    wrapped[:, 0] += 2 * torch.pi * (turns.sum(1) % 2)
    return wrapped
