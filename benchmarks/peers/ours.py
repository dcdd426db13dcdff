"""qaml-qiskit itself: the compiled kernel, plain torch, and the collapsed frozen model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.machine import package_version
from benchmarks.peers.base import MissingError, Steps
from benchmarks.problem import Answer, Array, Labels, Problem, Step
from qaml_qiskit.models.qvc import QVC
from qaml_qiskit.models.qvc_config import QVCConfig
from qaml_qiskit.simulation import backend_description, use_backend


def classifier(problem: Problem, weights: Array) -> QVC:
    """The package's model of this problem."""
    config = QVCConfig(
        image_shape=(1, 1, problem.num_pixels),
        num_classes=problem.num_classes,
        num_layers=problem.num_layers,
        logit_scale=problem.scale,
    )
    model = QVC(config)
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(weights))
    return model


def images_and_labels(images: Array, labels: Labels, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Tensors that share memory with the arrays; images as (N, 1, 1, pixels)."""
    return torch.from_numpy(images)[:, None, None].to(device), torch.from_numpy(labels).to(device)


def training_step(model: QVC) -> Step:
    """Loss and weight gradients by ``loss.backward()``."""

    def step(images: Array, labels: Labels) -> Answer:
        x, y = images_and_labels(images, labels, model.weight.device.type)
        model.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        gradient = model.weight.grad
        assert gradient is not None
        return Answer(loss.item(), gradient.cpu().numpy())

    return step


def attack_step(logits: Callable[[Tensor], Tensor], device: str = "cpu") -> Step:
    """Loss and image gradients, as torchattacks asks for them."""

    def step(images: Array, labels: Labels) -> Answer:
        x, y = images_and_labels(images, labels, device)
        x = x.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(logits(x), y)
        (gradient,) = torch.autograd.grad(loss, x)
        return Answer(loss.item(), gradient.flatten().cpu().numpy())

    return step


def through_circuit(model: QVC) -> Callable[[Tensor], Tensor]:
    """Logits with constant weights, but simulated gate by gate at every call instead of collapsed."""
    network, weight, scale = model.connector.neural_network, model.weight.detach(), model.config.logit_scale
    return lambda images: network.expectations(images.flatten(1), weight) * scale


class Kernel:
    """The default on a CPU."""

    key = "kernel"
    title = "qaml-qiskit, kernel"
    note = "what a QVC runs by itself on a CPU"

    def version(self) -> str:
        """The package and its kernel."""
        description = backend_description()
        if "kernel" not in description or description.startswith("torch"):
            raise MissingError("the compiled kernel was not built")
        return f"qaml-qiskit {package_version('qaml-qiskit') or 'checkout'}, {description}"

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Steps in the kernel."""
        model = classifier(problem, weights)
        return Steps(training_step(model), attack_step(through_circuit(model)))


class Fallback:
    """Where no kernel was built, or the tensors are not on a CPU."""

    key = "torch"
    title = "qaml-qiskit, torch fallback"
    note = 'inside `use_backend("torch")`'

    def version(self) -> str:
        """Torch."""
        return f"torch {torch.__version__}"

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Steps in torch operations."""
        model = classifier(problem, weights)
        return Steps(_in_torch(training_step(model)), _in_torch(attack_step(through_circuit(model))))


class Cuda:
    """The torch engine on a CUDA device; compare it by wall time."""

    key = "cuda"
    title = "qaml-qiskit, torch on CUDA"
    note = "images travel to the device in every step"

    def version(self) -> str:
        """Torch and the device."""
        if not torch.cuda.is_available():
            raise MissingError("not measured, torch.cuda.is_available() is false")
        return f"torch {torch.__version__}, {torch.cuda.get_device_name()}"

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Steps on the device; reading the loss waits for it."""
        model = classifier(problem, weights).to("cuda")
        return Steps(training_step(model), attack_step(through_circuit(model), "cuda"))


class Collapsed:
    """A model whose weights are frozen, as `qaml_qiskit.attacks` freezes it."""

    key = "collapsed"
    title = "qaml-qiskit, frozen model (collapsed where that pays)"
    note = "the circuit as one matrix, made once a model (see the table of PGD)"

    def version(self) -> str:
        """What multiplies the matrices."""
        return f"qaml-qiskit {package_version('qaml-qiskit') or 'checkout'}, {backend_description()}"

    def build(self, problem: Problem, weights: Array) -> Steps:
        """An attack step only: training needs the weights' gradients."""
        model = classifier(problem, weights).eval().requires_grad_(False)
        return Steps(None, attack_step(model))


def _in_torch(step: Step) -> Step:
    def run(images: Array, labels: Labels) -> Answer:
        with use_backend("torch"):
            return step(images, labels)

    return run
