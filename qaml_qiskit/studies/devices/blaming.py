"""What the error of every gate of a device costs a classifier: margins, and their derivatives by each error."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from qiskit.transpiler import Target as ISATarget
from torch import Tensor

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.mapping import HERE, Bar, Pool
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.images import Batch
from qaml_qiskit.deployments.refusals import needs_noise_to_blame
from qaml_qiskit.evaluation import LinearHead, Margins
from qaml_qiskit.execution import active_qubits
from qaml_qiskit.execution.costs import gate_error
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress, ignore
from qaml_qiskit.simulation.heisenberg import PhysicalGate, gate_sensitivities, noisy_gates

Floats = NDArray[np.floating]

#: Two-qubit gates that do not tell their qubits apart.
_SYMMETRIC = frozenset({"cz", "rzz", "swap", "iswap"})
#: Images between two files: what a kill can lose.
_BLOCK = 5


@dataclass(frozen=True, eq=False)
class Blame:
    """What every gate's error does to the margins of some images, to first order.

    Margins are in units of ⟨P_s⟩, without the scale of the logits, and are read with readout errors and endless shots.

    Attributes:
        gates: names and physical qubits, in the gate's own order, or ascending where both directions are one gate.
        uses: of each gate in the circuit.
        rates: the reported error of each gate; None where the target reports none.
        labels: of the images, shape (N,).
        margins: shape (N,), the label's logit less that of the best other class.
        slopes: shape (N, G), d margin/dλ_g by the scale of each gate's error, at 1.
        own: shape (N, G), the same of the label's logit alone.
    """

    gates: tuple[PhysicalGate, ...]
    uses: tuple[int, ...]
    rates: tuple[float | None, ...]
    labels: NDArray[np.int64]
    margins: Floats
    slopes: Floats
    own: Floats

    @cached_property
    def lost(self) -> Floats:
        """The mean margin that each gate's error costs, shape (G,): what taking it away wins, to first order."""
        return np.asarray(-self.slopes.mean(0))

    @property
    def total(self) -> float:
        """The sum of :attr:`lost`: the mean margin that all noise costs, to first order."""
        return float(self.lost.sum())

    def gate_rows(self) -> list[Row]:
        """A row a gate, those that cost most first."""
        without = self.margins[:, None] - self.slopes
        saved = ((self.margins[:, None] <= 0) & (without > 0)).sum(0)
        harmed = ((self.margins[:, None] > 0) & (without <= 0)).sum(0)
        return [
            {
                "gate": self.gates[g][0],
                "qubits": "-".join(map(str, self.gates[g][1])),
                "error_rate": self.rates[g],
                "uses": self.uses[g],
                "lost_margin": float(self.lost[g]),
                "share": self._share(self.lost[g]),
                "saved": int(saved[g]),
                "harmed": int(harmed[g]),
            }
            for g in np.argsort(-self.lost, kind="stable")
        ]

    def qubit_rows(self) -> list[Row]:
        """A row a physical qubit: half of each two-qubit gate, all of its own gates, and its reading apart."""
        parts: dict[int, dict[str, float]] = {}
        for (name, qubits), lost in zip(self.gates, self.lost, strict=True):
            kind = "readout" if name == "measure" else "two_qubit" if len(qubits) == 2 else "one_qubit"
            for qubit in qubits:
                of = parts.setdefault(qubit, {"two_qubit": 0.0, "one_qubit": 0.0, "readout": 0.0})
                of[kind] += float(lost) / len(qubits)
        rows = [
            {"qubit": qubit, **of, "lost_margin": sum(of.values()), "share": self._share(sum(of.values()))}
            for qubit, of in sorted(parts.items())
        ]
        return sorted(rows, key=lambda row: -row["lost_margin"])

    def class_rows(self) -> list[Row]:
        """A row a gate and class: the mean derivative of the label's own logit over the images of the class."""
        return [
            {
                "gate": name,
                "qubits": "-".join(map(str, qubits)),
                "class": int(label),
                "by_scale": (by_scale := float(self.own[self.labels == label, g].mean())),
                "by_rate": None if not self.rates[g] else by_scale / float(self.rates[g] or 1),
            }
            for g, (name, qubits) in enumerate(self.gates)
            for label in np.unique(self.labels)
        ]

    def qubit_losses(self) -> dict[int, float]:
        """Lost margin of each physical qubit by its one-qubit gates, its waiting and its reading."""
        found: dict[int, float] = {}
        for (_, qubits), lost in zip(self.gates, self.lost, strict=True):
            if len(qubits) == 1:
                found[qubits[0]] = found.get(qubits[0], 0.0) + float(lost)
        return found

    def pair_losses(self) -> dict[tuple[int, int], float]:
        """Lost margin of each pair of physical qubits, the lower one first, by the gates on both."""
        found: dict[tuple[int, int], float] = {}
        for (_, qubits), lost in zip(self.gates, self.lost, strict=True):
            if len(qubits) == 2:
                pair = (min(qubits), max(qubits))
                found[pair] = found.get(pair, 0.0) + float(lost)
        return found

    def _share(self, lost: float) -> float | None:
        return float(lost) / self.total if self.total else None


