"""Circuits of a user's own: what is taken, what is refused and how, and what becomes of it."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit import qpy
from qiskit.circuit import Gate, Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import GlobalPhaseGate, MSGate, PermutationGate, RYGate, UnitaryGate, real_amplitudes
from qiskit.quantum_info import Operator, random_clifford

from qaml_qiskit.circuits import Ladder, OwnAnsatz, OwnCircuit, read_circuit
from qaml_qiskit.circuits.qpy_files import circuit_bytes
from qaml_qiskit.defences.pauli_errors import PauliErrors
from qaml_qiskit.errors import ConfigurationError, DamagedFileError, InputError
from qaml_qiskit.models import QVC, DataCard, QVCConfig, StoredModel, load_model, save_model
from qaml_qiskit.noise import LAYER_END
from tests.tolerances import VALUE

QASM = """// A circuit on two qubits.
OPENQASM 3.0;
include "stdgates.inc";
input float[64] b;
input angle[32] a;
qubit[2] q;
ry(a) q[0];
cx q[0], q[1];
rz(2*b + 0.5) q[1];
"""


def free(change: Callable[[QuantumCircuit], object] = lambda circuit: None) -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    change(circuit)
    return circuit


def composite() -> QuantumCircuit:
    """A gate of the user's own in another one, a gate on three qubits, and a shared angle in a global phase."""
    a, b = Parameter("a"), Parameter("b")
    inner = QuantumCircuit(2, name="inner", global_phase=b)
    inner.crx(a * b, 1, 0)
    outer = QuantumCircuit(3, name="outer")
    outer.append(inner.to_gate(), [2, 0])
    outer.ccx(0, 1, 2)
    circuit = QuantumCircuit(3, global_phase=a)
    circuit.append(GlobalPhaseGate(0.3), [])
    circuit.append(outer.to_gate(), [1, 2, 0])
    circuit.append(real_amplitudes(3, reps=1, parameter_prefix="c").to_instruction(), [2, 1, 0])
    return circuit


def test_gates_on_more_qubits_are_taken_apart() -> None:
    circuit = composite()
    own = OwnCircuit.of(circuit)
    ansatz = OwnAnsatz(own, LAYER_END)
    values = np.linspace(-2, 2, ansatz.num_parameters)
    built = ansatz.circuit()
    assert max(len(gate.qubits) for gate in built.data) == 2
    difference = Operator(circuit.assign_parameters(values)).data - Operator(built.assign_parameters(values)).data
    assert np.abs(difference).max() < VALUE[torch.float64]


def test_what_has_no_definition_is_synthesised() -> None:
    circuit, a = QuantumCircuit(3), Parameter("a")
    circuit.append(RYGate(a).control(2, annotated=True), [2, 0, 1])
    circuit.append(random_clifford(2, seed=1), [2, 0])
    circuit.append(PermutationGate([2, 0, 1]), [1, 0, 2])
    own = OwnCircuit.of(circuit)
    assert own == OwnCircuit.of(circuit)
    assert own.parameters == ("a",)
    assert Operator(own.circuit.assign_parameters([0.7])).equiv(Operator(circuit.assign_parameters([0.7])))


def test_parameters_keep_qiskits_order() -> None:
    circuit, names = QuantumCircuit(1), ParameterVector("w", 11)
    for name in (*reversed(list(names)), Parameter("θ[0]"), Parameter("a")):
        circuit.ry(name, 0)
    own = OwnCircuit.of(circuit)
    assert own.parameters == ("a", *(f"w[{place}]" for place in range(11)), "θ[0]")
    assert [gate.params[0].name for gate in own.circuit.data] == [f"θ[{k}]" for k in (*range(11, 0, -1), 12, 0)]


def test_the_same_circuit_has_the_same_fingerprint() -> None:
    first, second = OwnCircuit.of(composite()), OwnCircuit.of(composite())
    assert first == second
    assert first != OwnCircuit.of(free())


def test_measurements_at_the_end_are_left_to_the_readout() -> None:
    assert OwnCircuit.of(free(lambda circuit: circuit.measure([0, 1], [1, 0]))) == OwnCircuit.of(free())


def _measured(circuit: QuantumCircuit) -> None:
    circuit.measure(1, 0)
    circuit.h(1)


def _conditional(circuit: QuantumCircuit) -> None:
    circuit.measure(1, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)


