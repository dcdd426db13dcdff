"""`qaml export`: what others read is what was trained."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from qiskit import qasm3, qpy
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Operator, Statevector

from qaml_qiskit import ExportRequest, export
from qaml_qiskit.circuits import circuit_bytes, qasm_text
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import QVC, DataCard, QuadraticClassifier, QuadraticConfig, load_model, save_model
from tests.tolerances import VALUE
from tests.unit.circuits.circuit_cases import own_models


def read(path: Path) -> QuantumCircuit:
    if path.suffix == ".qasm":
        return qasm3.loads(path.read_text())
    with path.open("rb") as file:
        return qpy.load(file)[0]


def exported(model: Path, folder: Path, **options: object) -> QuantumCircuit:
    name = "circuit.qpy" if options.get("format") == "qpy" else "circuit.qasm"
    (row,) = export(ExportRequest.model_validate({"model": str(model), "out": str(folder / name), **options})).results
    circuit = read(Path(row["path"]))
    assert row["qubits"] == circuit.num_qubits
    assert row["free_angles"] == circuit.num_parameters
    assert row["two_qubit_gates"] == circuit.num_nonlocal_gates()
    return circuit


@pytest.fixture
def model(trained: Path) -> QVC:
    found = load_model(trained).model
    assert isinstance(found, QVC)
    return found


@pytest.mark.parametrize("form", ["qasm3", "qpy"])
def test_the_layers_are_the_trained_ones(trained: Path, model: QVC, tmp_path: Path, form: str) -> None:
    circuit = exported(trained, tmp_path, part="layers", format=form)
    assert circuit.num_clbits == 0
    assert Operator(circuit).equiv(Operator(model.ansatz()))


@pytest.mark.parametrize("form", ["qasm3", "qpy"])
def test_the_encoding_stays_free_in_its_order(trained: Path, model: QVC, tmp_path: Path, form: str) -> None:
    circuit = exported(trained, tmp_path, format=form)
    images = torch.from_numpy(load_dataset("digits", classes=(0, 1, 2)).test.images[:2])
    with torch.no_grad():
        wanted = model.expectations(images).numpy()
    for angles, row in zip(model.encoding.angles(images).numpy(), wanted, strict=True):
        assert np.abs(averages(circuit.assign_parameters(angles)) - row).max() < VALUE[torch.float32]


@pytest.mark.parametrize("form", ["qasm3", "qpy"])
def test_an_image_of_the_test_set_is_bound(trained: Path, model: QVC, tmp_path: Path, form: str) -> None:
    circuit = exported(trained, tmp_path, format=form, image=7)
    images = torch.from_numpy(load_dataset("digits", classes=(0, 1, 2)).test.images[7:8])
    with torch.no_grad():
        wanted = model.expectations(images)[0].numpy()
    assert np.abs(averages(circuit) - wanted).max() < VALUE[torch.float32]


def averages(circuit: QuantumCircuit) -> np.ndarray:
    """⟨Z⟩ of every measured qubit, in the order of the classical bits."""
    pairs = {circuit.find_bit(g.clbits[0]).index: circuit.find_bit(g.qubits[0]).index for g in circuit.data if g.clbits}
    state = Statevector(circuit.remove_final_measurements(inplace=False))
    found = [state.probabilities([pairs[bit]]) for bit in range(len(pairs))]
    return np.array([zero - one for zero, one in found])


@settings(max_examples=15)
@given(qvc=own_models())
def test_any_circuit_comes_back_from_qasm(qvc: QVC) -> None:
    ansatz = qvc.ansatz()
    assert Operator(qasm3.loads(qasm_text(ansatz))).equiv(Operator(ansatz))
    whole, again = qvc.circuit(), qasm3.loads(qasm_text(qvc.circuit()))
    values = np.linspace(-2, 2, whole.num_parameters)
    assert (
        np.abs(averages(again.assign_parameters(values)) - averages(whole.assign_parameters(values))).max()
        < (VALUE[torch.float64])
    )


def test_free_angles_are_inputs(trained: Path, tmp_path: Path) -> None:
    exported(trained, tmp_path)
    text = (tmp_path / "circuit.qasm").read_text()
    assert text.startswith("OPENQASM 3.0;")
    assert [f"input float[64] x_{place:02d};" in text for place in (0, 62, 63)] == [True, True, False]


def test_the_default_file_is_called_as_the_model(trained: Path) -> None:
    export(ExportRequest(model=str(trained / "model.safetensors"), format="qpy"))
    assert Path(f"{trained.name}.qpy").is_file()


def test_what_cannot_be_exported_is_told(trained: Path, tmp_path: Path) -> None:
    form = QuadraticClassifier(QuadraticConfig(image_shape=(1, 8, 8), num_classes=2))
    other = save_model(tmp_path / "form", form, DataCard(dataset="digits", classes=(0, 1)))
    with pytest.raises(ConfigurationError, match="quadratic"):
        export(ExportRequest(model=str(other)))
    with pytest.raises(InputError, match="no such image: got --image 5000"):
        export(ExportRequest(model=str(trained), image=5000))
    with pytest.raises(ConfigurationError, match="hold no image"):
        ExportRequest(model=str(trained), image=1, part="layers")
    with pytest.raises(ConfigurationError, match="cannot write"):
        export(ExportRequest(model=str(trained), out=str(tmp_path)))
    assert circuit_bytes(QuantumCircuit(1)).startswith(b"QISKIT")
