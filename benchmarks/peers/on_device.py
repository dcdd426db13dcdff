"""Contestants whose images, weights and results stay on a GPU between steps, as a training or an attack leaves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import package_version
from benchmarks.peers.base import MissingError, require
from benchmarks.peers.jax_adjoint import Simulator, jitted_steps
from benchmarks.peers.ours import classifier, through_circuit
from benchmarks.problem import Array, Labels, Problem
from qaml_qiskit.compute import trusting

Numbers = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class DeviceStep:
    """A step on what lies on the device already.

    Attributes:
        run: queues one step; returns its loss and gradient, still on the device.
        wait: until such a result is there.
        read: the loss, and the gradient as an array: of the weights, or of some images' pixels.
    """

    run: Callable[[], tuple[Any, Any]]
    wait: Callable[[Any], None]
    read: Callable[[tuple[Any, Any]], tuple[float, Numbers]]


class DeviceContestant(Protocol):
    """A contestant on a GPU.

    Batches are made of few different images, repeated, so that loss and gradients at any size are known from the few.
    """

    key: str
    title: str
    note: str

    def version(self) -> str:
        """Library and device.

        Raises:
            MissingError: either is not there.
        """

    def steps(self, problem: Problem, images: Array, labels: Labels, copies: int) -> dict[str, DeviceStep]:
        """By name (``train``, ``attack``) the steps on so many copies of the images."""


class CudaSteps:
    """The package on a device."""

    key = "cuda"
    title = "qaml-qiskit on CUDA"
    note = "what a QVC on a CUDA device runs by itself"

    def __init__(self, device: str = "cuda") -> None:
        self._device = device

    def version(self) -> str:
        """Torch and the device."""
        if self._device == "cuda" and not torch.cuda.is_available():
            raise MissingError("not measured, torch.cuda.is_available() is false")
        name = torch.cuda.get_device_name() if self._device == "cuda" else self._device
        return f"torch {torch.__version__}, {name}"

    def steps(self, problem: Problem, images: Array, labels: Labels, copies: int) -> dict[str, DeviceStep]:
        """Through the circuit."""
        model = classifier(problem, problem.weights()).to(self._device)
        x, y = self._placed(images, labels, copies)
        return {
            "train": self._step(partial(_trained, model, x, y), None),
            "attack": self._step(partial(_attacked, through_circuit(model), x, y), len(images)),
        }

    def _placed(self, images: Array, labels: Labels, copies: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.from_numpy(images)[:, None, None].to(self._device)
        return x.repeat(copies, 1, 1, 1), torch.from_numpy(labels).to(self._device).repeat(copies)

    def _step(self, run: Callable[[], tuple[Any, Any]], rows: int | None) -> DeviceStep:
        def trusted() -> tuple[Any, Any]:
            with trusting():
                return run()

        def wait(result: Any) -> None:
            if self._device == "cuda":
                torch.cuda.synchronize()

        def read(result: tuple[Any, Any]) -> tuple[float, Numbers]:
            loss, gradient = result
            return loss.item(), _ends(gradient.flatten(1).cpu().numpy(), rows) if rows else gradient.cpu().numpy()

        return DeviceStep(trusted, wait, read)


class CudaCollapsedSteps(CudaSteps):
    """A frozen model on a device."""

    key = "cuda-collapsed"
    title = "qaml-qiskit on CUDA, frozen model"
    note = "the circuit as one matrix where that pays; what `qaml attack` uses"

    def steps(self, problem: Problem, images: Array, labels: Labels, copies: int) -> dict[str, DeviceStep]:
        """An attack step only."""
        model = classifier(problem, problem.weights()).to(self._device).eval().requires_grad_(False)
        x, y = self._placed(images, labels, copies)
        return {"attack": self._step(partial(_attacked, model, x, y), len(images))}


class JaxSteps:
    """The hand-written JAX program on a device. It was tuned for a CPU; batches are not cut."""

    key = "jax-cuda"
    title = "JAX on CUDA, hand-written adjoint"
    note = "the CPU's program on the device"

    def __init__(self, platform: str = "cuda") -> None:
        self._platform = platform

    def version(self) -> str:
        """JAX and the device.

        Raises:
            MissingError: JAX sees no such device.
        """
        versions = require("jax", "jaxlib")
        import jax

        try:
            jax.config.update("jax_platforms", self._platform)
            # The device's default multiplies in TF32, whose gradients are off by parts in a thousand.
            jax.config.update("jax_default_matmul_precision", "highest")
            return f"{versions}, {jax.devices()[0].device_kind}"
        except RuntimeError as error:
            raise MissingError("JAX sees no CUDA device") from error

    def steps(self, problem: Problem, images: Array, labels: Labels, copies: int) -> dict[str, DeviceStep]:
        """Jitted; the first run compiles."""
        import jax
        import jax.numpy as jnp

        x = jnp.tile(jnp.asarray(images), (copies, 1))
        y = jnp.tile(jnp.asarray(labels.astype(np.int32)), copies)
        weight = jnp.asarray(problem.weights())
        train, attack = self._functions(problem)
        found = {}
        for name, function, rows in (("train", train, None), ("attack", attack, len(images))):

            def read(result: tuple[Any, Any], rows: int | None = rows) -> tuple[float, Numbers]:
                loss, gradient = result
                return float(loss), _ends(gradient, rows) if rows else np.asarray(gradient)

            found[name] = DeviceStep(partial(function, weight, x, y), jax.block_until_ready, read)
        return found

    def _functions(self, problem: Problem) -> tuple[Any, Any]:
        simulator = Simulator(problem)
        return jitted_steps(problem, simulator.expectations, simulator.frozen_expectations)


class TensorCircuitSteps(JaxSteps):
    """tensorcircuit-ng on JAX on a device, a gate a qubit."""

    key = "tensorcircuit-cuda"
    title = "tensorcircuit-ng, JAX on CUDA"
    note = "jit, vmap, scan and checkpoint over layers, greedy contractor, complex64"

    def version(self) -> str:
        """tensorcircuit-ng, JAX and the device."""
        return f"{require('tensorcircuit-ng')}, {super().version()}"

    def _functions(self, problem: Problem) -> tuple[Any, Any]:
        from benchmarks.peers.tensorcircuit import expectations_by_gates

        return jitted_steps(problem, expectations_by_gates(problem))


class LightningGpuSteps:
    """PennyLane's lightning.gpu; training only, since its adjoint gives no gradient of the prepared state."""

    key = "lightning-gpu"
    title = "PennyLane lightning.gpu, adjoint"
    note = "one circuit an image, which is how the device runs a batch; images and results lie on the CPU"

    def version(self) -> str:
        """PennyLane and Lightning.

        Raises:
            MissingError: it is not installed; it needs custatevec and the libraries of CUDA 12.
        """
        if package_version("pennylane-lightning-gpu") is None:
            raise MissingError("not installed: pennylane-lightning-gpu (it needs custatevec and CUDA 12's libraries)")
        return require("pennylane", "pennylane-lightning-gpu")

    def steps(self, problem: Problem, images: Array, labels: Labels, copies: int) -> dict[str, DeviceStep]:
        """The training step."""
        import pennylane as qml

        from benchmarks.peers.pennylane_torch import qvc_circuit, steps_of

        device = qml.device("lightning.gpu", wires=problem.num_qubits, c_dtype=np.complex64)
        circuit = qml.QNode(qvc_circuit(problem, rot=False), device, interface="torch", diff_method="adjoint")
        train = steps_of(circuit, problem, problem.weights()).train
        assert train is not None
        x, y = np.tile(images, (copies, 1)), np.tile(labels, copies)
        return {"train": DeviceStep(lambda: tuple(train(x, y)), lambda result: None, lambda result: result)}


#: The package, and everybody else, the expected fastest first.
ON_DEVICE: tuple[DeviceContestant, ...] = (
    CudaSteps(),
    CudaCollapsedSteps(),
    JaxSteps(),
    TensorCircuitSteps(),
    LightningGpuSteps(),
)


def _trained(model: Any, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
    model.zero_grad(set_to_none=True)
    loss = torch.nn.functional.cross_entropy(model(x), y)
    loss.backward()
    return loss.detach(), model.weight.grad


def _attacked(logits: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
    x = x.detach().requires_grad_()
    loss = torch.nn.functional.cross_entropy(logits(x), y)
    return loss.detach(), torch.autograd.grad(loss, x)[0]


def _ends(gradient: Any, rows: int) -> Numbers:
    """Of the first and the last copies of the images: all in between are between them."""
    return np.concatenate([np.asarray(gradient[:rows]), np.asarray(gradient[-rows:])])