def _loop(circuit: QuantumCircuit) -> None:
    with circuit.for_loop(range(3)):
        circuit.x(0)


class _Failing(Gate):
    def __init__(self) -> None:
        super().__init__("mine", 1, [])

    def _define(self) -> None:
        raise ValueError("no\nway")


class _Endless(Gate):
    """Defined by itself."""

    def __init__(self) -> None:
        super().__init__("endless", 1, [])

    def _define(self) -> None:
        self.definition = QuantumCircuit(1)
        self.definition.append(_Endless(), [0])


def _endless(circuit: QuantumCircuit) -> None:
    circuit.append(_Endless(), [1])


def _not_unitary(circuit: QuantumCircuit) -> None:
    circuit.append(UnitaryGate(np.array([[1, 1], [0, 1]]), check_input=False), [0])


def _inside(circuit: QuantumCircuit) -> None:
    part = QuantumCircuit(1, name="part")
    part.reset(0)
    circuit.append(part.to_instruction(), [1])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda circuit: circuit.reset(1), r"got 'reset', instruction 2, on qubits \[1\]; .*use another one"),
        (_measured, r"'measure', instruction 2, on qubits \[1\], before 'h', instruction 3.*controlled by the qubit"),
        (_conditional, r"'if_else', instruction 3.*such as cry for ry"),
        (_loop, r"'for_loop', instruction 2.*as often as it runs"),
        (_inside, r"'part', instruction 2, on qubits \[1\], which holds 'reset'"),
        (lambda circuit: circuit.initialize([1, 0], 0), r"'initialize', instruction 2.*state_preparation"),
        (lambda circuit: circuit.delay(3, 0), r"'delay', instruction 2.*a recipe schedules"),
        (lambda circuit: circuit.append(Gate("mine", 1, []), [0]), r"'mine', instruction 2.*no definition"),
        (lambda circuit: circuit.append(_Failing(), [0]), r"'mine', instruction 2.*fails with ValueError: no way"),
        (_endless, r"'endless', instruction 2.*nested more than 100 deep"),
        (lambda circuit: circuit.ry(1j * Parameter("c"), 0), r"'ry', instruction 2.*complex angle"),
        (_not_unitary, r"'unitary', instruction 2, on qubits \[0\], with a matrix that is not unitary"),
        (lambda circuit: circuit.add_var("x", True), "variables of classical data"),
    ],
    ids=[
        "reset",
        "measure",
        "if",
        "for",
        "inside",
        "initialize",
        "delay",
        "opaque",
        "failing",
        "endless",
        "complex",
        "not-unitary",
        "variable",
    ],
)
def test_what_is_no_gate_is_named(change: Callable[[QuantumCircuit], object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        OwnCircuit.of(free(change))


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="without free parameters"):
        OwnCircuit.of(QuantumCircuit(2))
    with pytest.raises(ConfigurationError, match="got a str"):
        OwnCircuit.of("circuit.qpy")
    with pytest.raises(ConfigurationError, match="got a circuit on 100000 qubits"):
        OwnCircuit.of(QuantumCircuit(100_000, global_phase=Parameter("a")))
    with pytest.raises(ConfigurationError, match=r"got a circuit on 0 qubits; expected .* at least one"):
        OwnCircuit.of(QuantumCircuit(0, global_phase=Parameter("a")))


def test_layers_are_marked_by_barriers_with_a_label() -> None:
    ladder = Ladder(3, 4)
    ansatz = OwnAnsatz(OwnCircuit.of(ladder.circuit(LAYER_END)), LAYER_END)
    assert (ansatz.layered, ansatz.num_layers) == (True, 4)
    assert ansatz.circuit(LAYER_END).count_ops() == ladder.circuit(LAYER_END).count_ops()
    assert ansatz.circuit().count_ops() == ladder.circuit().count_ops()
    assert [ansatz.bonds(layer) for layer in range(4)] == [ladder.bonds(layer) for layer in range(4)]
    assert torch.equal(PauliErrors.of(ansatz).angles, PauliErrors.of(ladder).angles)
    plain = OwnAnsatz(OwnCircuit.of(ladder.circuit()), LAYER_END)
    assert (plain.layered, plain.num_layers, plain.layers()) == (False, 1, ())
    with pytest.raises(ConfigurationError, match="got the ansatz circuit, which has none"):
        plain.circuit(LAYER_END)
    half = free(lambda circuit: circuit.barrier(0, label=LAYER_END))
    with pytest.raises(ConfigurationError, match="instruction 2, a barrier 'layer-end' on 1 qubits"):
        OwnAnsatz(OwnCircuit.of(half), LAYER_END)


def test_a_circuit_of_the_ladder_is_the_ladder() -> None:
    """In the same order of weights, to the last bit."""
    config = QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=5)
    mine = QVC(circuit=Ladder(4, 5).circuit(), num_classes=3, seed=2)
    images = torch.rand(4, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    assert torch.equal(mine(images), QVC(config, seed=2)(images))


def test_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "mine.qasm").write_text(QASM)
    (tmp_path / "mine.qpy").write_bytes(circuit_bytes(composite()))
    own = read_circuit(tmp_path / "mine.qasm")
    assert own.parameters == ("a", "b")
    assert own.circuit.count_ops() == {"ry": 1, "cx": 1, "rz": 1}
    assert read_circuit(tmp_path / "mine.qpy") == OwnCircuit.of(composite())
    # As editors of Windows write it.
    (tmp_path / "mine.qasm").write_text(QASM, "utf-8-sig", newline="\r\n")
    assert read_circuit(tmp_path / "mine.qasm") == own


