"""Circuits from files and as files, QPY and OpenQASM 3. Nothing in a file is executed."""

import io
import re
from contextlib import redirect_stderr
from pathlib import Path

from qiskit import qasm3
from qiskit.circuit import Parameter, ParameterVectorElement, QuantumCircuit

from qaml_qiskit.circuits.names import CIRCUITS
from qaml_qiskit.circuits.own_circuit import WIDEST, OwnCircuit
from qaml_qiskit.circuits.qpy_files import circuit_of
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.formats import damaged, read_bytes
from qaml_qiskit.text import printable

_REMEDY = "correct the file, or write the circuit with qiskit.qpy.dump"
#: The version, behind comments.
_HEADER = re.compile(r"\s*OPENQASM\s+(\d+)")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_REGISTER = re.compile(r"\bqubit\s*\[\s*(\d+)\s*\]")
_LOOP = re.compile(r"\bfor\b[^;{]*\bin\b")


def named_circuit(ansatz: str) -> OwnCircuit:
    """The circuit that an ansatz names which :func:`~.names.is_own`.

    Raises:
        QamlError: as :func:`read_circuit`.
    """
    return CIRCUITS[ansatz] if ansatz in CIRCUITS else read_circuit(ansatz)


def read_circuit(path: Path | str) -> OwnCircuit:
    """The circuit of a ``.qpy`` or ``.qasm`` file.

    Raises:
        DamagedFileError: no such file, or one that cannot be read, or a QPY with several circuits.
        ConfigurationError: a circuit that cannot be an ansatz; see :meth:`.OwnCircuit.of`.
    """
    path = Path(path)
    content = read_bytes(path, "check the path, or name a registered ansatz")
    circuit = circuit_of(content, str(path), _REMEDY) if path.suffix == ".qpy" else _of_qasm(content, str(path))
    try:
        return OwnCircuit.of(circuit)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{path}: {error.what}", got=error.got, expected=error.expected, remedy=error.remedy
        ) from error


def qasm_text(circuit: QuantumCircuit) -> str:
    """A circuit as OpenQASM 3, which :func:`qiskit.qasm3.loads` reads back; free angles are ``input float``.

    Element k of a parameter vector ``x`` is called ``x_0007``, with as many digits as the last one needs: then Qiskit,
    which sorts by name, keeps the order. Labels of barriers have no place in the language.
    """
    names = {}
    for each in circuit.parameters:
        if isinstance(each, ParameterVectorElement):
            digits = len(str(len(each.vector) - 1))
            names[each] = Parameter(f"{each.vector.name}_{each.index:0{digits}d}")
    return qasm3.dumps(circuit.assign_parameters(names))


def _of_qasm(content: bytes, source: str) -> QuantumCircuit:
    try:
        # With the mark that some editors put in front.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise damaged(source, "bytes that are no text", "OpenQASM 3", _REMEDY) from error
    code = _COMMENT.sub(lambda comment: " " + "\n" * comment[0].count("\n"), text)
    version = _HEADER.match(code)
    if version is None:
        raise damaged(source, "no version" if text.strip() else "an empty file", "a first line OPENQASM 3.0;", _REMEDY)
    if version[1] != "3":
        raise damaged(
            source,
            f"OpenQASM {version[1]}" + (", in which every angle is a number" if version[1] == "2" else ""),
            "OpenQASM 3, with the angles that are trained as `input float`",
            "write it as OpenQASM 3, or load it with qiskit.qasm2 and free its angles in Python",
        )
    if too_wide := [size for size in map(int, _REGISTER.findall(code)) if size > WIDEST]:
        # The parser would make every one of them.
        got = f"a register of {too_wide[0]} qubits"
        raise damaged(source, got, f"at most {WIDEST}: a state has 2ⁿ amplitudes", "use fewer qubits")
    if loop := _LOOP.search(code):
        # What Qiskit says of its variable helps nobody.
        got = f"control flow, 'for_loop' in line {code.count(chr(10), 0, loop.start()) + 1}"
        raise damaged(source, got, "a circuit of gates", "write its gates as often as it runs")
    # The parser tells of mistakes on stderr and raises without a word.
    with redirect_stderr(io.StringIO()) as told:
        try:
            return qasm3.loads(text)
        except Exception as error:  # of the importer and of its parser, which have no common class
            said = str(getattr(error, "message", error)) or told.getvalue().strip().partition("\n")[0]
            raise damaged(
                source, printable(said) or "a syntax error", "OpenQASM 3 that Qiskit can read", _REMEDY
            ) from error
