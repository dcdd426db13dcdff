"""A model under a condition: ideal, under a named noise, or compiled for a target."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.mapping import HERE, Pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.attacks import Attack
from qaml_qiskit.attacks.randomness import RandomStream
from qaml_qiskit.batches import check_said
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.circuits import CircuitWithNoise, device_circuit, native_circuit, on_active_qubits
from qaml_qiskit.deployments.compiled import Compiled, compiled_for
from qaml_qiskit.deployments.conditions import (
    DEFAULT_RECIPE,
    Condition,
    Ideal,
    OnTarget,
    UnderNoise,
    written,
)
from qaml_qiskit.deployments.forms import QuadraticForms, check_forms, forms_of_layers, forms_of_matrices, unit_head
from qaml_qiskit.deployments.modules import frozen_copy, noisy_module, placed, without_readout_errors
from qaml_qiskit.deployments.pieces import encodes_slowly, in_pieces, readable
from qaml_qiskit.deployments.recoding import behind_encoding
from qaml_qiskit.deployments.sampling import Stages, passing_run, sample_values
from qaml_qiskit.evaluation import BitString, LinearHead, Products
from qaml_qiskit.execution import DEFAULT_MITIGATION, Mitigation, Target, load_catalogue, load_recipe, open_target
from qaml_qiskit.models import (
    QVC,
    BeforeHead,
    ModelCard,
    Network,
    NetworkCard,
    NoisyQVC,
    QuadraticClassifier,
    StoredModel,
    check_batch,
    predict,
)
from qaml_qiskit.noise import NoiseSpec, Placement, named_noise
from qaml_qiskit.progress import Advance, Progress, Silent, ignore
from qaml_qiskit.simulation import computing
from qaml_qiskit.simulation.heisenberg import NoisyObservables

Kind = Literal["exact", "noisy", "device"]
Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Deployment:
    """A model and its condition; made by :func:`~qaml_qiskit.deployments.deploy`.

    What is derived is computed when it is first asked for, and kept; :meth:`fresh` is a copy that has forgotten. A
    deployment can be pickled: it takes the weights and the circuits that were made along, and nothing else that was
    derived, nor the handle of a device.

    Attributes:
        model_name: as it was given.
        stored: the model and its card, or a network of the user's and what it is for.
        condition: what it is put under.
        target: where it was compiled for; None elsewhere.
        compute: what it is computed with, here and on workers; what comes out is on the processor, in single precision.
    """

    model_name: str
    stored: StoredModel | Network
    condition: Condition = field(default_factory=Ideal)
    target: Target | None = None
    compute: Compute = DEFAULT_COMPUTE
    # Native circuits by placement, without noise, or a device's; and whether they prepare the image. Shared by `under`.
    _circuits: dict[tuple[str, bool], CircuitWithNoise] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        state = {each.name: getattr(self, each.name) for each in fields(self)}
        if self.target is not None:
            state["target"] = replace(self.target, backend=None)
        return state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {self.kind}>"

    # What it is

    @property
    def name(self) -> str:
        """``MODEL``, ``MODEL@NOISE:STRENGTH`` or ``MODEL@TARGET``."""
        return written(self.model_name, self.condition)

    @property
    def short_name(self) -> str:
        """The model's name without its folder, for a bar."""
        return Path(self.model_name).name

    @property
    def noise_name(self) -> str | None:
        """``NOISE:STRENGTH``; None for no named noise."""
        return str(self.condition) if isinstance(self.condition, UnderNoise) else None

    @property
    def kind(self) -> Kind:
        """How it is scored; a noise of strength 0 is none."""
        if isinstance(self.condition, OnTarget):
            return "device"
        return "exact" if self.noise is None else "noisy"

    @property
    def card(self) -> ModelCard | NetworkCard:
        """What lies beside the weights, or what is known of a network."""
        return self.stored.card

    @property
    def num_classes(self) -> int:
        """How many labels there are."""
        return int(self.card.model.num_classes)

    @property
    def qvc(self) -> QVC:
        """The model.

        Raises:
            ConfigurationError: it is no QVC.
        """
        if isinstance(self.stored.model, QVC):
            return self.stored.model
        raise refusals.needs_circuit(self.model_name, self.card.model.kind)

    @property
    def head(self) -> LinearHead:
        """From the averages of the readout's strings to logits, in double precision, the scale included.

        Raises:
            ConfigurationError: it is no QVC.
        """
        return unit_head(self.qvc).times(self.qvc.config.logit_scale)

    @property
    def reads_classes(self) -> bool:
        """Whether class k is read from ⟨Z⟩ of the k-th measured qubit, as with the readout ``qubits``."""
        readout = self.qvc.readout
        return readout.bits == Products.of_bits(len(readout.qubits)).strings and self.head.is_scale

    @property
    def encodes_slowly(self) -> bool:
        """Whether a circuit is fitted to every image before anything can be said about it."""
        return encodes_slowly(self.stored.model)

    @cached_property
    def noise(self) -> NoiseSpec | None:
        """The named noise; None for none."""
        if not isinstance(self.condition, UnderNoise) or not self.condition.strength:
            return None
        return named_noise(self.condition.noise, self.condition.strength, self.condition.placement)

    @property
    def weights(self) -> str:
        """Fingerprint of the weights, 16 hexadecimal digits; of a network, of its code, too."""
        return self.stored.weights

    @property
    def code(self) -> dict[str, str]:
        """Fingerprints of the files of the user's that ran to make the model; empty for a stored model."""
        return dict(self.stored.code)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of results should know of the model, in sentences."""
        return self.stored.notes

    @property
    def weights_digest(self) -> str:
        """Fingerprint of the weights of a QVC, its trained head included, or of a quadratic classifier."""
        if isinstance(self.stored.model, QuadraticClassifier):
            return digest(self.stored.model.matrices)
        return digest(torch.cat([each.flatten() for each in self.qvc.parameters()]))

    def resolved(self) -> dict[str, Any]:
        """What the names of target and recipe stood for, for a run's configuration; empty elsewhere. Compiles."""
        return self.compiled.resolved() if self.kind == "device" else {}

    @property
    def fingerprint(self) -> str:
        """Of the weights and all that the condition stands for, 16 hexadecimal digits."""
        words = [self.weights, str(self.condition), self.resolved()]
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]

    # The same model elsewhere

    def fresh(self) -> "Deployment":
        """The same, without what was computed but the circuits: matrices of ten qubits take some 40 MB a noise."""
        return replace(self)

    def behind(self, encoding: str, encoding_layers: int | None = None) -> "Deployment":
        """The same layers and condition behind another encoding.

        Raises:
            ConfigurationError: no QVC, or an encoding that these layers cannot have.
        """
        # A network has no QVC.
        stored = behind_encoding(self.qvc, cast(StoredModel, self.stored), self.name, encoding, encoding_layers)
        return self if stored is self.stored else replace(self, stored=stored, _circuits={})

    def under(
        self, noise: str, strength: float, placement: Placement = "gate", *, on_encoding: bool = False
    ) -> "Deployment":
        """The model under a named noise; all noises and strengths share the compiled circuit.

        Raises:
            ConfigurationError: no QVC, an unknown noise, or a strength out of its range.
        """
        return self.at(UnderNoise(noise, strength, placement, on_encoding))

    def on(self, target: str, recipe: str = DEFAULT_RECIPE, backends: Path | None = None) -> "Deployment":
        """The model on a target of backends.yaml.

        Raises:
            QamlError: no QVC, or a target or recipe that does not exist or fit.
        """
        return self.at(OnTarget(target, recipe), backends=backends)

    def at(self, condition: Condition, backends: Path | None = None) -> "Deployment":
        """The model under any condition; see :meth:`under` and :meth:`on`."""
        if not isinstance(condition, Ideal):
            _ = self.qvc
        target = None
        if isinstance(condition, UnderNoise):
            self._check_noise(condition)
        if isinstance(condition, OnTarget):
            load_recipe(condition.recipe)
            entry = load_catalogue(backends).entry(condition.target)
            target = open_target(condition.target, entry, self.qvc.config.num_qubits)
        shared = self._circuits if target is None and self.target is None else {}
        return replace(self, condition=condition, target=target, _circuits=shared)

    def _check_noise(self, condition: UnderNoise) -> None:
        """Refuse a noise on the whole register, of which the circuits hold what it does to single qubits."""
        readout = self.qvc.readout
        spec = named_noise(condition.noise, condition.strength, condition.placement) if condition.strength else None
        if spec is not None and spec.global_depolarizing and any(len(string) > 1 for string in readout.strings):
            raise refusals.needs_single_z(self.name, condition.noise, readout.name)

    # Its circuits

    @cached_property
    def compiled(self) -> Compiled:
        """The whole circuit, compiled for the target.

        Raises:
            ConfigurationError: it is on no target, or cannot be compiled for it.
        """
        if self.target is None or not isinstance(self.condition, OnTarget):
            raise refusals.needs_target(self.name)
        return compiled_for(self.qvc.circuit(), self.target, self.condition.recipe)

    @cached_property
    def layers(self) -> CircuitWithNoise:
        """The layers alone, which an image's state enters, under the noise.

        On a device they are compiled by themselves, so they may lie on other qubits than in the whole circuit.
        """
        return self._circuit(with_encoding=False)

    @cached_property
    def circuit(self) -> CircuitWithNoise:
        """What is computed: the whole circuit where the encoding is noisy, too, and otherwise :attr:`layers`."""
        return self._circuit(with_encoding=True) if self._is_whole else self.layers

    @property
    def _is_whole(self) -> bool:
        """Whether the encoding is noisy, too."""
        return self.kind == "device" or (isinstance(self.condition, UnderNoise) and self.condition.on_encoding)

    def _circuit(self, *, with_encoding: bool) -> CircuitWithNoise:
        placement = self.condition.placement if isinstance(self.condition, UnderNoise) else "gate"
        key = ("device" if self.kind == "device" else placement, with_encoding)
        if key not in self._circuits:
            if self.kind != "device":
                made = native_circuit(self.qvc, placement, with_encoding=with_encoding)
            elif with_encoding:
                made = on_active_qubits(self.compiled.isa, self.compiled.target, self.qvc.readout.bits)
            else:
                condition = cast(OnTarget, self.condition)
                made = device_circuit(self.qvc, cast(Target, self.target), condition.recipe, with_encoding=False)
            self._circuits[key] = made
        circuit = self._circuits[key]
        return circuit if self.noise is None else circuit.under(self.noise)

    # What it says

    @cached_property
    def _observables(self) -> NoisyObservables:
        with computing(self.compute):
            return self.layers.observables(self.compute.dtype, self.compute.device)

    @cached_property
    def module(self) -> nn.Module:
        """Images (N, C, H, W) to logits (N, m), exact and differentiable, the encoding taken as noiseless.

        It lies where :attr:`compute` says, and takes images that do, too. A frozen copy of an ideal model, so that a
        deep QVC is collapsed once. Readout errors are in the others.
        """
        if self.kind == "exact":
            return frozen_copy(self.stored.model, self.compute)
        return noisy_module(self.qvc, self._observables, self.compute)

    @cached_property
    def mitigated_module(self) -> nn.Module:
        """:attr:`module` with the readout errors inverted."""
        if self.kind == "exact" or self.layers.readout.is_perfect:
            return self.module
        with computing(self.compute):
            observables = without_readout_errors(self._observables, self.layers)
        return noisy_module(self.qvc, observables, self.compute)

    def check_attackable(self, attacks: Iterable[Attack]) -> None:
        """Raise ConfigurationError unless these attacks can be made on :attr:`module`.

        It leaves out the noise of an encoding, and a network may have no gradients for attacks that read them.
        """
        if self._is_whole:
            got = "a classifier on a device" if self.kind == "device" else "a classifier with noise on its encoding"
            raise refusals.needs_gradients(self.name, got)
        reading = [attack.name for attack in attacks if attack.traits.white_box]
        if self.stored.no_gradients and reading:
            raise refusals.network_without_gradients(self.name, self.stored.no_gradients, reading[0])

    @torch.no_grad()
    def logits(self, images: Tensor, progress: Progress | None = None) -> Tensor:
        """What endless shots would say, shape (N, m): on a device through the whole compiled circuit.

        Readout errors are in it; :class:`~.studies.Prediction` inverts them.

        Args:
            images: shape (N, C, H, W).
            progress: told about the images where they take long.

        Raises:
            InputError: images of another shape, one that the model cannot read, or one of which it says NaN.
        """
        progress = progress or Silent()
        if self._is_whole:
            images = self._checked(images)
            z = in_pieces(lambda piece: torch.from_numpy(self.expectations(piece)), images, "scoring images", progress)
            return self.qvc.logits(z)
        return self._said(self.module, images, "encoding images", progress)

    def _checked(self, images: Tensor) -> Tensor:
        """Refuse images that the model was not trained for: a device's circuit would run whatever it is given."""
        return check_batch(images, self.card.model.image_shape)

    def _said(
        self, module: nn.Module, images: Tensor, encoding: str, progress: Progress, *, before_head: bool = False
    ) -> Tensor:
        """The logits of a placed module for images as they are kept, or the averages that they are made of."""
        with computing(self.compute):
            read = readable(module, self.compute.placed(self._checked(images)), encoding, progress)
            asked = BeforeHead(cast(QVC | NoisyQVC, module)) if before_head else module
            # A network that is random takes nothing of the caller's random numbers, and says the same every time.
            with RandomStream(0, read.device).entered():
                said = check_said(predict(asked, read), self.name)
            return DEFAULT_COMPUTE.placed(said)

    @torch.no_grad()
    def expectations(self, images: Tensor, advance: Advance = ignore) -> Floats:
        """⟨P_s⟩ of the readout's S products of Z with endless shots, shape (N, S); readout errors are in it.

        With the readout ``qubits`` they are the ⟨Z_k⟩. Where the encoding is noisy, too, every image costs a
        propagation of its own, and ``advance`` is told about it.

        Raises:
            ConfigurationError: it is no QVC.
        """
        return self.moments(images, self.qvc.readout.bits, advance)

    @torch.no_grad()
    def moments(
        self, images: Tensor, strings: Sequence[BitString], advance: Advance = ignore, *, readout_errors: bool = True
    ) -> Floats:
        """Averages of any products of Z of the measured qubits with endless shots, shape (N, number of products).

        Args:
            images: shape (N, C, H, W).
            strings: of each product the classical bits of its qubits.
            advance: told about every image, where each costs a propagation of its own.
            readout_errors: whether they are in it.
        """
        if not self._is_whole:
            return self.layer_moments(images, strings, readout_errors=readout_errors)
        circuit = self.circuit if readout_errors else self.circuit.without_readout_errors()
        values = self._angles(images, circuit.columns, Silent())
        with computing(self.compute):
            return DEFAULT_COMPUTE.placed(circuit.expectations(values, strings, self.compute, advance)).numpy()

    @torch.no_grad()
    def layer_moments(self, images: Tensor, strings: Sequence[BitString], *, readout_errors: bool = True) -> Floats:
        """As :meth:`moments`, the encoding taken as noiseless, as in :attr:`module`."""
        own, parts, others = self.qvc.readout.bits, [], tuple(strings)
        # What is read is carried back through the layers once; other products are, whenever they are asked for.
        if readout_errors and others[: len(own)] == own:
            parts, others = [self._averaged(self.module, images)], others[len(own) :]
        if others:
            layers = self.layers if readout_errors else self.layers.without_readout_errors()
            with computing(self.compute):
                observables = layers.observables(self.compute.dtype, self.compute.device, others)
            parts.append(self._averaged(noisy_module(self.qvc, observables, self.compute), images))
        return np.concatenate(parts, axis=1)

    def _averaged(self, module: nn.Module, images: Tensor) -> Floats:
        return self._said(module, images, "encoding images", Silent(), before_head=True).numpy()

    @torch.no_grad()
    def ideal(self, images: Tensor, progress: Progress | None = None) -> Floats:
        """⟨P_s⟩ of the readout's S products of Z without noise and shots, shape (N, S).

        Raises:
            ConfigurationError: it is no QVC.
        """
        module, told = placed(self.qvc, self.compute), "scoring images without noise"
        return self._said(module, images, told, progress or Silent(), before_head=True).numpy()

    def forms(self) -> QuadraticForms:
        """The logits as quadratic forms of the image; the one-off work takes seconds for ten qubits and 200 layers.

        On a device: those of the layers and the readout under its noise, the encoding taken as noiseless. They are on
        the processor, in both precisions, whatever :attr:`compute` says.

        Raises:
            ConfigurationError: see :meth:`check_forms`.
        """
        self.check_forms()
        if isinstance(self.stored.model, QuadraticClassifier):
            return forms_of_matrices(self.stored.model)
        with computing(self.compute):
            return forms_of_layers(self.qvc, self.layers)

    def check_forms(self) -> None:
        """Raise ConfigurationError unless the logits are quadratic forms of the image."""
        check_forms(self.stored.model, self.card.model.kind, self.name, self.condition)

    # On a target

    def values(self, images: Tensor, progress: Progress | None = None) -> NDArray[np.float64]:
        """The encoding's angles in the order of the ISA circuit's parameters, shape (N, P)."""
        return self._angles(images, self.compiled.columns, progress or Silent())

    def _angles(self, images: Tensor, columns: list[int], progress: Progress) -> NDArray[np.float64]:
        angles, images = self.qvc.encoding.angles, self._checked(images)
        if self.encodes_slowly:
            return in_pieces(angles, images, "encoding images", progress).numpy()[:, columns]
        return angles(images).numpy()[:, columns]

    def sample(
        self,
        sets: Mapping[str, Tensor],
        shots: int = 1000,
        mitigation: Mitigation = DEFAULT_MITIGATION,
        seed: int = 0,
        run: Run | None = None,
        progress: Progress | None = None,
        pool: Pool = HERE,
    ) -> dict[str, Stages]:
        """Sample several sets of images on a simulated target; see :func:`~.sampling.sample_values`.

        Args:
            sets: images of shape (N, C, H, W), by name.
            shots: an image.
            mitigation: see :data:`~qaml_qiskit.execution.Mitigation`.
            seed: of the sampling.
            run: keeps what was sampled; None for nothing that is kept.
            progress: told about every job.
            pool: where the jobs are computed; the counts are the same everywhere.

        Raises:
            ConfigurationError: it is on no target, on a real device, or its readout cannot be corrected.
        """
        progress = progress or Silent()
        values = {name: self.values(images, progress) for name, images in sets.items()}
        with passing_run() if run is None else nullcontext(run) as kept:
            sampled = sample_values(
                self.compiled,
                values,
                self.qvc.readout.bits,
                shots=shots,
                mitigation=mitigation,
                seed=seed,
                run=kept,
                progress=progress,
                pool=pool,
            )
        return {
            name: Stages(self.ideal(images, progress), **sampled[name], head=self.head) for name, images in sets.items()
        }
