"""What a classifier keeps of its accuracy when one of its quantum parts is tampered with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from qaml_qiskit.artifacts import HERE, Bar, Pool, Row, Run
from qaml_qiskit.attacks.quantum import (
    AngleAttack,
    Budget,
    CalibrationAttack,
    CrosstalkAttack,
    GateAttack,
    QuantumAttack,
    ReadoutAttack,
    StateAttack,
    ZProducts,
    logits_of_weights,
)
from qaml_qiskit.deployments import Batch, Deployment, Ideal
from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.evaluation import LinearHead, ReadoutMap
from qaml_qiskit.models import QVC, AmplitudeQNN, headed, unit_head
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.simulation import z_expectations
from qaml_qiskit.simulation.heisenberg import noisy_observables
from qaml_qiskit.studies.parts import TamperedPart
from qaml_qiskit.studies.tampered import STATES, TAMPERED, Tampered, TamperedCell, cells_of, joined, row_of, worse
from qaml_qiskit.studies.tampered_circuits import Disturbed, Headed, crosstalk_circuit, rotations_of

#: Starts of the ascent on the weights: the honest ones, and a random one.
_STARTS = 2
#: Gates tried a round where several may be dropped; for one gate all are.
_CANDIDATES = 100


@dataclass(frozen=True, eq=False)
class Tampering:
    """Tampers with one part of a classifier: a work for :meth:`~qaml_qiskit.artifacts.Run.map`.

    Images are encoded and classified once a process; what was computed is not pickled.

    Attributes:
        deployment: whose model is a QVC; its noise is not used.
        batch: labelled images.
        readout: the honest errors of the measured qubits.
        steps: of the ascent on the weights.
        seed: of its random start.
    """

    deployment: Deployment
    batch: Batch
    readout: ReadoutMap[Tensor]
    steps: int = 40
    seed: int = 0

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def __call__(self, cell: TamperedCell, advance: Advance) -> Tampered:
        """The worst that the attack finds within its budget."""
        found = self.attack(cell).damage(cell.budget)
        return Tampered(
            found.attack,
            found.access.changes,
            list(found.access.knows),
            found.strength,
            found.components,
            found.before,
            found.after,
            found.fooled.int().tolist(),
            np.empty(0) if cell.part == "encoding" else found.change.cpu().numpy(),
        )

    def attack(self, cell: TamperedCell) -> QuantumAttack:
        """The attack on a part, which sees logits as functions of what is changed."""
        match cell.part:
            case "weights":
                return AngleAttack(*self._by_weights, self.labels, steps=self.steps, restarts=_STARTS, seed=self.seed)
            case "gates":
                logits, angles = self._by_weights
                several = cell.budget.components is not None and cell.budget.components > 1
                gates = rotations_of(self._model.config.build_ansatz())
                return GateAttack(logits, angles, gates, self.labels, _CANDIDATES if several else None)
            case "encoding":
                return StateAttack(self.states[cell.images], self.matrices, self.labels[cell.images])
            case "readout":
                return ReadoutAttack(self.read, self.labels, self.products)
            case "calibration":
                honest = self.readout
                return CalibrationAttack(self.read, honest.p10, honest.p01, self.labels, products=self.products)
            case "crosstalk":
                circuit = crosstalk_circuit(self._model)
                network = AmplitudeQNN(circuit, self.features.shape[1], self._model.readout.strings)

                def victim(angles: Tensor) -> nn.Module:
                    return Headed(Disturbed(network, angles), self._head)

                return CrosstalkAttack(victim, circuit.num_parameters, self.features, self.labels)

    @property
    def _model(self) -> QVC:
        return self.deployment.qvc

    @property
    def _by_weights(self) -> tuple[Callable[[Tensor], Tensor], Tensor]:
        return logits_of_weights(Headed(self._model.connector, self._head), "connector.weight", self.features)

    @property
    def _head(self) -> LinearHead:
        return unit_head(self._model)

    @property
    def labels(self) -> Tensor:
        """Shape (N,)."""
        return torch.from_numpy(self.batch.labels)

    @cached_property
    def features(self) -> Tensor:
        """What the model's connector takes, shape (N, F)."""
        with torch.no_grad():
            return self._model.features(self.batch.images)

    @cached_property
    def products(self) -> ZProducts:
        """What the logits are made of, by classical bits."""
        return ZProducts(self._model.readout.bits, self._head.converted(torch.from_numpy))

    @cached_property
    def z(self) -> Tensor:
        """Averages of all products of Z that readout errors mix, as :attr:`products` knows them, shape (N, K)."""
        model, known = self._model, self.products.known
        if self.deployment.has_noise_layers:
            return torch.from_numpy(_without_noise(self.deployment).moments(self.batch.images, known)).double()
        with torch.no_grad():
            if known == model.readout.bits:
                z: Tensor = model.connector(self.features)
                return z.double()
            qubits = [tuple(model.readout.qubits[place] for place in product) for product in known]
            program = model.network.program
            states = amplitudes(self.features, program.num_qubits)
            return z_expectations(program, states.to(self.states), model.weight.double(), qubits)

    @cached_property
    def read(self) -> Tensor:
        """:attr:`z` as it is read, with the honest errors, shape (N, K)."""
        return ZProducts(self.products.known).changed(self.z, self.readout.contrast, self.readout.offset)

    @cached_property
    def states(self) -> Tensor:
        """The encoded states, shape (N, 2ⁿ), float64, of unit length to double precision.

        The length matters: a fidelity that is wrong by 10⁻⁷ is a trace distance of 3·10⁻⁴.
        """
        states = self.features.double()
        size = 2**self._model.config.num_qubits
        return nn.functional.pad(nn.functional.normalize(states, dim=1), (0, size - states.shape[1]))

    @cached_property
    def matrices(self) -> Tensor:
        """M_k with logits φᵀM_kφ for real states φ, up to a common factor, shape (m, 2ⁿ, 2ⁿ), float64."""
        if self.deployment.has_noise_layers:
            observables = _without_noise(self.deployment).layers.observables(torch.float64)
        else:
            strings = self._model.readout.strings
            observables = noisy_observables(self._model.ansatz(), None, strings, dtype=torch.float64)
        return torch.from_numpy(headed(self._head, observables.matrices.numpy()))


