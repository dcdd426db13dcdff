"""How an image becomes a quantum state, and the circuit that prepares it."""

from qaml_qiskit.encodings.amplitude import amplitudes as amplitudes
from qaml_qiskit.encodings.amplitude import qubits_for as qubits_for
from qaml_qiskit.encodings.exact import state_preparation as state_preparation
from qaml_qiskit.encodings.multiplexed import MultiplexedEncoding as MultiplexedEncoding
