"""The benchmarks' counted operations, and that their command line starts. Nothing is timed here."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from benchmarks import operations
from benchmarks.problem import Problem
from benchmarks.report import write_report
from benchmarks.suites import SUITES
from benchmarks.suites.settings import Settings
from qaml_qiskit.circuits import Ladder
from qaml_qiskit.simulation import compile_circuit, z_expectations
from tests.tolerances import GRADIENT, VALUE

QUBITS, LAYERS = 3, 2
SIZE = 2**QUBITS
SIGNS = Problem(QUBITS, LAYERS).z_signs().astype(float)
CZ = Problem(QUBITS, LAYERS).cz_signs().astype(float)


class NormalForm:
    """The algorithm on Python numbers, one sample, counting every multiply-add.

    A state is a complex array whose real and imaginary parts are treated as separate real numbers.
    """

    def __init__(self, weights):
        self.count = 0
        angles = weights.reshape(LAYERS, QUBITS, 3)
        self.tangents = np.tan(angles[:, :, 1] / 2)
        self.cosines = np.cos(angles[:, :, 1] / 2).prod(1)
        z = np.zeros((LAYERS + 1, QUBITS))
        z[:-1] += angles[:, :, 0]
        z[1:] += angles[:, :, 2]
        self.diagonals = np.exp(-0.5j * z @ SIGNS.T)
        self.diagonals[1:] *= CZ

    def diagonal(self, state, factors):
        for i in range(SIZE):
            state[i] *= factors[i]
            self.count += 4

    def wall(self, state, tangents):
        for q in range(QUBITS):
            for i in (i for i in range(SIZE) if not i >> q & 1):
                j = i | 1 << q
                state[i], state[j] = state[i] - tangents[q] * state[j], state[j] + tangents[q] * state[i]
                self.count += 4

    def forward(self, state):
        self.diagonal(state, self.diagonals[0])
        for k in range(LAYERS):
            self.wall(state, self.tangents[k])
            self.diagonal(state, self.diagonals[k + 1] * self.cosines[k])

    def correlations(self, adjoint, state):
        """Σ λ₁ψ₀ − λ₀ψ₁ of qubits 0 and 1 together, and of qubit 2."""
        total = np.zeros(QUBITS)
        for y, x in ((adjoint.real, state.real), (adjoint.imag, state.imag)):
            for i in range(0, SIZE, 4):
                both = (y[i + 1] + y[i + 2]) * (x[i] - x[i + 3]) - (y[i] - y[i + 3]) * (x[i + 1] + x[i + 2])
                apart = (y[i + 1] - y[i + 2]) * (x[i] + x[i + 3]) - (y[i] + y[i + 3]) * (x[i + 1] - x[i + 2])
                total[:2] += [(both + apart) / 2, (both - apart) / 2]
                self.count += 4
            for i in range(4):
                total[2] += y[i + 4] * x[i] - y[i] * x[i + 4]
                self.count += 2
        return total

    def expectations(self, state):
        self.count += 2 * SIZE
        return np.abs(state) ** 2 @ SIGNS

    def seed(self, state, cotangent):
        self.count += 2 * SIZE
        return state * (SIGNS @ (2 * cotangent))

    def backward(self, state, adjoint):
        by_weight, missing_cosines = np.zeros((LAYERS, QUBITS, 3)), 1.0
        for k in range(LAYERS, -1, -1):
            for each in (state, adjoint):
                self.diagonal(each, self.diagonals[k].conj() * missing_cosines)
            by_z = 0.5 * (adjoint.conj() * state).imag @ SIGNS
            self.count += 2 * SIZE
            if k < LAYERS:
                by_weight[k, :, 0] = by_z
            if k > 0:
                by_weight[k - 1, :, 2] = by_z
                by_weight[k - 1, :, 1] = 0.5 * self.correlations(adjoint, state)
                for each in (state, adjoint):
                    self.wall(each, -self.tangents[k - 1])
                missing_cosines = self.cosines[k - 1]
        return by_weight.ravel()


def test_the_counted_operations_are_those_of_an_algorithm_that_is_right():
    generator = np.random.default_rng(0)
    weights, image = generator.uniform(-1, 1, 3 * QUBITS * LAYERS), generator.standard_normal(SIZE)
    cotangent = generator.standard_normal(QUBITS)

    form = NormalForm(weights)
    state = image.astype(complex)
    form.forward(state)
    assert form.count == operations.forward(QUBITS, LAYERS)
    values = form.expectations(state)
    gradient = form.backward(state.copy(), form.seed(state, cotangent))
    assert form.count == operations.training(QUBITS, LAYERS)

    angles = torch.from_numpy(weights).requires_grad_()
    program = compile_circuit(Ladder(QUBITS, LAYERS).circuit())
    expected = z_expectations(program, torch.from_numpy(image)[None], angles, range(QUBITS))
    (expected @ torch.from_numpy(cotangent)).backward()
    np.testing.assert_allclose(values, expected.detach()[0], atol=VALUE[torch.float64])
    np.testing.assert_allclose(gradient, angles.grad, atol=GRADIENT[torch.float64])


def test_an_attack_moves_one_state_forth_and_one_back():
    per_step = 2 * operations.forward(10, 200) + 4 * 2**10
    assert operations.counted(Problem(10, 200), 64)["attack"] == 64 * per_step


def test_a_frozen_model_is_multiplied_by_its_matrix_once_each_way():
    assert operations.counted(Problem(10, 200), 64)["attack, collapsed"] == 64 * 2 * 784 * 2048


def test_every_suite_has_a_section_and_the_report_is_that_of_the_results(tmp_path):
    root = Path(__file__).parents[2] / "benchmarks"
    for name in SUITES:
        assert (root / "suites" / f"{name}.py").exists()
        assert (root / "sections" / f"{name}.py").exists()
    for path in (root / "results").iterdir():
        if path.suffix in (".json", ".csv"):
            shutil.copy(path, tmp_path)
    report = (root / "results" / "report.md").read_text(encoding="utf-8")
    assert write_report(Settings(out=tmp_path)) == report


def test_the_command_line_starts_without_peers():
    command = [sys.executable, "-m", "benchmarks", "--help"]
    root = Path(__file__).parents[2]
    finished = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert "--quick" in finished.stdout
