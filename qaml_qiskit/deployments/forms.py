"""Models whose logits are quadratic forms of the image, and these forms."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.deployments.inputs import require_qvc
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, NoisyQVC, QuadraticClassifier, StoredModel
from qaml_qiskit.noise import NoiseSpec, named_noise
from qaml_qiskit.simulation.heisenberg import NoisyObservables


@dataclass(frozen=True)
class Prepared:
    """What a certificate needs of a model.

    Attributes:
        matrices: M_k on the image's pixels, shape (m, d, d), in double precision; not necessarily symmetric.
        single: the model itself, noise included, for float32 images of shape (N, C, H, W).
        double: the same for float64 images.
        is_bounded: whether the forms lie in [−1, 1] on normalised images, as expectation values of Z do.
    """

    matrices: NDArray[np.float64]
    single: nn.Module
    double: nn.Module
    is_bounded: bool


@dataclass(frozen=True)
class Certifiable:
    """A model that can be certified, and the noise on it.

    Attributes:
        model: as it is stored, in single precision.
        noise: None for the ideal classifier.
    """

    model: QVC | QuadraticClassifier
    noise: NoiseSpec | None

    @property
    def weights(self) -> Tensor:
        """What decides the logits."""
        return self.model.weight if isinstance(self.model, QVC) else self.model.matrices

    def prepare(self) -> Prepared:
        """The one-off work: seconds for ten qubits and 200 layers."""
        if isinstance(self.model, QuadraticClassifier):
            size = len(self.model.matrices)
            stacked = self.model.matrices.detach().double().unflatten(1, (-1, size)).transpose(0, 1)
            return Prepared(stacked.numpy(), self.model, copy.deepcopy(self.model).double(), is_bounded=False)
        observables = self._observables(self.model)
        positions = self.model.encoding.positions(self.model.config.image_shape)
        assert positions is not None, "checked by certifiable"
        pixels = observables.matrices[:, positions][:, :, positions].numpy()
        if self.noise is None:
            return Prepared(pixels, self.model, copy.deepcopy(self.model).double(), is_bounded=True)
        single = NoisyObservables(observables.readings, observables.matrices.float())
        return Prepared(pixels, NoisyQVC(self.model, single), NoisyQVC(self.model, observables), is_bounded=True)

    def _observables(self, model: QVC) -> NoisyObservables:
        """The exact M_k on all amplitudes, in double precision."""
        where = native_circuit(model, "gate", with_encoding=False)
        if self.noise is not None:
            where = where.under(self.noise)
        return where.observables(torch.float64)


def certifiable(stored: StoredModel, noise: str | None, strength: float | None) -> Certifiable:
    """Check that a model can be certified under a noise.

    Args:
        stored: the model.
        noise: a name of :data:`qaml_qiskit.noise.NOISES`, or None.
        strength: of the noise.

    Raises:
        ConfigurationError: logits that are no quadratic forms of the image, noise on a model without a circuit, an
            unknown noise, or a strength out of its range.
    """
    model = stored.model
    if not isinstance(model, QVC | QuadraticClassifier):
        raise _refused(f"a {stored.card.model.kind}", "train one with `qaml train --model qvc`")
    if isinstance(model, QVC) and model.encoding.positions(model.config.image_shape) is None:
        raise _refused(
            f"a qvc with the {model.config.encoding} encoding, whose states are no linear function of the image",
            "train one with --encoding multiplexed",
        )
    if noise is None or strength is None:
        return Certifiable(model, None)
    require_qvc(stored, "this model has no circuit that noise could act on", remedy="leave out --noise and --strength")
    spec = named_noise(noise, strength)
    return Certifiable(model, spec if strength > 0 else None)


def _refused(got: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        "this model cannot be certified",
        got=got,
        expected="logits quadratic in the image: a qvc with the multiplexed encoding, or a quadratic model",
        remedy=remedy,
    )