@dataclass(frozen=True)
class _Block:
    """Some of the images of a deployment."""

    of: str
    images: Tensor
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class _Blaming:
    """Margins and their derivatives for a block of images."""

    deployments: Mapping[str, Deployment]

    def __call__(self, block: _Block, advance: Advance) -> Arrays:
        margins, slopes, own = margin_slopes(self.deployments[block.of], block.images, block.labels, advance)
        return {"margins": margins, "slopes": slopes, "own": own}


def margin_slopes(
    deployment: Deployment, images: Tensor, labels: NDArray[np.integer], advance: Advance = ignore
) -> tuple[Floats, Floats, Floats]:
    """Margins (N,), their derivatives by the scale of every gate's error (N, G), and those of the label's own logit.

    Args:
        deployment: on a target with noise.
        images: shape (N, C, H, W).
        labels: shape (N,).
        advance: told about every image.
    """
    circuit, head = deployment.circuit, _unscaled(deployment)
    read = np.asarray(deployment.expectations(images), dtype=np.float64)
    margins = Margins.of(read, head, labels)
    own = np.asarray(head.matrix, dtype=np.float64)[labels]
    found = gate_sensitivities(
        circuit.circuit,
        circuit.noise,
        circuit.strings,
        deployment.circuit_values(images),
        combinations=np.stack([margins.weights, own], axis=1),
        progress=lambda done, total: advance(1),
    )
    return margins.values, found.derivatives[:, 0], found.derivatives[:, 1]


def check_blamable(deployments: Mapping[str, Deployment]) -> None:
    """Raise ConfigurationError where a deployment has no noise that a gate could be blamed for."""
    for each in deployments.values():
        if each.circuit.noise is None:
            raise needs_noise_to_blame(each.name)
        noisy_gates(each.circuit.circuit, each.circuit.noise, each.circuit.strings)


def blame_on_devices(
    sets: Mapping[str, tuple[Deployment, Batch]], run: Run, progress: Progress, pool: Pool = HERE
) -> dict[str, Blame]:
    """Blame every gate of compiled circuits, encoding included, for what its error costs on labelled images.

    Args:
        sets: deployments on targets with noise, and their images, by a name within the run.
        run: keeps what is done, block by block.
        progress: told about every image.
        pool: where the blocks are computed.
    """
    tasks: dict[str, _Block] = {}
    told: dict[str, str] = {}
    for name, (deployment, batch) in sets.items():
        # Made here, once: a worker gets the circuits that are there.
        _ = deployment.circuit
        for start in range(0, len(batch), _BLOCK):
            key, now = f"blocks/blame-{name}-{start:06d}", slice(start, start + _BLOCK)
            tasks[key] = _Block(name, batch.images[now].clone(), batch.labels[now])
            told[key] = f"{deployment.short_name} on {deployment.compiled.target.name}"
    work = _Blaming({name: deployment for name, (deployment, _) in sets.items()})
    bar = Bar(progress, "blaming gates", told, {key: len(task.labels) for key, task in tasks.items()})
    found = run.map(tasks, work, ARRAYS, bar=bar, pool=pool)
    return {
        name: _joined(deployment, batch, [found[key] for key, task in tasks.items() if task.of == name])
        for name, (deployment, batch) in sets.items()
    }


def _joined(deployment: Deployment, batch: Batch, blocks: list[Arrays]) -> Blame:
    circuit, compiled = deployment.circuit, deployment.compiled
    found = noisy_gates(circuit.circuit, circuit.noise, circuit.strings)
    physical = active_qubits(compiled.isa)
    each = [_device_gate(name, tuple(physical[qubit] for qubit in qubits)) for name, qubits in found]
    gates = tuple(dict.fromkeys(each))
    same = np.array([[gate == other for other in gates] for gate in each], dtype=np.float64)
    uses = tuple(int(count) for count in np.array([*found.values()]) @ same)
    rates = tuple(_reported_error(compiled.target.isa, *gate) for gate in gates)
    arrays = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    slopes, own = arrays["slopes"] @ same, arrays["own"] @ same
    return Blame(gates, uses, rates, batch.labels, arrays["margins"], slopes, own)


def _reported_error(target: ISATarget, name: str, qubits: tuple[int, ...]) -> float | None:
    """As the device reports it, in whichever direction of a pair."""
    found = (gate_error(target, name, ends) for ends in (qubits, qubits[::-1]))
    return next((error for error in found if error is not None), None)


def _device_gate(name: str, qubits: tuple[int, ...]) -> PhysicalGate:
    """A gate that is the same in both directions is one gate of the device."""
    return name, tuple(sorted(qubits)) if name in _SYMMETRIC else qubits


def _unscaled(deployment: Deployment) -> LinearHead[Floats]:
    return deployment.head.times(1 / deployment.qvc.config.logit_scale)
