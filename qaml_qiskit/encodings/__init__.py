"""How an image becomes a quantum state, and the circuit that prepares it."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.encodings.amplitude import amplitudes as amplitudes
    from qaml_qiskit.encodings.amplitude import norms_of as norms_of
    from qaml_qiskit.encodings.amplitude import qubits_for as qubits_for
    from qaml_qiskit.encodings.angle import AngleEncoding as AngleEncoding
    from qaml_qiskit.encodings.approximate import ApproximateEncoding as ApproximateEncoding
    from qaml_qiskit.encodings.approximate import GradientRule as GradientRule
    from qaml_qiskit.encodings.encoding import MAX_ANGLE_QUBITS as MAX_ANGLE_QUBITS
    from qaml_qiskit.encodings.encoding import Encoding as Encoding
    from qaml_qiskit.encodings.exact import ExactEncoding as ExactEncoding
    from qaml_qiskit.encodings.exact import state_preparation as state_preparation
    from qaml_qiskit.encodings.fronted import FrontedEncoding as FrontedEncoding
    from qaml_qiskit.encodings.movement import amplitude_movement as amplitude_movement
    from qaml_qiskit.encodings.movement import angle_movement as angle_movement
    from qaml_qiskit.encodings.multiplexed import MultiplexedEncoding as MultiplexedEncoding
    from qaml_qiskit.encodings.names import ENCODINGS as ENCODINGS
    from qaml_qiskit.encodings.names import EncodingName as EncodingName
    from qaml_qiskit.encodings.names import encoding_defaults as encoding_defaults
    from qaml_qiskit.encodings.names import encoding_for as encoding_for
    from qaml_qiskit.encodings.order import arrange as arrange
    from qaml_qiskit.encodings.order import order_qubits as order_qubits
    from qaml_qiskit.encodings.order import pixel_positions as pixel_positions
    from qaml_qiskit.encodings.pixel_order import PixelOrder as PixelOrder
    from qaml_qiskit.encodings.selection import LayerChoice as LayerChoice
    from qaml_qiskit.encodings.selection import choose_layers as choose_layers

load_lazily(__name__)
