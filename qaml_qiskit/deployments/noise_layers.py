"""Noise layers in compiled circuits: what they do on average, and fresh draws of them.

In native gates a labelled barrier marks where a noise layer acts. A random RY in front of a rotation is the same
rotation at other angles, so it costs no gate, and carries no gate noise. On a target the circuit is compiled once for
all draws: there the angles ``ν`` stay free, and sit in whichever gates the compilation has put them into.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import CircuitInstruction, Parameter, ParameterExpression, ParameterVectorElement, QuantumCircuit
from qiskit.circuit.library import IGate, RYGate
from qiskit_aer.noise import NoiseModel, pauli_error

from qaml_qiskit.circuits import is_noise_angle, noise_layer_label
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise import add_flips

#: Rotations exp(−iθP/2) about an axis, and the axis.
_AXES = {"rx": "X", "ry": "Y", "rz": "Z", "p": "Z", "u1": "Z"}
#: How far a derivative of an angle may be from ±1.
_ROUNDING = 1e-9


def noise_angles(circuit: QuantumCircuit) -> list[Parameter]:
    """The free angles of noise layers in a circuit."""
    return [parameter for parameter in circuit.parameters if is_noise_angle(parameter)]


def averaged(
    circuit: QuantumCircuit, noise: NoiseModel | None, flips: Mapping[str, float], num_qubits: int
) -> tuple[QuantumCircuit, NoiseModel | None]:
    """A circuit and its noise with the exact average over all draws of its noise layers.

    A rotation about P by θ + φ with a random φ of a symmetric distribution is the rotation by θ and then, with the
    probability (1 − E[cos φ])/2, a P. That holds wherever a compilation has put the angle.

    Args:
        circuit: with its noise layers marked, or with their angles free.
        noise: further noise, which stays as it is.
        flips: that probability, by the label of the layer.
        num_qubits: n, of the classifier.

    Raises:
        ConfigurationError: the compilation has put an angle into a gate that is no rotation about an axis.
    """
    if not (angles := noise_angles(circuit)):
        return add_flips(circuit, flips, noise)
    bound = circuit.assign_parameters(dict.fromkeys(angles, 0.0))
    markers: dict[str, tuple[str, float]] = {}
    made = bound.copy_empty_like()
    for instruction, free in zip(bound.data, circuit.data, strict=True):
        made.append(instruction)
        for angle in _noise_of(free):
            label = noise_layer_label(angle.index // num_qubits)
            axis = _axis(free, angle)
            if flips[label]:
                markers[f"{label}-{axis}"] = axis, flips[label]
                made.append(IGate(label=f"{label}-{axis}"), instruction.qubits)
    if not markers:
        return bound, noise
    # A copy: the circuit's own model is shared.
    model = NoiseModel() if noise is None else deepcopy(noise)
    for label, (axis, flip) in markers.items():
        model.add_all_qubit_quantum_error(pauli_error([(axis, flip), ("I", 1 - flip)]), [label])
    return made, model


def drawn(circuit: QuantumCircuit, angles: NDArray[np.float64]) -> QuantumCircuit:
    """A circuit behind one draw of its noise layers.

    Args:
        circuit: with its noise layers marked, or with their angles free.
        angles: of every layer and qubit, shape (L, n).
    """
    if free := noise_angles(circuit):
        flat = angles.flatten()
        return circuit.assign_parameters({angle: float(flat[angle.index]) for angle in free})
    layers = {noise_layer_label(layer): row for layer, row in enumerate(angles)}
    made = circuit.copy_empty_like()
    for instruction in circuit.data:
        made.append(instruction)
        if (row := layers.get(str(instruction.label))) is not None:
            for qubit in instruction.qubits:
                # By its label, of which no noise is known, it has none.
                gate = RYGate(float(row[circuit.find_bit(qubit).index]), label=instruction.label)
                made.append(gate, [qubit])
    return made


def _noise_of(instruction: CircuitInstruction) -> Iterator[ParameterVectorElement]:
    for value in instruction.params:
        if isinstance(value, ParameterExpression):
            yield from (each for each in value.parameters if is_noise_angle(each))


def _axis(instruction: CircuitInstruction, angle: Parameter) -> str:
    """The axis that a gate turns about by ± an angle."""
    axis = _AXES.get(instruction.name)
    if axis is None or abs(abs(complex(instruction.params[0].gradient(angle))) - 1) > _ROUNDING:
        raise ConfigurationError(
            "the average of the noise layers is not known on this target",
            got=f"an angle of theirs in the gate {instruction.name}",
            expected=f"angles in {', '.join(_AXES)} alone",
            remedy="choose another --recipe or target, or draw the angles, such as MODEL@layers:mean:100",
        )
    return axis
