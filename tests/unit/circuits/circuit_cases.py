"""Random circuits with free angles, and classifiers of them, for property-based tests of what is behind a circuit."""

from math import pi

import numpy as np
from hypothesis import strategies as st
from qiskit.circuit import ControlledGate, Gate, Parameter, ParameterExpression, ParameterVector, QuantumCircuit
from qiskit.circuit.library import UnitaryGate, get_standard_gate_name_mapping
from qiskit.quantum_info import random_unitary

from qaml_qiskit.models import QVC
from qaml_qiskit.noise import LAYER_END

#: All gates that Qiskit has names for, and two by their matrices.
_GATES = [name for name, gate in get_standard_gate_name_mapping().items() if isinstance(gate, Gate)]
_MATRICES = {"one qubit": 1, "two qubits": 2}


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
    for name in draw(st.lists(st.sampled_from([*_GATES, *_MATRICES]), min_size=1, max_size=most)):
        gate = _gate(name, rng, pool)
        if gate.num_qubits > num_qubits:
            continue
        circuit.append(gate, rng.permutation(num_qubits)[: gate.num_qubits].tolist())
        if layers and rng.random() < 0.3:
            circuit.barrier(label=LAYER_END)
    if layers:
        circuit.barrier(label=LAYER_END)
    return circuit


def _gate(name: str, rng: np.random.Generator, pool: list[Parameter]) -> Gate:
    """A gate with angles of its own; a controlled one acts on any of the states of its controls."""
    if name in _MATRICES:
        return UnitaryGate(random_unitary(2 ** _MATRICES[name], seed=int(rng.integers(2**31))))
    known = get_standard_gate_name_mapping()[name]
    state = {"ctrl_state": int(rng.integers(2**known.num_ctrl_qubits))} if isinstance(known, ControlledGate) else {}
    return known.base_class(*(_angle(rng, pool) for _ in known.params), **state)


def _angle(rng: np.random.Generator, pool: list[Parameter]) -> ParameterExpression | float:
    first, second = (pool[int(place)] for place in rng.choice(len(pool), 2, replace=False))
    kinds = (first, first, 2 * first - second, first.sin(), first * second / 2, rng.uniform(-pi, pi))
    return kinds[int(rng.integers(len(kinds)))]


@st.composite
def own_models(draw: st.DrawFn, readout: str = "qubits", *, layers: bool = False) -> QVC:
    """A classifier of a random circuit on 2 to 4 qubits, of images of any size that has so many.

    The readout, a name of READOUTS, has any number of classes that fits it, and perhaps observables.
    """
    num_qubits = draw(st.integers(2, 4))
    pixels = draw(st.integers(2 ** (num_qubits - 1) + 1, 2**num_qubits))
    shape = (1, pixels // 2, 2) if pixels % 2 == 0 else (pixels, 1, 1)
    circuit = draw(own_circuits(num_qubits, layers=layers))
    observables: list[str] = []
    if readout in ("parity", "linear") and draw(st.booleans()):
        letters = st.text("IZ", min_size=num_qubits, max_size=num_qubits).filter(lambda text: "Z" in text)
        observables = draw(st.lists(letters, min_size=1, max_size=4, unique=True))
    most = {"qubits": num_qubits, "linear": 2 if observables else 2**num_qubits, "linear-zz": 2**num_qubits}
    classes = draw(st.integers(2, most[readout])) if readout in most else max(2, len(observables))
    settings = {"image_shape": shape, "num_classes": classes, "readout": readout, "observables": observables}
    return QVC(circuit=circuit, seed=draw(st.integers(0, 1000)), **settings)
