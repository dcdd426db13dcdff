"""Statevector simulation of compiled circuits, batched and differentiable.

Everywhere: ``amplitudes`` has shape (B, 2**n), qubit 0 is the least significant bit of its last index, it may be
real or complex, and it need not be normalised (the circuit is applied as a linear map). The common precision of
``amplitudes`` and ``weights``, by torch's promotion rules, is the precision of the run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.autograd import Function

from qaml_qiskit.batches import as_tensor
from qaml_qiskit.compute import can_look_at
from qaml_qiskit.errors import InputError
from qaml_qiskit.simulation.engine import Engine, choose_engine
from qaml_qiskit.simulation.kernel import KernelEngine
from qaml_qiskit.simulation.matrix_cost import matrix_pays
from qaml_qiskit.simulation.program import Program, placed_angles
from qaml_qiskit.simulation.pullback import Pullback, Wanted
from qaml_qiskit.simulation.readings import Reading, Strings, qubits_of, signed_sums, string_signs
from qaml_qiskit.simulation.torch_backend import TorchEngine, recorded_forward

_PRECISIONS = (torch.float32, torch.float64)
#: Reads the states of derivatives of higher order.
_TORCH = TorchEngine()


class Jacobians(NamedTuple):
    """Per-sample Jacobians of ⟨Z⟩.

    Attributes:
        inputs: shape (B, m, 2**n), real for real amplitudes and otherwise in torch's convention for complex
            gradients (∂/∂Re + i·∂/∂Im); None if not asked for.
        weights: shape (B, m, P); None if not asked for.
    """

    inputs: Tensor | None
    weights: Tensor | None


def evolve(program: Program, amplitudes: Tensor, weights: Tensor) -> Tensor:
    """Apply the circuit to every sample; differentiable in both tensors.

    Args:
        program: the compiled circuit on n qubits.
        amplitudes: shape (B, 2**n), float or complex; B may be 0.
        weights: shape (P,), float, in the order of ``program.parameters``.

    Returns:
        Shape (B, 2**n), complex.

    Raises:
        InputError: for shapes, dtypes or devices that do not fit.
    """
    amplitudes, weights, engine = _prepare(program, amplitudes, weights)
    if amplitudes.shape[0] == 0:
        return _empty(amplitudes, weights, amplitudes.shape[1]).to(amplitudes.dtype.to_complex())
    if _matrix_pays(program, amplitudes, weights, engine):
        state = torch.view_as_complex(_by_matrix(program, amplitudes, weights, engine))
    else:
        state = cast(Tensor, _Evolve.apply(amplitudes, weights, program, engine))
    order = placed_angles(program, state.device).order
    return state if order is None else state[:, order]


def z_expectations(program: Program, amplitudes: Tensor, weights: Tensor, qubits: Sequence[Reading]) -> Tensor:
    """⟨ψ|Z_q|ψ⟩ after the circuit for each of ``qubits``; differentiable in both tensors.

    The backward pass undoes the circuit step by step, so memory does not grow with its depth, and computes only the
    gradients that somebody needs. A batch of many more samples than 2**n is multiplied by the circuit's matrix.
    Derivatives of higher order (``create_graph=True``) are right as well, but are computed with torch, at a memory
    that grows with the depth. For amplitudes of norm r the values are r² times the normalised ones.

    Args:
        program: the compiled circuit on n qubits.
        amplitudes: shape (B, 2**n), float or complex; B may be 0.
        weights: shape (P,), float, in the order of ``program.parameters``.
        qubits: m qubits of the circuit, or tuples of them for products of Z.

    Returns:
        Shape (B, m), real.

    Raises:
        InputError: for shapes, dtypes or devices that do not fit, or a qubit that the circuit does not have.
    """
    strings = _strings(program, qubits)
    amplitudes, weights, engine = _prepare(program, amplitudes, weights)
    if amplitudes.shape[0] == 0:
        return _empty(amplitudes, weights, len(strings))
    if _matrix_pays(program, amplitudes, weights, engine):
        probabilities = _by_matrix(program, amplitudes, weights, engine).square().sum(-1)
        return signed_sums(probabilities, string_signs(program.num_qubits, strings, probabilities))
    values: Tensor = _Expectations.apply(amplitudes, weights, program, strings, engine)
    return values


def unitary(program: Program, weights: Tensor) -> Tensor:
    """The matrix of the circuit, without gradients.

    Args:
        program: the compiled circuit on n qubits.
        weights: shape (P,), float32 or float64, which picks the precision.

    Returns:
        Shape (2**n, 2**n), complex; column j is the image of basis state j.

    Raises:
        InputError: for weights of another shape or dtype.
    """
    return basis_states(program, weights, range(2**program.num_qubits)).T.contiguous()


def basis_states(program: Program, weights: Tensor, numbers: Sequence[int] | Tensor) -> Tensor:
    """What becomes of basis states, without gradients, shape (d, 2**n), complex.

    Args:
        program: the compiled circuit on n qubits.
        weights: as for :func:`unitary`.
        numbers: of the basis states, d of them.

    Raises:
        InputError: as for :func:`unitary`.
    """
    weights = as_tensor(weights, "the weights")
    chosen = torch.as_tensor(numbers, device=weights.device)
    with torch.no_grad():
        basis = torch.zeros(len(chosen), 2**program.num_qubits, dtype=weights.dtype, device=weights.device)
        basis[torch.arange(len(chosen), device=weights.device), chosen] = 1
        return evolve(program, basis, weights)


def z_jacobians(
    program: Program,
    amplitudes: Tensor,
    weights: Tensor,
    qubits: Sequence[Reading],
    *,
    inputs: bool = True,
    weights_: bool = True,
) -> Jacobians:
    """Per-sample Jacobians of :func:`z_expectations`; no gradients flow through them.

    Training needs only vector-Jacobian products, which :func:`z_expectations` gives for a fraction of the cost.

    Args:
        program: the compiled circuit on n qubits.
        amplitudes: shape (B, 2**n), float or complex; B may be 0.
        weights: shape (P,), float, in the order of ``program.parameters``.
        qubits: as for :func:`z_expectations`.
        inputs: whether to compute the Jacobian with respect to the amplitudes.
        weights_: whether to compute the Jacobian with respect to the weights.

    Returns:
        The Jacobians, None in place of one that was not asked for.

    Raises:
        InputError: as for :func:`z_expectations`.
    """
    strings = _strings(program, qubits)
    with torch.no_grad():
        amplitudes, weights, engine = _prepare(program, amplitudes, weights)
        angles = program.angles(weights)
        batch, size = amplitudes.shape
        shape = (batch, len(strings))
        if batch == 0 or not strings:
            empty = amplitudes.new_zeros
            return Jacobians(
                empty((*shape, size)) if inputs else None,
                empty((*shape, program.num_weights)).real if weights_ else None,
            )
        repeated = amplitudes.repeat_interleave(len(strings), 0)
        state = engine.forward(program, angles, repeated)
        seeds = torch.eye(len(strings), dtype=amplitudes.dtype.to_real(), device=amplitudes.device).repeat(batch, 1)
        wanted = Wanted(inputs=inputs, angles=weights_, per_sample=True)
        pullback = engine.pull_back_expectations(program, angles, state, strings, seeds, wanted)
        by_amplitude = None if pullback.inputs is None else _like(pullback.inputs, amplitudes).reshape(*shape, size)
        by_weight = None
        if pullback.angles is not None:
            by_weight = program.weight_gradients(weights, pullback.angles).reshape(*shape, program.num_weights)
        return Jacobians(by_amplitude, by_weight)


def _matrix_pays(program: Program, amplitudes: Tensor, weights: Tensor, engine: Engine) -> bool:
    recorded, kernel = torch.is_grad_enabled(), isinstance(engine, KernelEngine)
    wanted = Wanted(recorded and amplitudes.requires_grad, recorded and weights.requires_grad)
    return matrix_pays(program, len(amplitudes), wanted, is_complex=amplitudes.is_complex(), kernel=kernel)


def _by_matrix(program: Program, amplitudes: Tensor, weights: Tensor, engine: Engine) -> Tensor:
    """The final state in wire order, real and imaginary parts last, shape (B, 2**n, 2).

    The circuit runs once, on all basis states, and the samples are multiplied by what becomes of these. The gradient
    with respect to the matrix is that of as many samples as there are basis states.
    """
    size = amplitudes.shape[1]
    identity = torch.eye(size, dtype=amplitudes.dtype.to_real(), device=amplitudes.device)
    rows: Tensor = _Evolve.apply(identity, weights, program, engine)
    if amplitudes.is_complex():
        return torch.view_as_real(amplitudes @ rows)
    return (amplitudes @ torch.view_as_real(rows).flatten(1)).unflatten(1, (size, 2))


class _Evolve(Function):
    """The circuit as a linear map of the amplitudes and a function of the weights."""

    @staticmethod
    def forward(ctx: Any, amplitudes: Tensor, weights: Tensor, program: Program, engine: Engine) -> Tensor:
        angles = program.angles(weights)
        state = engine.forward(program, angles, amplitudes)
        ctx.save_for_backward(amplitudes, weights, angles, state)
        ctx.program, ctx.engine = program, engine
        return engine.amplitudes(program, state, len(amplitudes))

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        amplitudes, weights, angles, state = ctx.saved_tensors
        wanted = Wanted(ctx.needs_input_grad[0], ctx.needs_input_grad[1])
        if torch.is_grad_enabled():
            again = recorded_forward(ctx.program, ctx.program.angles(weights), amplitudes)
            final = _TORCH.amplitudes(ctx.program, again, len(amplitudes))
            return (*_recorded_gradients(final, (amplitudes, weights), cotangent, wanted), None, None)
        pullback = ctx.engine.pull_back_amplitudes(ctx.program, angles, state, cotangent, wanted)
        return (*_gradients(pullback, ctx.program, amplitudes, weights), None, None)


class _Expectations(Function):
    """⟨Z⟩ as a function of the amplitudes and the weights."""

    @staticmethod
    def forward(
        ctx: Any, amplitudes: Tensor, weights: Tensor, program: Program, strings: Strings, engine: Engine
    ) -> Tensor:
        angles = program.angles(weights)
        state = engine.forward(program, angles, amplitudes)
        ctx.save_for_backward(amplitudes, weights, angles, state)
        ctx.program, ctx.strings, ctx.engine = program, strings, engine
        return engine.expectations(program, state, strings, len(amplitudes))

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        amplitudes, weights, angles, state = ctx.saved_tensors
        wanted = Wanted(ctx.needs_input_grad[0], ctx.needs_input_grad[1])
        if torch.is_grad_enabled():
            again = recorded_forward(ctx.program, ctx.program.angles(weights), amplitudes)
            values = _TORCH.expectations(ctx.program, again, ctx.strings, len(amplitudes))
            return (*_recorded_gradients(values, (amplitudes, weights), cotangent, wanted), None, None, None)
        pullback = ctx.engine.pull_back_expectations(ctx.program, angles, state, ctx.strings, cotangent, wanted)
        return (*_gradients(pullback, ctx.program, amplitudes, weights), None, None, None)


def _recorded_gradients(
    values: Tensor, inputs: tuple[Tensor, Tensor], cotangent: Tensor, wanted: Wanted
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients that are themselves part of a graph, for ``create_graph=True``."""
    asked = [each for each, wants in zip(inputs, wanted, strict=False) if wants]
    found = iter(torch.autograd.grad(values, asked, cotangent, create_graph=True, materialize_grads=True))
    return (next(found) if wanted.inputs else None, next(found) if wanted.angles else None)


