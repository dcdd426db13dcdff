"""Circuits as the bytes of a QPY file, and back."""

import io
import struct
import warnings
from uuid import NAMESPACE_URL, UUID, uuid5

import qiskit
from qiskit import qpy
from qiskit.circuit import QuantumCircuit
from qiskit.qpy import common

from qaml_qiskit.formats import damaged
from qaml_qiskit.text import printable

#: The beginning of every QPY file: a word, the version of the format, and that of the Qiskit that wrote it.
_HEAD = struct.Struct("!6s4B")
#: Formats before this one may hold symbolic expressions as pickles, which run code when they are read.
_OLDEST = 13


def circuit_bytes(circuit: QuantumCircuit) -> bytes:
    """The bytes of a QPY file with one circuit."""
    buffer = io.BytesIO()
    qpy.dump(circuit, buffer)
    return buffer.getvalue()


def template_bytes(circuit: QuantumCircuit) -> bytes:
    """The same, with parameters that are told apart by their names alone: the same circuit gives the same bytes.

    Qiskit gives every parameter, and every vector of them, a random identity of 16 bytes; an element of a vector has
    that of the vector plus its index.
    """
    content = circuit_bytes(circuit)
    for parameter in circuit.parameters:
        vector = getattr(parameter, "vector", parameter)
        own, root, index = parameter.uuid, uuid5(NAMESPACE_URL, vector.name), getattr(parameter, "index", 0)
        content = content.replace(own.bytes, UUID(int=(root.int + index) % 2**128).bytes)
    return content


def circuit_of(content: bytes, source: str, remedy: str) -> QuantumCircuit:
    """The circuit of a QPY file.

    Args:
        content: the file's bytes.
        source: the file, for the message.
        remedy: what to do when it is damaged, for the message.

    Raises:
        DamagedFileError: no such file, one of a newer Qiskit, which is named, or one of an old format, which may hold
            code. Nothing in the file is executed.
    """
    if len(content) < _HEAD.size or not content.startswith(b"QISKIT"):
        raise damaged(source, "an empty file" if not content else "no QPY", "a QPY file", remedy)
    _, version, *writer = _HEAD.unpack_from(content)
    if version > common.QPY_VERSION:
        wanted = ".".join(map(str, writer))
        raise damaged(
            source,
            f"QPY version {version}, written by Qiskit {wanted}",
            f"QPY up to version {common.QPY_VERSION}: that is what the installed Qiskit {qiskit.__version__} reads",
            f"use Qiskit {wanted} or later, for example with pip install 'qiskit>={wanted}'",
        )
    if version < _OLDEST:
        raise damaged(
            source,
            f"QPY version {version}, which may hold code",
            f"QPY of version {_OLDEST} or later",
            "read it where you trust it, with a Qiskit of that time, and write it with version=13 or later",
        )
    try:
        with warnings.catch_warnings():
            # A newer Qiskit that writes the same format is no trouble.
            warnings.simplefilter("ignore")
            circuits = qpy.load(io.BytesIO(content))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # damaged bytes end in exceptions of any kind, a panic of the Rust part among them
        if isinstance(error, TypeError) and "__init__()" in str(error):
            raise damaged(
                source,
                f"a gate that Qiskit writes and cannot read, {printable(str(error))}",
                "gates that QPY keeps",
                "write circuit.decompose() in the place of the circuit",
            ) from error
        raise damaged(source, "a damaged file", "a QPY file", remedy) from error
    if len(circuits) != 1 or not isinstance(circuits[0], QuantumCircuit):
        raise damaged(source, f"{len(circuits)} circuits", "one circuit", remedy)
    return circuits[0]
