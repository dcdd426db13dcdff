"""Quadratic forms that are sums of squares with signs, as those of a circuit whose weights are constant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function

from qaml_qiskit.simulation.native import Kernel
from qaml_qiskit.simulation.panels import Panels, filled_up, is_transformed, kernel_for
from qaml_qiskit.simulation.program import Program
from qaml_qiskit.simulation.readings import Reading, qubits_of, string_signs
from qaml_qiskit.simulation.statevector import basis_states


class FactoredForms:
    """z_k = Σ_r s_kr (a_r·x)² of normalised vectors x, differentiable in them.

    All values take one product with A, and the gradient of any function of them one with its transpose. The kernel
    keeps A as it reads it, both ways: three times the memory of A.

    Args:
        factor: A, its rows as columns, shape (d, R), real. Where vectors may be complex: the real parts of a matrix U,
            then its imaginary parts, so that the squares make |Ux|².
        signs: s, shape (R, m), of the same type.
    """

    def __init__(self, factor: Tensor, signs: Tensor) -> None:
        self.factor, self.signs = factor, signs
        self._prepared: dict[tuple[int, torch.dtype], _Prepared] = {}

    def __getstate__(self) -> dict[str, Any]:
        """The forms, without what only spares work."""
        return {**self.__dict__, "_prepared": {}}

    def values(self, vectors: Tensor, norms_of: Callable[[Tensor], Tensor]) -> Tensor:
        """The forms of vectors over their norms, shape (N, m), in the precision of the vectors.

        Args:
            vectors: shape (N, d), real or complex.
            norms_of: gives the l2 norms of vectors, shape (N, 1), differentiably, or refuses some. It is asked where
                the kernel does not compute them, and about vectors that have no direction (zero, NaN or infinite).
        """
        kernel = kernel_for(vectors)
        if kernel is not None and len(vectors):
            prepared, differentiated = self._prepared_for(kernel, vectors.dtype), vectors.requires_grad
            passed = prepared.forward(vectors.detach(), keep=differentiated and torch.is_grad_enabled())
            if passed is not None:
                return passed.values if passed.products is None else _Values.apply(vectors, self, prepared, passed)
        return self.by_torch(vectors / norms_of(vectors))

    def by_torch(self, states: Tensor) -> Tensor:
        """:meth:`values` of vectors of norm 1 in torch operations, which may be differentiated in any way."""
        products = self._products(states)
        return products.square() @ self.signs.to(products.dtype)

    def slopes(self, vectors: Tensor, cotangent: Tensor) -> Tensor:
        """The gradient of :meth:`values` with respect to real vectors, in torch operations, see :meth:`by_torch`."""
        norms = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
        states = vectors / norms
        products = self._products(states)
        by_product = 2 * products * (cotangent @ self.signs.to(products.dtype).T)
        by_state = by_product @ self.factor.to(products.dtype).T
        return (by_state - (by_state * states).sum(1, keepdim=True) * states) / norms

    def _products(self, states: Tensor) -> Tensor:
        """a_r·x, shape (N, R); real and imaginary part of Ux side by side."""
        factor = self.factor.to(states.dtype.to_real() if states.is_complex() else states.dtype)
        if not states.is_complex():
            return states @ factor
        real, imaginary = (states.imag @ factor).chunk(2, dim=1)
        return states.real @ factor + torch.cat((-imaginary, real), dim=1)

    def _prepared_for(self, kernel: Kernel, dtype: torch.dtype) -> _Prepared:
        key = (kernel.level, dtype)
        if key not in self._prepared:
            self._prepared[key] = _Prepared.of(kernel, self.factor.detach().to(dtype), self.signs.detach().to(dtype))
        return self._prepared[key]


def collapse(program: Program, weights: Tensor, readings: Sequence[Reading], num_inputs: int) -> FactoredForms:
    """What a circuit with constant weights measures of a state, as forms of the state's first amplitudes.

    Args:
        program: the compiled circuit on n qubits.
        weights: shape (P,). The circuit is run in double precision, the result is in the weights'.
        readings: what is measured, m of them.
        num_inputs: d, how many amplitudes may differ from zero: the first ones.
    """
    columns = torch.view_as_real(basis_states(program, weights.detach().double(), range(num_inputs)))
    # Real parts, then imaginary parts, of what becomes of each amplitude.
    factor = columns.to(weights.dtype).transpose(1, 2).flatten(1)
    signs = string_signs(program.num_qubits, tuple(map(qubits_of, readings)), factor)
    return FactoredForms(factor, signs.repeat(2, 1))


@dataclass(frozen=True, eq=False)
class _Prepared:
    """Forms as the kernel reads them.

    Attributes:
        rows: A, its rows as columns.
        back: A itself.
        signs: shape (m, R), filled up with zeros as the rows are.
    """

    rows: Panels
    back: Panels
    signs: Tensor

    @classmethod
    def of(cls, kernel: Kernel, factor: Tensor, signs: Tensor) -> _Prepared:
        count, columns = signs.shape[1], filled_up(kernel, len(signs), signs.dtype)
        padded = signs.new_zeros((count, columns))
        padded[:, : len(signs)] = signs.T
        return cls(Panels.of(kernel, factor), Panels.of(kernel, factor.T), padded)

    def forward(self, vectors: Tensor, *, keep: bool) -> _Passed | None:
        """Values, and what a backward pass needs if that is to be kept; None where a vector has no direction."""
        vectors, count = vectors.contiguous(), len(vectors)
        values, norms = vectors.new_empty((count, len(self.signs))), vectors.new_empty(count)
        products = vectors.new_empty((count, self.rows.filled_up)) if keep else None
        pointers = (norms.data_ptr(), None if products is None else products.data_ptr(), values.data_ptr())
        inputs = (*self._sizes(self.rows), count, vectors.data_ptr())
        usable = self.rows.call("qaml_forms_forward", *inputs, *pointers) == 0
        return _Passed(vectors, norms, products, values) if usable else None

    def backward(self, passed: Sequence[Tensor], cotangent: Tensor) -> Tensor:
        """The gradient with respect to the vectors, from that with respect to the values."""
        gradient, cotangent = torch.empty_like(passed[0]), cotangent.contiguous()
        pointers = [tensor.data_ptr() for tensor in (*passed, cotangent, gradient)]
        self.back.call("qaml_forms_backward", *self._sizes(self.back), len(gradient), *pointers)
        return gradient

    def _sizes(self, panels: Panels) -> tuple[int, ...]:
        """The arguments that say what the forms are."""
        sizes = (self.rows.depth, self.rows.width, len(self.signs))
        return (*sizes, panels.numbers.data_ptr(), self.signs.data_ptr())


class _Passed(NamedTuple):
    """What a forward pass leaves.

    Attributes:
        vectors: contiguous, shape (N, d).
        norms: theirs, shape (N,).
        products: a_r·x, shape (N, R filled up), if they were to be kept.
        values: shape (N, m).
    """

    vectors: Tensor
    norms: Tensor
    products: Tensor | None
    values: Tensor


class _Values(Function):
    """Keeps the products, which are half the gradient."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, forms: FactoredForms, prepared: _Prepared, passed: _Passed) -> Tensor:
        ctx.save_for_backward(vectors, *passed)
        ctx.forms, ctx.prepared = forms, prepared
        return passed.values

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        vectors, *passed = ctx.saved_tensors
        if torch.is_grad_enabled() or is_transformed(cotangent):
            # Shall be differentiated in its turn, or is asked for many cotangents at once.
            return ctx.forms.slopes(vectors, cotangent), None, None, None
        return ctx.prepared.backward(passed, cotangent), None, None, None