def _gradients(
    pullback: Pullback, program: Program, amplitudes: Tensor, weights: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients as autograd wants them: real for real amplitudes, and of the weights in their precision."""
    inputs, angles = pullback.inputs, pullback.angles
    by_weight = None if angles is None else program.weight_gradients(weights, angles)
    return (
        None if inputs is None else _like(inputs, amplitudes),
        None if by_weight is None else by_weight.to(weights.dtype),
    )


def _like(gradient: Tensor, amplitudes: Tensor) -> Tensor:
    return gradient if amplitudes.is_complex() else gradient.real


def _empty(amplitudes: Tensor, weights: Tensor, columns: int) -> Tensor:
    """No rows, but still part of the graph of both tensors."""
    row = amplitudes.real if amplitudes.is_complex() else amplitudes
    return (row[:, :1] * weights.sum().to(row.dtype)).expand(0, columns)


def _strings(program: Program, qubits: Sequence[Reading]) -> Strings:
    """What is read, by the wires that carry these qubits at the end of the circuit."""
    return _on_wires(program.wires, tuple(qubits))


@lru_cache(maxsize=64)
def _on_wires(wires: tuple[int, ...], readings: tuple[Reading, ...]) -> Strings:
    strings = [qubits_of(reading) for reading in readings]
    wrong = [string for string in strings if not string or not {*string} <= {*range(len(wires))}]
    if wrong:
        raise InputError(
            "cannot measure these qubits",
            got=str([string[0] if len(string) == 1 else string for string in wrong]),
            expected=f"qubits from 0 to {len(wires) - 1}",
            remedy="choose qubits of the circuit",
        )
    return tuple(tuple(wires[qubit] for qubit in string) for string in strings)


def _prepare(program: Program, amplitudes: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Engine]:
    """Check both tensors; the amplitudes in the common precision, the weights, and the engine for them."""
    size = 2**program.num_qubits
    amplitudes, weights = as_tensor(amplitudes, "the amplitudes"), as_tensor(weights, "the weights")
    if amplitudes.dim() != 2 or amplitudes.shape[1] != size:
        raise InputError(
            "the amplitudes do not fit the circuit",
            got=f"shape {tuple(amplitudes.shape)}",
            expected=f"shape (batch, {size}) for {program.num_qubits} qubits",
            remedy="flatten the samples, pad them with zeros and add a batch axis",
        )
    if weights.shape != (program.num_weights,):
        raise InputError(
            "the weights do not fit the circuit",
            got=f"shape {tuple(weights.shape)}",
            expected=f"shape ({program.num_weights},), one weight for each of program.parameters",
            remedy="pass one flat vector in the order of program.parameters",
        )
    real = amplitudes.dtype.to_real() if amplitudes.is_complex() else amplitudes.dtype
    if real not in _PRECISIONS or weights.dtype not in _PRECISIONS:
        raise InputError(
            "cannot simulate in this precision",
            got=f"amplitudes of {amplitudes.dtype} and weights of {weights.dtype}",
            expected="float32, float64, complex64 or complex128 amplitudes and float32 or float64 weights",
            remedy="convert them with .to(torch.float32) or .to(torch.float64)",
        )
    if amplitudes.device != weights.device:
        raise InputError(
            "amplitudes and weights are on different devices",
            got=f"{amplitudes.device} and {weights.device}",
            expected="one device",
            remedy="move one of them with .to(device)",
        )
    if can_look_at(weights) and not _finite(weights):
        raise InputError(
            "cannot run the circuit with these weights",
            got="a weight that is NaN or infinite",
            expected="finite angles",
            remedy="check where the weights come from; if training made them so, lower the learning rate",
        )
    amplitudes = amplitudes.to(torch.promote_types(amplitudes.dtype, weights.dtype))
    return amplitudes, weights, choose_engine(program, amplitudes)


def _finite(weights: Tensor) -> bool:
    """Whether all of them are: their sum tells, unless it overflows."""
    return math.isfinite(weights.detach().sum().item()) or bool(torch.isfinite(weights).all())