def test_a_delay_that_qiskit_cannot_build_again_is_named(tmp_path: Path) -> None:
    circuit = free(lambda circuit: circuit.delay(Parameter("d"), 0, unit="s"))
    (tmp_path / "mine.qpy").write_bytes(circuit_bytes(circuit))
    with pytest.raises(ConfigurationError, match=r"'delay', instruction 2, on qubits \[0\]"):
        read_circuit(tmp_path / "mine.qpy")


def _two() -> bytes:
    buffer = io.BytesIO()
    qpy.dump([free(), free()], buffer)
    return buffer.getvalue()


def _old() -> bytes:
    """QPY of a format that may hold pickles."""
    content = bytearray(circuit_bytes(free()))
    struct.pack_into("!B", content, 6, 12)
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("c.qpy", b"", "an empty file"),
        ("c.qpy", b"QISKIT" + b"\x0d" * 40, "a damaged file"),
        ("c.qpy", _two(), "2 circuits"),
        ("c.qpy", _old(), "QPY version 12, which may hold code"),
        ("c.qpy", circuit_bytes(free(lambda circuit: circuit.append(MSGate(2, 0.3), [0, 1]))), "MSGate.*decompose"),
        ("c.qasm", b"", "an empty file"),
        ("c.qasm", b"\xff\xfe", "no text"),
        ("c.qasm", b"qubit q;", "no version"),
        ("c.qasm", b"OPENQASM 2.0;\nqreg q[2];", "OpenQASM 2, in which every angle is a number"),
        ("c.qasm", b"OPENQASM 3.0;\nqubit q; foo q;", "gate 'foo' is not defined"),
        ("c.qasm", b"OPENQASM 3.0;\nnonsense", "line 2:8"),
        ("c.qasm", b"OPENQASM 3.0;\n/* for\n*/ for int i in [0:3] { }", "'for_loop' in line 3; .*as often as it runs"),
        ("c.qasm", b"OPENQASM 3.0;\nqubit[100000000] q;", "a register of 100000000 qubits"),
        ("c.qasm", b'OPENQASM 3.0;\ninclude "/etc/passwd";', "c.qasm"),
    ],
    ids=[
        "empty",
        "damaged",
        "two",
        "old",
        "unkept",
        "empty-qasm",
        "bytes",
        "version",
        "qasm2",
        "gate",
        "syntax",
        "for",
        "wide",
        "include",
    ],
)
def test_files_that_are_none_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DamagedFileError, match=told):
        read_circuit(tmp_path / name)
    assert capfd.readouterr().err == ""


def test_a_refusal_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.qasm").write_text(QASM + "reset q[0];\n")
    with pytest.raises(ConfigurationError, match=r"mine\.qasm: this circuit cannot be an ansatz: got 'reset'"):
        read_circuit(tmp_path / "mine.qasm")


def own_model() -> QVC:
    return QVC(circuit=composite(), seed=4)


