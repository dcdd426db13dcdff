"""A model under a condition, and what it says of images: exactly, under a named noise, or on a target."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qaml_qiskit.artifacts.mapping import HERE, Pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.attacks.randomness import RandomStream
from qaml_qiskit.batches import check_said
from qaml_qiskit.compute import DEFAULT_COMPUTE
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.circuits import parameter_values
from qaml_qiskit.deployments.differentiable import DifferentiableModel
from qaml_qiskit.deployments.modules import noisy_module, placed
from qaml_qiskit.deployments.pieces import in_pieces, readable
from qaml_qiskit.deployments.rules import LayersRule, Smoothing
from qaml_qiskit.deployments.sampling import Stages, passing_run, sample_values
from qaml_qiskit.evaluation import ZString
from qaml_qiskit.execution import DEFAULT_MITIGATION, Mitigation
from qaml_qiskit.models import QVC, BeforeHead, NoisyQVC, check_batch, predict
from qaml_qiskit.progress import Advance, Progress, Silent, ignore
from qaml_qiskit.seeds import check_seed
from qaml_qiskit.simulation import computing

Floats = NDArray[np.floating]


class Deployment(DifferentiableModel):
    """What a model under a condition says; made by :func:`~qaml_qiskit.deployments.deploy`.

    Attributes and circuits are those of :class:`.ConditionedModel`, other conditions those of :class:`.PlaceableModel`,
    refusals those of :class:`.CheckedModel`, modules and quadratic forms those of :class:`.DifferentiableModel`.
    """

    # What it says

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
        self.check_scorable()
        if self._is_whole:
            images = self._checked(images)
            bits, rows = self.qvc.readout.bits, len(images)
            z = in_pieces(
                lambda piece: torch.from_numpy(self.moments(piece, bits, rows=rows)), images, "scoring images", progress
            )
            return self.qvc.logits(z)
        return self._said(self.module, images, "encoding images", progress)

    def predict_proba(self, images: Tensor, progress: Progress | None = None) -> NDArray[np.float64]:
        """Probabilities of the classes, shape (N, m): of :meth:`logits`, at the :attr:`temperature`.

        Where draws vote the logits are the shares of the votes, and so are the probabilities, unless a temperature was
        fitted to them.

        Args:
            images: shape (N, C, H, W).
            progress: told about the images where they take long.

        Raises:
            ConfigurationError: there is no temperature; see :func:`~.validation.fitted_temperature`.
            InputError: as :meth:`logits`.
        """
        if self._votes and self.own_temperature is None:
            return self.logits(images, progress).double().numpy()
        temperature = self.temperature
        return temperature.probabilities(self.logits(images, progress).numpy())

    @property
    def _votes(self) -> bool:
        return self.drawing_rule is not None and self.drawing_rule.votes

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
            with RandomStream(self.seed, read.device).entered():
                said = check_said(predict(asked, read), self.name)
            return DEFAULT_COMPUTE.placed(said)

    @torch.no_grad()
    def expectations(self, images: Tensor, advance: Advance = ignore) -> Floats:
        """⟨P_s⟩ of the readout's S products of Z with endless shots, shape (N, S); readout errors are in it.

        Noise layers act on average, whatever the rule. With the readout ``qubits`` they are the ⟨Z_k⟩. Where the
        encoding is noisy, too, every image costs a propagation of its own, and ``advance`` is told about it.

        Raises:
            ConfigurationError: it is no QVC.
        """
        return self.moments(images, self.qvc.readout.bits, advance)

    @torch.no_grad()
    def moments(
        self,
        images: Tensor,
        strings: Sequence[ZString],
        advance: Advance = ignore,
        *,
        readout_errors: bool = True,
        rows: int | None = None,
    ) -> Floats:
        """Averages of any products of Z of the measured qubits with endless shots, shape (N, number of products).

        Args:
            images: shape (N, C, H, W).
            strings: of each product the classical bits of its qubits.
            advance: told about every image, where each costs a propagation of its own.
            readout_errors: whether they are in it.
            rows: how many images are asked about in all, where these are a part of them; see
                :meth:`.PreparedCircuit.expectations`.
        """
        if not self._is_whole:
            return self.layer_moments(images, strings, readout_errors=readout_errors)
        values = self.circuit_values(images)
        with computing(self.compute):
            found = self.circuit.expectations(
                values, strings, self.compute, advance, readout_errors=readout_errors, rows=rows
            )
            return DEFAULT_COMPUTE.placed(found).numpy()

    @torch.no_grad()
    def frequencies(self, images: Tensor, advance: Advance = ignore) -> Floats:
        """How often every bitstring of the measured qubits is read with endless shots, shape (N, 2^n).

        Args:
            images: shape (N, C, H, W).
            advance: told about every image.

        Returns:
            The first measured qubit in the lowest bit; every row sums to 1 in double precision.

        Raises:
            ConfigurationError: its encoding has no noise, so that no circuit prepares the image.
        """
        if not self._is_whole:
            raise refusals.needs_whole_circuit(self.name)
        values = self.circuit_values(images)
        with computing(self.compute):
            found = DEFAULT_COMPUTE.placed(self.circuit.frequencies(values, self.compute, advance)).double().numpy()
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def circuit_values(self, images: Tensor) -> NDArray[np.float64]:
        """Values of the parameters of :attr:`circuit` that prepares its images, in their order, shape (N, P).

        Args:
            images: shape (N, C, H, W).
        """
        return self._angles(self._checked(images), Silent())[:, self.circuit.columns]

    @torch.no_grad()
    def layer_moments(self, images: Tensor, strings: Sequence[ZString], *, readout_errors: bool = True) -> Floats:
        """As :meth:`moments`, the encoding taken as noiseless, as in :attr:`module`."""
        own, parts, others = self.qvc.readout.bits, [], tuple(strings)
        # What is read is carried back through the layers once; other products are, whenever they are asked for.
        if readout_errors and others[: len(own)] == own:
            parts, others = [self._averaged(self._exact_module, images)], others[len(own) :]
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
        """⟨P_s⟩ of the readout's S products of Z without noise and shots, shape (N, S), noise layers on average.

        Raises:
            ConfigurationError: it is no QVC.
        """
        module, told = placed(self.qvc, self.compute), "scoring images without noise"
        return self._said(module, images, told, progress or Silent(), before_head=True).numpy()

    # On a target

    @property
    def draws(self) -> int:
        """J, the rows of every image in :meth:`values`."""
        rule = self.sampling_rule
        return 1 if rule is None else cast(int, rule.draws)

    def values(self, images: Tensor, progress: Progress | None = None, seed: int | None = None) -> NDArray[np.float64]:
        """Values of the ISA circuit's parameters, in their order, shape (N·J, P).

        Rows are images, and of each its draws: the angles of the noise layers, or the copies of a smoothed image.

        Args:
            images: shape (N, C, H, W).
            progress: told about the images where they take long.
            seed: of the draws; the same seed gives the same rows. None for the deployment's own.

        Raises:
            ConfigurationError: the rule is an exact average, which no circuit does.
        """
        self.check_runnable()
        generator = torch.Generator().manual_seed(check_seed(self.seed if seed is None else seed))
        images, rule, drawn = self._checked(images), self.sampling_rule, None
        if isinstance(rule, Smoothing):
            copies = images.repeat_interleave(rule.draws, dim=0)
            images = copies + rule.sigma * torch.randn(copies.shape, generator=generator).to(copies)
        angles = self._angles(images, progress or Silent())
        if isinstance(rule, LayersRule):
            angles = np.repeat(angles, self.draws, axis=0)
        if self.has_noise_layers:
            with torch.no_grad():
                drawn = np.stack([self.qvc.draw(generator).double().flatten().cpu().numpy() for _ in angles])
        return parameter_values(self.compiled.isa, angles, drawn)

    def _angles(self, images: Tensor, progress: Progress) -> NDArray[np.float64]:
        """The encoding's angles, shape (N, A)."""
        angles = self.qvc.encoding.angles
        with torch.no_grad():
            if self.encodes_slowly:
                return in_pieces(angles, images, "encoding images", progress).numpy()
            return angles(images).numpy()

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

        Where noise layers act or the image is smoothed, what is sampled is averaged over the draws.

        Args:
            sets: images of shape (N, C, H, W), by name.
            shots: an image.
            mitigation: see :data:`~qaml_qiskit.execution.Mitigation`.
            seed: of the sampling and of the draws.
            run: keeps what was sampled; None for nothing that is kept.
            progress: told about every job.
            pool: where the jobs are computed; the counts are the same everywhere.

        Raises:
            ConfigurationError: it is on no target, on a real device, its readout cannot be corrected, or the rule is a
                vote, or an average that no circuit does.
        """
        progress = progress or Silent()
        if self._votes:
            raise refusals.needs_mean(self.name, str(self.drawing_rule))
        values = {name: self.values(images, progress, seed) for name, images in sets.items()}
        with passing_run() if run is None else nullcontext(run) as kept:
            sampled = sample_values(
                self.compiled,
                values,
                self.qvc.readout.bits,
                shots=shots,
                mitigation=mitigation,
                seed=seed,
                draws=self.draws,
                run=kept,
                progress=progress,
                pool=pool,
            )
        return {name: Stages(self.ideal(images, progress), sampled[name], self.head) for name, images in sets.items()}
