"""Random circuits with free angles, and classifiers of them, for property-based tests of what is behind a circuit."""

from math import pi

import numpy as np
from hypothesis import strategies as st
from qiskit.circuit import Parameter, ParameterExpression, ParameterVector, QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping

from qaml_qiskit.models import QVC
from qaml_qiskit.noise import LAYER_END

#: Of one, two and three qubits; with and without angles.
_GATES = ("h", "sx", "t", "rx", "ry", "rz", "p", "u", "cx", "cz", "cry", "crz", "rzz", "rxx", "swap", "ecr", "ccx")


@st.composite
def own_circuits(draw: st.DrawFn, num_qubits: int = 3, *, layers: bool = False, most: int = 14) -> QuantumCircuit:
    """A circuit of gates of all kinds whose angles are numbers, parameters, or expressions of parameters.

    With ``layers``, ends of layers are marked here and there, and at least one.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    pool = [*ParameterVector("w", 12), Parameter("b"), Parameter("a")]
    circuit = QuantumCircuit(num_qubits, global_phase=rng.uniform(-pi, pi))
    circuit.ry(pool[int(rng.integers(len(pool)))], int(rng.integers(num_qubits)))
    circuit.cx(0, 1)
    for name in draw(st.lists(st.sampled_from(_GATES), min_size=1, max_size=most)):
        gate = get_standard_gate_name_mapping()[name]
        if gate.num_qubits > num_qubits:
            continue
        angles = [_angle(rng, pool) for _ in gate.params]
        qubits = rng.permutation(num_qubits)[: gate.num_qubits]
        circuit.append(gate.base_class(*angles), qubits.tolist())
        if layers and rng.random() < 0.3:
            circuit.barrier(label=LAYER_END)
    if layers:
        circuit.barrier(label=LAYER_END)
    return circuit


def _angle(rng: np.random.Generator, pool: list[Parameter]) -> ParameterExpression | float:
    first, second = (pool[int(place)] for place in rng.choice(len(pool), 2, replace=False))
    kinds = (first, first, 2 * first - second, first.sin(), first * second / 2, rng.uniform(-pi, pi))
    return kinds[int(rng.integers(len(kinds)))]


@st.composite
def own_models(draw: st.DrawFn, readout: str = "qubits", *, num_classes: int = 2, layers: bool = False) -> QVC:
    """A classifier of a random circuit on 2 to 4 qubits, of images of any size that has so many.

    The readout is a name of READOUTS that takes so many classes.
    """
    num_qubits = draw(st.integers(2, 4))
    pixels = draw(st.integers(2 ** (num_qubits - 1) + 1, 2**num_qubits))
    shape = (1, pixels // 2, 2) if pixels % 2 == 0 else (pixels, 1, 1)
    circuit = draw(own_circuits(num_qubits, layers=layers))
    settings = {"image_shape": shape, "num_classes": num_classes, "readout": readout}
    return QVC(circuit=circuit, seed=draw(st.integers(0, 1000)), **settings)