def test_defaults_of_a_classifier() -> None:
    config = own_model().config
    assert (config.image_shape, config.num_classes, config.ansatz, config.num_layers) == ((1, 2, 4), 2, "circuit", 1)
    assert QVC(circuit=composite(), encoding="angle").config.image_shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"image_shape": (1, 8, 8)}, "a circuit on 3 qubits; expected 6"),
        ({"num_layers": 7}, "num_layers 7; expected none"),
        ({"ansatz": "ladder"}, "the ansatz ladder and a circuit"),
        ({"num_classes": 4}, "4 classes on 3 qubits"),
        ({"image_shape": 3}, "image_shape does not fit: got 3"),
        ({"pixels": 3}, "pixels does not fit"),
    ],
    ids=["width", "layers", "ansatz", "classes", "shape", "field"],
)
def test_settings_that_do_not_fit(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        QVC(circuit=composite(), **settings)


def test_a_classifier_is_a_configuration_or_a_circuit() -> None:
    with pytest.raises(ConfigurationError, match="neither"):
        QVC()
    with pytest.raises(ConfigurationError, match="got a dict; expected a QVCConfig"):
        QVC({"num_classes": 2})
    with pytest.raises(ConfigurationError, match="a configuration beside a circuit"):
        QVC(own_model().config, circuit=composite())
    with pytest.raises(ConfigurationError, match="beside num_classes"):
        QVC(own_model().config, num_classes=2)
    with pytest.raises(ConfigurationError, match="the ansatz circuit without a circuit"):
        QVCConfig(image_shape=(1, 2, 4), num_classes=2, num_layers=1, ansatz="circuit")


def test_parameters_of_the_encoding_are_refused() -> None:
    circuit, shared = free(), ParameterVector("x", 2)
    circuit.ry(shared[1], 1)
    with pytest.raises(ConfigurationError, match=r"parameters of the encoding: got x\[1\];"):
        QVC(circuit=circuit)
    many, odd = free(), free()
    for angle in ParameterVector("x", 100):
        many.rx(angle, 0)
    with pytest.raises(ConfigurationError, match=r"got x\[0\], x\[1\], x\[2\], .*\.\.\.;"):
        QVC(circuit=many)
    odd.rx(Parameter("x[0\x1b[31m"), 0)
    with pytest.raises(ConfigurationError, match=r"got x\[0;"):
        QVC(circuit=odd)


def test_a_circuit_wider_than_the_memory_is_refused() -> None:
    circuit = QuantumCircuit(45)
    circuit.ry(Parameter("a"), 44)
    with pytest.raises(ConfigurationError, match="GiB needed"):
        QVC(circuit=circuit)


def test_the_memory_is_that_of_the_engine_that_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 20 qubits, where the compiled kernel ends, an amplitude takes some 700 bytes."""
    circuit = QuantumCircuit(24)
    circuit.ry(Parameter("a"), 23)
    monkeypatch.setattr("qaml_qiskit.memory.free_memory", lambda device="cpu": 10 * 2**30)
    with pytest.raises(ConfigurationError, match=r"got 11\.\d GiB needed, 10\.0 GiB free"):
        QVC(circuit=circuit)


def stored(folder: Path) -> StoredModel:
    save_model(folder, own_model(), DataCard(dataset="mine", classes=(0, 1)))
    return load_model(folder)


def test_the_circuit_lies_beside_the_weights(tmp_path: Path) -> None:
    again, model = stored(tmp_path), own_model()
    assert again.card.model == model.config
    assert isinstance(again.model, QVC)
    assert torch.equal(again.model.weight, model.weight)
    own = again.card.model.circuit
    assert (tmp_path / "circuit.qpy").read_bytes() == own.content


@pytest.mark.parametrize("content", [None, b"", circuit_bytes(free())], ids=["missing", "empty", "other"])
def test_a_circuit_that_is_not_the_models_is_told(tmp_path: Path, content: bytes | None) -> None:
    stored(tmp_path)
    (tmp_path / "circuit.qpy").unlink()
    if content is not None:
        (tmp_path / "circuit.qpy").write_bytes(content)
    with pytest.raises(InputError, match=r"circuit\.qpy"):
        load_model(tmp_path)


def test_another_card_is_told(tmp_path: Path) -> None:
    stored(tmp_path)
    card = tmp_path / "model.json"
    card.write_text(card.read_text().replace('"a"', '"z"'))
    with pytest.raises(InputError, match=r"circuit\.qpy: got another circuit"):
        load_model(tmp_path)
