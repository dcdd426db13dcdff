"""The registered ansätze and readouts; for requests, which do not wait for Qiskit."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from qaml_qiskit.registry import Named, Registry

if TYPE_CHECKING:
    from qaml_qiskit.circuits.ansatz import Ansatz
    from qaml_qiskit.circuits.own_circuit import OwnCircuit
    from qaml_qiskit.circuits.readout import Readout

#: What makes an ansatz of so many qubits and layers.
ANSAETZE: Registry[Callable[[int, int], "Ansatz"]] = Registry(
    "ansatz",
    {
        "ladder": ("qaml_qiskit.circuits.ladder:Ladder", "CZ on every bond of the line in every layer"),
        "brickwork": ("qaml_qiskit.circuits.brickwork:Brickwork", "CZ on even and odd bonds of the line in turn"),
        "cnot": ("qaml_qiskit.circuits.cnot:Cnot", "CNOTs along the line in every layer"),
        "cnot-ring": ("qaml_qiskit.circuits.cnot:CnotRing", "CNOTs round the ring in every layer"),
        "qcnn": ("qaml_qiskit.circuits.qcnn:QCNN", "convolutions and poolings down to qubit 0; 2, 4, 8 … qubits"),
        "real": ("qaml_qiskit.circuits.real:Real", "RY, and CZ on every bond of the line: real amplitudes"),
        "real_amplitudes": ("qaml_qiskit.circuits.library:RealAmplitudes", "Qiskit's: RY and CX"),
        "efficient_su2": ("qaml_qiskit.circuits.library:EfficientSU2", "Qiskit's: RY, RZ and CX"),
    },
    base="qaml_qiskit.circuits.ansatz:Ansatz",
)
#: Classes of readouts, made of so many classes from so many qubits, with the user's observables.
READOUTS: Registry[type["Readout"]] = Registry(
    "readout",
    {
        "qubits": ("qaml_qiskit.circuits.qubit_readout:QubitReadout", "class k is read from ⟨Z⟩ of qubit k"),
        "single": ("qaml_qiskit.circuits.sign_readouts:SingleReadout", "two classes, by the sign of ⟨Z⟩ of qubit 0"),
        "parity": (
            "qaml_qiskit.circuits.sign_readouts:ParityReadout",
            "two classes, by the sign of ⟨Z…Z⟩ of all qubits; with observables, one of them a class",
        ),
        "linear": (
            "qaml_qiskit.circuits.linear_readouts:LinearReadout",
            "any number of classes: a trained linear head over ⟨Z⟩ of all qubits, or over observables",
        ),
        "linear-zz": (
            "qaml_qiskit.circuits.linear_readouts:LinearZZReadout",
            "as linear, also over ⟨ZZ⟩ of neighbours",
        ),
    },
    base="qaml_qiskit.circuits.readout:Readout",
)

#: Circuits that were given to this process, by names that say what is in them.
CIRCUITS: Registry["OwnCircuit"] = Registry("circuit", {}, base="qaml_qiskit.circuits.own_circuit:OwnCircuit")
#: Endings of files with a circuit of one's own.
CIRCUIT_FILES = {".qpy": "a circuit of your own, by Qiskit", ".qasm": "a circuit of your own, in OpenQASM 3"}

ReadoutName = Annotated[str, Named(READOUTS)]


def is_own(ansatz: str) -> bool:
    """Whether an ansatz is a circuit of the user's: a file, or one that was given to this process."""
    return ansatz in CIRCUITS or is_file(ansatz)


def is_file(ansatz: str) -> bool:
    """Whether an ansatz is the path of a file, not a name."""
    return ansatz not in ANSAETZE and ansatz.endswith(tuple(CIRCUIT_FILES))
