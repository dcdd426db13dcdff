"""A circuit of the user's own, as a value that configurations hold and that is stored beside the weights."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema
from qiskit.circuit import ParameterVector, QuantumCircuit

from qaml_qiskit.circuits.ansatz import ANGLES_PER_ROTATION
from qaml_qiskit.circuits.plain_gates import plain_gates
from qaml_qiskit.circuits.qpy_files import circuit_bytes, circuit_of
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.formats import damaged

#: Beside the weights of a model with a circuit of its own.
CIRCUIT_FILE = "circuit.qpy"
#: What configurations call the ansatz.
OWN = "circuit"
#: No machine computes with states of more qubits.
WIDEST = 64
_REMEDY = "restore the file, or train the model again"


@dataclass(frozen=True)
class OwnCircuit:
    """A circuit with free parameters, of standard gates on one and two qubits.

    A model's card has the name of the file, the fingerprint and the parameters; the bytes lie in the file, and are
    handed to the validation of the card as its context.

    Attributes:
        parameters: their names, in Qiskit's order: that of the weights.
        fingerprint: of the gates and their angles, 16 hexadecimal digits; the same for the same circuit, built anew.
        content: the bytes of a QPY file, in which Qiskit gives every parameter a random identity.
    """

    parameters: tuple[str, ...]
    fingerprint: str
    content: bytes = field(repr=False, compare=False)

    @classmethod
    def of(cls, circuit: QuantumCircuit) -> "OwnCircuit":
        """Any circuit of gates; see :func:`~.plain_gates.plain_gates` for what is refused.

        Raises:
            ConfigurationError: an instruction that cannot be part of an ansatz, no qubits, or no free parameters.
        """
        if not isinstance(circuit, QuantumCircuit):
            raise ConfigurationError(
                "this cannot be an ansatz",
                got=f"a {type(circuit).__name__}",
                expected="a QuantumCircuit of Qiskit",
                remedy="give the circuit itself, or the path of its file to --ansatz",
            )
        if not circuit.parameters:
            raise ConfigurationError(
                "this circuit cannot be trained",
                got=f"a circuit on {circuit.num_qubits} qubits without free parameters",
                expected="at least one",
                remedy="leave angles free: a Parameter in Qiskit, `input float` in OpenQASM 3",
            )
        if not 1 <= circuit.num_qubits <= WIDEST:
            raise ConfigurationError(
                "this circuit cannot be trained",
                got=f"a circuit on {circuit.num_qubits} qubits",
                expected=f"as many as the images need, at least one and at most {WIDEST}: a state has 2ⁿ amplitudes",
                remedy="use fewer qubits" if circuit.num_qubits else "give it qubits, and gates on them",
            )
        plain = plain_gates(circuit)
        plain.name = OWN
        return cls._of_content(circuit_bytes(plain))

    @classmethod
    def _of_content(cls, content: bytes) -> "OwnCircuit":
        circuit = circuit_of(content, CIRCUIT_FILE, _REMEDY)
        return cls(tuple(each.name for each in circuit.parameters), _fingerprint(circuit), content)

    @cached_property
    def circuit(self) -> QuantumCircuit:
        """The circuit, with its parameters in their order named ``θ[0]``, ``θ[1]``, …, as every ansatz has them."""
        own = circuit_of(self.content, CIRCUIT_FILE, _REMEDY)
        if any(name.startswith("θ[") for name in self.parameters):
            # Qiskit does not replace parameters by others of the same names.
            free = max(map(len, self.parameters)) * "_"
            own = _renamed(own, free)
        return _renamed(own, "θ")

    @property
    def depth(self) -> int:
        """As many layers of the ladder as have about its number of angles, at least 1."""
        per_layer = ANGLES_PER_ROTATION * self.circuit.num_qubits
        return max(1, round(len(self.parameters) / per_layer))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """From a circuit, or from what a card says with the file's bytes as context; written as a card says it."""
        return core_schema.with_info_plain_validator_function(
            cls._validated,
            serialization=core_schema.plain_serializer_function_ser_schema(cls._written),
        )

    @classmethod
    def _validated(cls, value: Any, info: ValidationInfo) -> "OwnCircuit":
        if not isinstance(value, Mapping):
            return value if isinstance(value, OwnCircuit) else cls.of(value)
        content = (info.context or {}).get(CIRCUIT_FILE)
        if content is None:
            raise damaged(CIRCUIT_FILE, "No such file or directory", "the circuit of the card beside it", _REMEDY)
        found = cls._of_content(content)
        if found._written() != value:
            raise damaged(CIRCUIT_FILE, "another circuit than that of the card beside it", "the same one", _REMEDY)
        return found

    def _written(self) -> dict[str, Any]:
        return {"file": CIRCUIT_FILE, "fingerprint": self.fingerprint, "parameters": list(self.parameters)}


def _renamed(circuit: QuantumCircuit, name: str) -> QuantumCircuit:
    return circuit.assign_parameters(
        dict(zip(circuit.parameters, ParameterVector(name, circuit.num_parameters), strict=True))
    )


def _fingerprint(circuit: QuantumCircuit) -> str:
    """Of everything that decides what a circuit of standard gates computes, and of its barriers."""
    words = [circuit.num_qubits, str(circuit.global_phase)]
    for gate in circuit.data:
        operation = gate.operation
        angles = [each.tobytes().hex() if isinstance(each, np.ndarray) else str(each) for each in operation.params]
        qubits = [circuit.find_bit(qubit).index for qubit in gate.qubits]
        words.append([operation.name, getattr(operation, "ctrl_state", None), operation.label, qubits, angles])
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]