def _without_noise(deployment: Deployment) -> Deployment:
    """The model where nothing but its noise layers, on average, disturbs it."""
    return deployment.at(Ideal(rule=deployment.condition.rule))


def honest_readout(deployment: Deployment, probability: float) -> ReadoutMap[Tensor]:
    """The readout errors: those of a device's qubits that the classifier is read from, else the same one everywhere.

    Args:
        deployment: on a device, or not.
        probability: that a qubit is read wrongly, either way, where there is no device.

    Raises:
        ConfigurationError: no circuit, of which nothing is read.
    """
    if deployment.kind == "device":
        found = deployment.circuit.readout
        return ReadoutMap(torch.from_numpy(found.p10), torch.from_numpy(found.p01))
    flips = torch.full((len(deployment.qvc.readout.qubits),), probability, dtype=torch.float64)
    return ReadoutMap(flips, flips)


def check_invertible(readout: ReadoutMap[Tensor]) -> None:
    """Raise InputError for a readout that mitigation cannot invert, whose record cannot be falsified."""
    nothing = torch.zeros_like(readout.p10)[None]
    CalibrationAttack(nothing, readout.p10, readout.p01, torch.zeros(1, dtype=torch.int64))


def tamper_parts(
    run: Run,
    work: Tampering,
    parts: Sequence[TamperedPart],
    budgets: Sequence[Budget],
    progress: Progress,
    pool: Pool = HERE,
) -> list[Row]:
    """A row for every part and budget; every cell is kept in the run.

    What a smaller budget allowed, a larger one allows too. So where the search does worse with more, the row repeats
    the earlier find.

    Args:
        run: keeps the cells below ``cells/``.
        work: tampers with them.
        parts: one after the other.
        budgets: none smaller, in strength or components, than the one before it.
        progress: told about every cell.
        pool: where they are computed.
    """
    cells = {(part, budget): cells_of(part, budget, len(work.batch)) for part in parts for budget in budgets}
    found: dict[str, Tampered] = {}
    for codec, description in ((TAMPERED, "tampering with parts"), (STATES, "tampering with states")):
        some = [cell for each in cells.values() for cell in each if (cell.part == "encoding") == (codec is STATES)]
        bar = Bar(progress, description, {cell.name: cell.told for cell in some})
        found |= run.map({cell.name: cell for cell in some}, work, codec, bar=bar, pool=pool)
    rows = []
    for part in parts:
        damages = [joined(part, [found[cell.name] for cell in cells[part, budget]]) for budget in budgets]
        rows += [row_of(part, *each) for each in zip(budgets, accumulate(damages, worse), strict=True)]
    return rows
