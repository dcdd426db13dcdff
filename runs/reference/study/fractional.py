"""What fractional gates are worth: counts of compiled circuits, and V-encoders made of RZZ instead of CZ.

    python runs/reference/study/fractional.py counts fractional-counts.csv
    python runs/reference/study/fractional.py encoders mnist

The forecasts beside them are `qaml forecast mnist-shallow12 fashion-mnist-shallow12 --target fake-fez-fractional
--recipe line` (and `fractional`) `--images 200 --shots 1000 --mitigation readout`.
"""

import csv
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import zz_feature_map
from torch import Tensor

from qaml_qiskit.circuits import ANSAETZE, gate_counts
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.encodings import ApproximateEncoding, MultiplexedEncoding, amplitudes
from qaml_qiskit.encodings.v_layers import v_bonds
from qaml_qiskit.execution import compile_for, load_catalogue, load_recipe, open_target, survival

QUBITS, IMAGES, STARTS, STEPS = 10, 10, 2, 300


def circuits() -> dict[str, QuantumCircuit]:
    """By name; the angles of encodings and feature maps are free, those of ansätze bound."""
    bound = {}
    for name, layers in (("ladder", 8), ("brickwork", 24), ("cnot", 8), ("real", 8)):
        ansatz = ANSAETZE[name](QUBITS, layers).circuit()
        values = np.random.default_rng(0).uniform(-np.pi, np.pi, ansatz.num_parameters)
        bound[f"{name}, {layers} layers"] = ansatz.assign_parameters(values)
    free = {f"approximate, {layers}": ApproximateEncoding(QUBITS, layers).template for layers in (1, 2)}
    free["multiplexed, 6 qubits"] = MultiplexedEncoding(6).template
    free["zz_feature_map, 2 repetitions"] = zz_feature_map(QUBITS, 2, entanglement="linear")
    return bound | free


def count(path: str) -> None:
    """Write two-qubit gates, depth, pulses and survival of every circuit by both recipes."""
    target = open_target("fez", load_catalogue().entry("fake-fez-fractional"), QUBITS)
    with Path(path).open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["circuit", "recipe", "two_qubit_gates", "two_qubit_depth", "pulses", "depth", "gate_survival"])
        for (name, circuit), recipe in product(circuits().items(), ("line", "fractional")):
            isa = compile_for(circuit, target, load_recipe(recipe), recipe)
            counts, ops = gate_counts(isa), isa.count_ops()
            pulses = sum(ops.get(gate, 0) for gate in ("sx", "x", "rx"))
            gates, _ = survival(isa, target.isa)
            pairs = (counts.two_qubit_gates, counts.two_qubit_depth)
            rows.writerow([name, recipe, *pairs, pulses, counts.depth, f"{gates:.4f}"])
            file.flush()


def ry(state: Tensor, place: int, angle: Tensor) -> Tensor:
    """RY on one place of the line, the most significant first."""
    halves = state.reshape(len(state), 2**place, 2, -1)
    cos, sin = torch.cos(angle / 2)[:, None, None], torch.sin(angle / 2)[:, None, None]
    low, high = halves[:, :, 0], halves[:, :, 1]
    return torch.stack([cos * low - sin * high, sin * low + cos * high], 2).reshape(len(state), -1)


def zy(state: Tensor, bond: int, angle: Tensor) -> Tensor:
    """exp(−iθ/2·Z⊗Y): RZZ(θ) between rotations of the second place."""
    parts = state.reshape(len(state), 2**bond, 2, 2, -1)
    cos, sin = torch.cos(angle / 2)[:, None, None], torch.sin(angle / 2)[:, None, None]
    first = [cos * parts[:, :, 0, 0] - sin * parts[:, :, 0, 1], sin * parts[:, :, 0, 0] + cos * parts[:, :, 0, 1]]
    second = [cos * parts[:, :, 1, 0] + sin * parts[:, :, 1, 1], -sin * parts[:, :, 1, 0] + cos * parts[:, :, 1, 1]]
    return torch.stack([torch.stack(first, 2), torch.stack(second, 2)], 2).reshape(len(state), -1)


def exchanged(state: Tensor, bond: int) -> Tensor:
    """Both places of a bond exchanged."""
    return state.reshape(len(state), 2**bond, 2, 2, -1).transpose(2, 3).reshape(len(state), -1)


def prepared(kind: str, bonds: Sequence[int], angles: Tensor) -> Tensor:
    """The states of a circuit of RY and CZ, or RY and RZZ, whose bonds turn about Z⊗Y and Y⊗Z in turn."""
    state = torch.zeros(len(angles), 2**QUBITS)
    state[:, 0] = 1
    column = iter(angles.T)
    for place in range(QUBITS):
        state = ry(state, place, next(column))
    seen: dict[int, int] = {}
    for bond in bonds:
        if kind == "cz":
            state = state.reshape(len(state), 2**bond, 2, 2, -1).clone()
            state[:, :, 1, 1] *= -1
            state = state.reshape(len(state), -1)
        elif seen.get(bond, 0) % 2:
            state = exchanged(zy(exchanged(state, bond), bond, next(column)), bond)
        else:
            state = zy(state, bond, next(column))
        seen[bond] = seen.get(bond, 0) + 1
        for place in (bond, bond + 1):
            state = ry(state, place, next(column))
    return state


def fidelity(kind: str, bonds: Sequence[int], wanted: Tensor) -> Tensor:
    """The best of some random starts, each improved by Adam."""
    best = torch.zeros(len(wanted))
    for seed in range(STARTS):
        generator = torch.Generator().manual_seed(seed)
        size = QUBITS + (2 if kind == "cz" else 3) * len(bonds)
        angles = (0.3 * torch.randn(len(wanted), size, generator=generator)).requires_grad_()
        adam = torch.optim.Adam([angles], lr=0.08)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, STEPS)
        for _ in range(STEPS):
            adam.zero_grad()
            found = (prepared(kind, bonds, angles) * wanted).sum(1) ** 2
            (-found.sum()).backward()
            adam.step()
            schedule.step()
        best = torch.maximum(best, found.detach())
    return best


def encoders(dataset: str) -> None:
    """Print mean fidelities of circuits with as many two-qubit gates."""
    images = torch.as_tensor(load_dataset(dataset).test.images[:IMAGES])
    wanted = amplitudes(images.float(), QUBITS, "gray")
    print(dataset, "the package's own fit", float(ApproximateEncoding(QUBITS, 1).fidelity(images).mean()))
    twice = [bond for bond in v_bonds(QUBITS, 1) for _ in range(2)][1:]
    for name, kind, bonds in (
        ("V twice, RZZ", "rzz", list(v_bonds(QUBITS, 2))),
        ("V of pairs, CZ", "cz", twice),
        ("V of pairs, RZZ", "rzz", twice),
    ):
        print(dataset, name, len(bonds), float(fidelity(kind, bonds, wanted).mean()), flush=True)


if __name__ == "__main__":
    {"counts": count, "encoders": encoders}[sys.argv[1]](sys.argv[2])
