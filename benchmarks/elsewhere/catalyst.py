"""PennyLane Catalyst, in its own environment: a circuit compiled with its loops, and its adjoint on lightning.qubit.

A state that is an argument cannot be prepared in a circuit that is differentiated (the compiler fails), so the image
enters by multiplexed RY gates whose angles are computed outside. Lightning would go through the adjoint once a class;
with the loss's own weights on the classes, from a run before, one observable is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import catalyst
import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
from numpy.typing import NDArray

from benchmarks.elsewhere.process import serve
from benchmarks.problem import Answer, Array, Labels, Problem, Step

_Floats = NDArray[np.float64]


def build(problem: Problem, weights: Array) -> Step:
    """The training step, an image at a time; the first call compiles."""
    qubits, one_hot = problem.num_qubits, np.eye(problem.num_classes)
    angles = jnp.asarray(weights.astype(np.float64)).reshape(problem.num_layers, qubits, 3)
    one, controls = _compiled(problem), _controls(qubits)

    def step(images: Array, labels: Labels) -> Answer:
        values, gradients = [], []
        for image, label in zip(images.astype(np.float64), labels, strict=True):
            value, gradient = one(angles, _preparation(image, qubits), controls, one_hot[label])
            values.append(float(value))
            gradients.append(np.asarray(gradient).ravel())
        return Answer(float(np.mean(values)), np.mean(gradients, 0))

    return step


def _compiled(problem: Problem) -> Callable[..., Any]:
    """Loss and gradient (L, n, 3) of one image."""
    device = qml.device("lightning.qubit", wires=problem.num_qubits)
    # Wire 0 is the most significant bit.
    read = [qml.Z(problem.num_qubits - 1 - k) for k in range(problem.num_classes)]

    @qml.qnode(device)
    def expectations(angles: Any, turns: Any, controls: Any) -> Any:
        _circuit(problem, angles, turns, controls)
        return [qml.expval(each) for each in read]

    @qml.qnode(device, diff_method="adjoint")
    def weighted(angles: Any, turns: Any, controls: Any, factors: Any) -> Any:
        _circuit(problem, angles, turns, controls)
        return qml.expval(qml.Hamiltonian(factors, read))

    @catalyst.qjit
    def one(angles: Any, turns: Any, controls: Any, label: Any) -> Any:
        logs = jax.nn.log_softmax(problem.scale * jnp.stack(expectations(angles, turns, controls)))
        factors = problem.scale * (jnp.exp(logs) - label)
        return -(logs * label).sum(), catalyst.grad(weighted, argnums=0)(angles, turns, controls, factors)

    compiled: Callable[..., Any] = one
    return compiled


def _circuit(problem: Problem, angles: Any, turns: Any, controls: Any) -> None:
    wires = range(problem.num_qubits)
    qml.RY(turns[0], wires=0)
    for wire in wires[1:]:

        @catalyst.for_loop(2**wire - 1, 2 ** (wire + 1) - 1, 1)
        def multiplexed(i: Any, wire: int = wire) -> None:
            qml.RY(turns[i], wires=wire)
            qml.CNOT([controls[i], wire])

        multiplexed()

    @catalyst.for_loop(0, problem.num_layers, 1)
    def layers(layer: Any) -> None:
        for qubit, wire in enumerate(wires[::-1]):
            qml.RZ(angles[layer, qubit, 0], wires=wire)
            qml.RY(angles[layer, qubit, 1], wires=wire)
            qml.RZ(angles[layer, qubit, 2], wires=wire)
        for wire in wires[:0:-1]:
            qml.CZ([wire, wire - 1])

    layers()


def _controls(num_qubits: int) -> NDArray[np.int64]:
    """The control of the CNOT behind every rotation: the bit in which a Gray code changes; shape (2ⁿ − 1,)."""
    found = [0]
    for level in range(1, num_qubits):
        places = np.arange(2**level)
        codes = places ^ (places >> 1)
        changed = codes ^ np.roll(codes, -1)
        found += [level - int(bit).bit_length() for bit in changed]
    return np.array(found)


def _preparation(image: _Floats, num_qubits: int) -> _Floats:
    """Angles that prepare an image, shape (2ⁿ − 1,)."""
    signed, found = np.pad(image, (0, 2**num_qubits - len(image))).reshape(-1, 2), []
    while True:
        found.append(_between(2 * np.arctan2(signed[:, 1], signed[:, 0])))
        if len(signed) == 1:
            return np.concatenate(found[::-1])
        signed = np.linalg.norm(signed, axis=1).reshape(-1, 2)


def _between(angles: _Floats) -> _Floats:
    """From angles of multiplexed rotations to those between CNOTs in a Gray code's order: a Walsh transform."""
    size, half = len(angles), 1
    while half < size:
        pairs = angles.reshape(-1, 2, half)
        angles = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], 1).ravel()
        half *= 2
    places = np.arange(size)
    return angles[places ^ (places >> 1)] / size


if __name__ == "__main__":
    serve(build)
