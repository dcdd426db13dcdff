"""What Aer keeps to itself is read in one module, which says so when Aer keeps it otherwise."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from qiskit.quantum_info import SuperOp
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

import qaml_qiskit
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise import device_noise
from qaml_qiskit.noise.aer_model import (
    PASSES,
    TABLES,
    BaseQuantumError,
    check_readable,
    errors_everywhere,
    local_errors,
    local_readout_errors,
    readout_error,
    waiting_passes,
    without_readout_errors,
)
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable

PACKAGE = Path(qaml_qiskit.__file__).parent
CHANGED = (
    "qiskit-aer keeps {} otherwise than qaml_qiskit/noise/aer_model.py reads it: look at Aer's NoiseModel.to_dict and "
    "correct that module, the only one that knows"
)
EVERYWHERE, THERE = depolarizing_error(0.01, 1), depolarizing_error(0.05, 2)
ALL, ONE = ReadoutError([[0.9, 0.1], [0.2, 0.8]]), ReadoutError([[0.8, 0.2], [0.3, 0.7]])


def noisy() -> NoiseModel:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(EVERYWHERE, ["sx"])
    model.add_quantum_error(THERE, ["cz"], [0, 1])
    model.add_all_qubit_readout_error(ALL)
    model.add_readout_error(ONE, [1])
    return model


def test_what_is_put_in_by_aers_public_ways_is_found() -> None:
    model = noisy()
    check_readable(model)
    assert dict(errors_everywhere(model)) == {"sx": EVERYWHERE}, CHANGED.format("errors of all qubits")
    assert {name: dict(places) for name, places in local_errors(model).items()} == {"cz": {(0, 1): THERE}}, (
        CHANGED.format("errors of some qubits")
    )
    assert readout_error(model) == ALL, CHANGED.format("the readout error of all qubits")
    assert dict(local_readout_errors(model)) == {(1,): ONE}, CHANGED.format("readout errors of some qubits")
    assert isinstance(EVERYWHERE, BaseQuantumError), CHANGED.format("the class of errors")


def test_nothing_that_aer_itself_writes_is_overlooked() -> None:
    written = noisy().to_dict()["errors"]
    assert len(written) == 4, CHANGED.format("some errors")


def test_readout_errors_go_and_the_others_stay() -> None:
    model = noisy()
    perfect = without_readout_errors(model)
    assert readout_error(perfect) is None
    assert not local_readout_errors(perfect)
    assert {each["type"] for each in perfect.to_dict()["errors"]} == {"qerror"}, CHANGED.format("readout errors")
    assert readout_error(model) == ALL


def test_passes_insert_what_happens_while_a_qubit_waits() -> None:
    assert waiting_passes(noisy()) is None, CHANGED.format("passes")
    model = device_noise(FakeManilaV2().target)
    assert waiting_passes(model) is not None


@pytest.mark.parametrize("name", [*TABLES, PASSES])
def test_an_aer_that_changed_is_named_in_a_sentence(name: str) -> None:
    model = noisy()
    setattr(model, name, "something else")
    for use in (NoiseTable, without_readout_errors, errors_everywhere):
        with pytest.raises(ConfigurationError, match=rf"cannot read Aer's noise models.*{name}.*constraints\.txt"):
            use(model)


def test_no_other_module_touches_what_aer_keeps_to_itself() -> None:
    private = {*TABLES, PASSES, "_custom_noise_passes", "_noise_instructions", "_noise_qubits"}
    found = [
        f"{file.relative_to(PACKAGE)}: {name}"
        for file in PACKAGE.rglob("*.py")
        if file != PACKAGE / "noise" / "aer_model.py"
        for name in touched(ast.parse(file.read_text("utf-8")))
        if name in private or name.startswith("qiskit_aer.noise.") or (name.startswith("qiskit_aer") and "._" in name)
    ]
    assert not found, f"use qaml_qiskit/noise/aer_model.py instead: {found}"


def touched(tree: ast.Module) -> Iterator[str]:
    """Attributes, words and imported modules of a file."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute():
                yield node.attr
            case ast.Constant(value=str(word)):
                yield word
            case ast.ImportFrom(module=str(module)):
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names if alias.name.startswith("_"))
            case ast.Import():
                yield from (alias.name for alias in node.names)


def test_errors_are_channels() -> None:
    assert SuperOp(errors_everywhere(noisy())["sx"]).is_cptp()
