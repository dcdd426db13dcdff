"""Noise sweeps: the exact engine against Aer's density matrix, and cells that are computed once."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit.quantum_info import DensityMatrix, Pauli
from qiskit_aer import AerSimulator

from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.evaluation import slope
from qaml_qiskit.execution import load_recipe, open_target, to_isa
from qaml_qiskit.execution.catalogue import IdealEntry
from qaml_qiskit.models import load_model
from qaml_qiskit.noise import named_noise
from tests.integration.conftest import Finished
from tests.integration.hardware import workspace
from tests.tolerances import VALUE

Qaml = Callable[..., Finished]
WORDS = ("--noise", "depolarizing", "--noise", "amplitude-damping", "--noise", "bit-flip", "--noise", "readout")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return workspace(tmp_path / "work")


def by_aer(folder: Path, noise: str, strength: float) -> np.ndarray:
    """⟨Z_k⟩ of the workspace's model and images, one density matrix an image."""
    model = load_model(folder / "model").model
    target = open_target("native", IdealEntry(kind="ideal"), 2)
    layers = to_isa(model.ansatz(), target.isa, load_recipe("quick"))
    simulator = AerSimulator(method="density_matrix", noise_model=named_noise(noise, strength).build())
    with np.load(folder / "images.npz") as archive:
        states = amplitudes(torch.from_numpy(archive["images"]).double(), 2)
    rows = []
    for state in states.numpy():
        circuit = layers.copy_empty_like()
        circuit.set_density_matrix(DensityMatrix(np.outer(state, state)))
        circuit.compose(layers, inplace=True)
        circuit.save_density_matrix()
        final = DensityMatrix(simulator.run(circuit).result().data()["density_matrix"])
        rows.append([final.expectation_value(Pauli(label)).real for label in ("IZ", "ZI")])
    return np.array(rows)


@pytest.mark.parametrize("noise", ["depolarizing", "amplitude-damping", "bit-flip", "phase-damping"])
def test_a_sweep_is_what_aers_density_matrix_says(qaml: Qaml, place: Path, noise: str) -> None:
    finished = qaml(
        "sweep", place / "model", "--noise", noise, "--strengths", "0.02", "--images", place / "images.npz", "--json"
    )
    row = finished.json()["results"][1]
    ideal, noisy = by_aer(place, noise, 0.0), by_aer(place, noise, 0.02)
    assert row["slope"] == pytest.approx(slope(noisy, ideal), abs=10 * VALUE[torch.float32])
    assert row["accuracy"] == (noisy.argmax(1) == np.arange(len(noisy)) % 2).mean()


def test_readout_error_scales_the_signal(qaml: Qaml, place: Path) -> None:
    rows = qaml(
        "sweep", place / "model", "--noise", "readout", "--strengths", "0.1", "--images", place / "images.npz", "--json"
    ).json()["results"]
    assert rows[1]["slope"] == pytest.approx(1 - 2 * 0.1, abs=VALUE[torch.float32])


def test_a_killed_sweep_computes_no_cell_twice(qaml: Qaml, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweeping = sys.modules["qaml_qiskit.deployments.circuits"]
    real, calls = sweeping.noisy_observables, []

    def counted(*arguments: object, **options: object) -> object:
        if len(calls) == 3:
            calls.append("killed")
            raise KeyboardInterrupt
        calls.append("done")
        return real(*arguments, **options)

    monkeypatch.setattr(sweeping, "noisy_observables", counted)
    words = ("sweep", place / "model", *WORDS, "--strengths", "0.01,0.1", "--images", place / "images.npz")
    out = ("--out", place / "run", "--json")
    assert qaml(*words, *out).code == 130
    again = qaml(*words, *out)
    assert again.code == 0
    assert calls.count("done") == 8
    whole = qaml(*words, "--out", place / "whole", "--json")
    assert whole.code == 0, whole.err
    assert whole.json()["results"] == again.json()["results"]


def test_a_folder_of_another_sweep_is_refused(qaml: Qaml, place: Path) -> None:
    words = ("sweep", place / "model", "--images", place / "images.npz", "--out", place / "run")
    assert qaml(*words, "--strengths", "0.1").code == 0
    refused = qaml(*words, "--strengths", "0.2")
    assert refused.code == 2
    assert "strengths" in refused.err


@pytest.mark.parametrize("strengths", ["0", "1.5", "-0.1", "many"])
def test_strengths_out_of_range(qaml: Qaml, place: Path, strengths: str) -> None:
    refused = qaml("sweep", place / "model", f"--strengths={strengths}")
    assert refused.code == 2
    assert "--strengths" in refused.err
