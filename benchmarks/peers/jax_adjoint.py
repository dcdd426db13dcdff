"""A hand-written JAX simulator with its own adjoint: the strongest peer.

It uses what this package knows: the normal form (real RY walls between merged complex diagonals, all diagonals
tabulated at once), real and imaginary planes with the batch innermost, ``lax.scan`` over the layers, and a custom
vector-Jacobian product that undoes the circuit on state and adjoint, so that autograd stores nothing.

The rest is what XLA's CPU compiler likes, found by trying some forty variants: rotations of two qubits as one real
4×4 product (faster than one, three or five qubits, and than matrix products); every wall's result is a concatenation,
which XLA does not fuse into its consumers; correlations end in a product with ones, because its reductions are slow.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers.base import Steps, require
from benchmarks.peers.jax_halves import Halves
from benchmarks.problem import Answer, Array, Labels, Problem

#: Up to so many images of so many amplitudes matrix products are faster.
_FEW, _SMALL = 16, 2**12


class JaxAdjoint:
    """See the module."""

    key = "jax"
    title = "JAX, hand-written adjoint"
    note = "normal form, `lax.scan` over layers, own `custom_vjp`, float32"

    def version(self) -> str:
        """JAX and XLA's library."""
        return require("jax", "jaxlib")

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Jitted steps; the first call compiles."""
        many, few = Simulator(problem), Halves(problem)

        def expectations(weight: Any, states: Any) -> Any:
            return _which(states, few, many).expectations(weight, states)

        def frozen(weight: Any, states: Any) -> Any:
            return _which(states, few, many).frozen_expectations(weight, states)

        return steps_of(problem, weights, expectations, frozen, _chunks(problem.num_qubits))


def _which(states: Any, few: Halves, many: Simulator) -> Halves | Simulator:
    """The faster of the two for as many images."""
    size, count = states.shape
    return few if count <= _FEW and size <= _SMALL else many


def _chunks(num_qubits: int) -> tuple[int, int]:
    """Images at a time in a training and in an attack step, as many as fit into a cache."""
    if num_qubits <= 10:
        return 128, 128
    return (32, 32) if num_qubits <= 14 else (2, 1)


def steps_of(
    problem: Problem,
    weights: Array,
    expectations: Any,
    frozen: Any = None,
    chunks: tuple[int | None, int | None] = (None, None),
) -> Steps:
    """Jitted loss and gradients of a function (weights, states (2ⁿ, B)) -> ⟨Z⟩ (B, classes).

    Args:
        problem: the problem.
        weights: shape (3·n·L,).
        expectations: differentiable in both arguments.
        frozen: the same, if there is one that is faster where only the states' gradients are wanted.
        chunks: larger batches of a training and of an attack step are cut into chunks of these sizes (None: never).
    """
    import jax.numpy as jnp

    train, attack = jitted_steps(problem, expectations, frozen, chunks)
    weight = jnp.asarray(weights)

    def step(function: Any, images: Array, labels: Labels) -> Answer:
        value, gradient = function(weight, images, labels.astype(np.int32))
        return Answer(float(value), np.asarray(gradient).ravel())

    return Steps(partial(step, train), partial(step, attack))


def jitted_steps(
    problem: Problem,
    expectations: Any,
    frozen: Any = None,
    chunks: tuple[int | None, int | None] = (None, None),
) -> tuple[Any, Any]:
    """Jitted functions (weights, images, labels) -> (loss, gradient) of training and attack; see :func:`steps_of`."""
    import jax
    import jax.numpy as jnp

    padding = 2**problem.num_qubits - problem.num_pixels

    def loss(function: Any, weight: Any, images: Any, labels: Any) -> Any:
        states = jnp.pad(images / jnp.linalg.norm(images, axis=1, keepdims=True), ((0, 0), (0, padding))).T
        logs = jax.nn.log_softmax(problem.scale * function(weight, states))
        return -jnp.take_along_axis(logs, labels[:, None], 1).mean()

    def value_and_gradient(function: Any, attack: bool, weight: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        both, chunk = partial(jax.value_and_grad(partial(loss, function), argnums=int(attack)), weight), chunks[attack]
        if chunk is None or len(images) <= chunk or len(images) % chunk:
            return both(images, labels)
        parts = (images.reshape(-1, chunk, images.shape[1]), labels.reshape(-1, chunk))
        values, gradients = jax.lax.map(lambda part: both(*part), parts)
        return values.mean(), gradients / len(values) if attack else gradients.mean(0)

    train = jax.jit(partial(value_and_gradient, expectations, False))
    return train, jax.jit(partial(value_and_gradient, frozen or expectations, True))


class Simulator:
    """⟨Z⟩ of the QVC with a custom vector-Jacobian product.

    Args:
        problem: the circuit's size.
    """

    def __init__(self, problem: Problem) -> None:
        import jax

        n = problem.num_qubits
        self._shape = (problem.num_layers, n, 3)
        self._groups = [2] * (n // 2) + [1] * (n % 2)
        self._signs = problem.z_signs()
        self._measured = self._signs[:, : problem.num_classes]
        self._cz = np.concatenate([np.ones((1, 2**n), np.float32), np.tile(problem.cz_signs(), (self._shape[0], 1))])
        self.expectations = jax.custom_vjp(lambda weight, states: self._forward(weight, states)[0])
        self.expectations.defvjp(self._forward, partial(self._backward, weights=True))
        self.frozen_expectations = jax.custom_vjp(lambda weight, states: self._forward(weight, states)[0])
        self.frozen_expectations.defvjp(self._forward, partial(self._backward, weights=False))

    def _tables(self, weight: Any) -> tuple[Any, Any, Any]:
        """Real matrices of all walls, one array a group; cosines and sines of all L + 1 diagonals."""
        import jax.numpy as jnp

        angles = weight.reshape(self._shape)
        none = jnp.zeros((1, self._shape[1]))
        z_angles = jnp.concatenate([angles[..., 0], none]) + jnp.concatenate([none, angles[..., 2]])
        phases = -0.5 * z_angles @ self._signs.T
        cos, sin = jnp.cos(angles[..., 1] / 2), jnp.sin(angles[..., 1] / 2)
        rotations = jnp.stack([cos, -sin, sin, cos], -1).reshape(*cos.shape, 2, 2)
        walls, qubit = [], 0
        for group in self._groups:
            matrix = rotations[:, qubit]
            if group == 2:
                matrix = jnp.einsum("kab,kcd->kacbd", rotations[:, qubit + 1], matrix).reshape(-1, 4, 4)
            walls.append(matrix)
            qubit += group
        return tuple(walls), jnp.cos(phases) * self._cz, jnp.sin(phases) * self._cz

    def _forward(self, weight: Any, states: Any) -> tuple[Any, Any]:
        import jax

        tables = walls, cos, sin = self._tables(weight)

        def layer(planes: Any, table: Any) -> tuple[Any, None]:
            wall, c, s = table
            return _multiply(self._turn(planes, wall), c, s), None

        start = (states * cos[0][:, None], states * sin[0][:, None])
        final, _ = jax.lax.scan(layer, start, (walls, cos[1:], sin[1:]))
        return (final[0] ** 2 + final[1] ** 2).T @ self._measured, (tables, final)

    def _backward(self, residuals: Any, cotangent: Any, *, weights: bool) -> tuple[Any, Any]:
        """Undo the circuit; every gradient is read between a wall and the diagonal before it, where both commute."""
        import jax
        import jax.numpy as jnp

        (walls, cos, sin), state = residuals
        back = tuple(wall.swapaxes(1, 2) for wall in walls)
        factor = 2 * (self._measured @ cotangent.T)
        adjoint = _multiply((state[0] * factor, state[1] * factor), cos[-1], -sin[-1])
        state = _multiply(state, cos[-1], -sin[-1])

        def layer(planes: Any, table: Any) -> tuple[Any, Any]:
            wall, c, s = table
            if not weights:
                return _multiply(self._turn(planes, wall), c, -s), None
            x, y = self._turn(planes[0], wall), self._turn(planes[1], wall)
            by_z = self._signs.T @ (y[0] * x[1] - y[1] * x[0])
            collected = (by_z.sum(1), self._correlations(y, x))
            return (_multiply(x, c, -s), _multiply(y, c, -s)), collected

        start = (state, adjoint) if weights else adjoint
        end, collected = jax.lax.scan(layer, start, (back, cos[:-1], sin[:-1]), reverse=True)
        if not weights:
            return jnp.zeros(np.prod(self._shape)), end[0]
        by_z, by_y = collected
        # The diagonal behind the last wall commutes with Z: no gradient.
        behind = jnp.concatenate([by_z[1:], jnp.zeros((1, self._shape[1]))])
        return 0.5 * jnp.stack([by_z, by_y, behind], -1).ravel(), end[1][0]

    def _turn(self, planes: Any, wall: Any) -> Any:
        """Apply a wall to the real and the imaginary plane, each (2ⁿ, B)."""
        return tuple(_apply(plane, wall, self._groups) for plane in planes)

    def _correlations(self, adjoint: Any, state: Any) -> Any:
        """Σ λ₁ψ₀ − λ₀ψ₁ of every qubit; of two qubits together with half the products."""
        import jax.numpy as jnp

        sums, qubit = [], 0
        for group in self._groups:
            parts = [_products(y, x, group, qubit) for y, x in zip(adjoint, state, strict=True)]
            both = [sum((jnp.ones(len(part)) @ part).sum() for part in each) for each in zip(*parts, strict=True)]
            sums += both if group == 1 else [0.5 * (both[0] + both[1]), 0.5 * (both[0] - both[1])]
            qubit += group
        return jnp.stack(sums)


def _apply(plane: Any, wall: Any, groups: list[int]) -> Any:
    import jax.numpy as jnp

    shape, qubit = plane.shape, 0
    for group, matrix in zip(groups, wall, strict=True):
        size = 2**group
        x = plane.reshape(-1, size, 2**qubit, shape[1])
        rows = [sum(matrix[i, j] * x[:, j] for j in range(size)) for i in range(size)]
        plane = jnp.stack(rows, 1).reshape(shape)
        qubit += group
    return plane


def _products(adjoint: Any, state: Any, group: int, qubit: int) -> list[Any]:
    """Arrays (rows, B) whose sums are the group's correlations (their sum and difference for two qubits)."""
    shape = (-1, 2**group, 2**qubit, state.shape[1])
    y, x = adjoint.reshape(shape), state.reshape(shape)
    if group == 1:
        products = [y[:, 1] * x[:, 0] - y[:, 0] * x[:, 1]]
    else:
        products = [
            (y[:, 1] + y[:, 2]) * (x[:, 0] - x[:, 3]) - (y[:, 0] - y[:, 3]) * (x[:, 1] + x[:, 2]),
            (y[:, 1] - y[:, 2]) * (x[:, 0] + x[:, 3]) - (y[:, 0] + y[:, 3]) * (x[:, 1] - x[:, 2]),
        ]
    return [product.reshape(-1, shape[-1]) for product in products]


def _multiply(planes: Any, cos: Any, sin: Any) -> Any:
    re, im = planes
    c, s = cos[:, None], sin[:, None]
    return re * c - im * s, re * s + im * c
