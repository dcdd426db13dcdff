"""What modules say of images, with slopes: for a detector that is fitted to, or attacked through, exact logits."""

from collections.abc import Sequence

from torch import Tensor, nn

from qaml_qiskit.detection.detector import Detector, Evidence


def evidence_of(modules: Sequence[nn.Module], detector: Detector, images: Tensor) -> Evidence:
    """Ask modules about images and about a detector's views of them; differentiable in the images.

    Args:
        modules: images (N, C, H, W) to logits (N, m); the first is the classifier that is watched.
        detector: as :meth:`.Detector.prepared` gave it.
        images: shape (N, C, H, W), where the modules are.
    """
    views = {name: _ask(modules, view) for name, view in detector.views(images).items()}
    return Evidence(images, _ask(modules, images), views)


def _ask(modules: Sequence[nn.Module], images: Tensor) -> tuple[Tensor, ...]:
    return tuple(module(images) for module in modules)
