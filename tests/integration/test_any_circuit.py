"""Any circuit of a user's own: every way through the package gives what Qiskit and Aer give for it.

Every test takes every readout.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import transpile
from qiskit.quantum_info import Operator, Statevector
from qiskit_aer import AerSimulator
from torch import Tensor

from qaml_qiskit.circuits import OwnCircuit
from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.execution import Recipe, Target, load_catalogue, open_target, to_isa
from qaml_qiskit.execution.circuits import compact
from qaml_qiskit.models import QVC, DataCard, load_model, save_model
from qaml_qiskit.noise import named_noise
from tests.tolerances import AER, DIFFERENCE_STEP, FINITE_DIFFERENCE, VALUE
from tests.unit.circuits.circuit_cases import own_circuits, own_models
from tests.unit.simulation.heisenberg_cases import aer_probabilities

READOUTS = ["qubits", "single", "parity", "linear", "linear-zz"]
FEW = settings(max_examples=8)

pytestmark = pytest.mark.parametrize("readout", READOUTS)


def images(qvc: QVC, count: int = 2) -> Tensor:
    shape = (count, *qvc.config.image_shape)
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 0.01


def by_strings(qvc: QVC, probabilities: np.ndarray) -> np.ndarray:
    """Averages of the readout's products of Z for distributions over all qubits, shape (N, strings)."""
    basis = np.arange(probabilities.shape[1])
    signs = [np.prod([1 - 2 * (basis >> qubit & 1) for qubit in each], axis=0) for each in qvc.readout.strings]
    return probabilities @ np.array(signs).T


def by_qiskit(qvc: QVC, batch: Tensor) -> np.ndarray:
    """The same averages by quantum_info, of the circuit with its own parameters bound in Qiskit's order."""
    states = amplitudes(batch, qvc.config.num_qubits).numpy()
    return by_strings(qvc, np.array([Statevector(each).evolve(qvc.ansatz()).probabilities() for each in states]))


@FEW
@given(data=st.data())
def test_parameters_are_in_qiskits_order(readout: str, data: st.DataObject) -> None:
    circuit = data.draw(own_circuits())
    qvc = QVC(circuit=circuit, readout=readout)
    own = qvc.config.circuit
    assert own is not None
    assert own.parameters == tuple(each.name for each in circuit.parameters)
    bound = circuit.assign_parameters(qvc.weight.detach().double().numpy())
    assert np.abs(Operator(bound).data - Operator(qvc.ansatz()).data).max() < VALUE[torch.float64]
    assert OwnCircuit.of(circuit) == own


@FEW
@given(data=st.data())
def test_logits_are_those_of_aer_and_quantum_info(readout: str, data: st.DataObject) -> None:
    qvc = data.draw(own_models(readout)).double()
    batch = images(qvc)
    wanted = by_qiskit(qvc, batch)
    with torch.no_grad():
        found = qvc.expectations(batch).numpy()
        qvc.requires_grad_(requires_grad=False)
        collapsed = qvc.expectations(batch).numpy()
    assert np.abs(found - wanted).max() < VALUE[torch.float64]
    assert np.abs(collapsed - found).max() < VALUE[torch.float64]
    # The whole circuit, with what prepares the image, by Aer.
    whole = qvc.circuit().remove_final_measurements(inplace=False)
    for angles, row in zip(qvc.encoding.angles(batch).numpy(), wanted, strict=True):
        bound = transpile(whole.assign_parameters(angles), basis_gates=["u", "cx"], optimization_level=0)
        bound.save_statevector()
        state = AerSimulator(method="statevector").run(bound, shots=1).result().get_statevector()
        assert np.abs(by_strings(qvc, state.probabilities()[None])[0] - row).max() < AER


@FEW
@given(data=st.data())
def test_gradients_are_finite_differences(readout: str, data: st.DataObject) -> None:
    qvc = data.draw(own_models(readout)).double()
    batch = images(qvc).requires_grad_()
    label = data.draw(st.integers(0, qvc.config.num_classes - 1))
    slopes = torch.autograd.grad(qvc(batch)[:, label].sum(), (qvc.weight, batch))
    for values, slope in zip((qvc.weight.data, batch.data), slopes, strict=True):
        place = data.draw(st.integers(0, values.numel() - 1))
        sides = []
        for step in (DIFFERENCE_STEP, -DIFFERENCE_STEP):
            values.view(-1)[place] += step
            with torch.no_grad():
                sides.append(float(qvc(batch)[:, label].sum()))
            values.view(-1)[place] -= step
        difference = (sides[0] - sides[1]) / (2 * DIFFERENCE_STEP)
        # Of logits, which are twenty times an average.
        assert abs(difference - float(slope.view(-1)[place])) < FINITE_DIFFERENCE * qvc.config.logit_scale


@FEW
@given(data=st.data(), placement=st.sampled_from(["gate", "layer"]))
def test_noise_is_that_of_aer(readout: str, data: st.DataObject, placement: str) -> None:
    qvc = data.draw(own_models(readout, layers=placement == "layer"))
    spec = named_noise(data.draw(st.sampled_from(["amplitude-damping", "depolarizing", "bit-flip"])), 0.04, placement)
    noisy = native_circuit(qvc, placement, with_encoding=False).under(spec)
    state = amplitudes(images(qvc, 1), qvc.config.num_qubits)
    found = noisy.observables(torch.float64).expectations(state)[0].numpy()
    wanted = aer_probabilities(noisy.circuit, noisy.noise, state[0].numpy())
    assert np.abs(found - by_strings(qvc, wanted[None])[0]).max() < AER
    # The native gates, which the noise acts on, are the circuit's.
    ideal = by_strings(qvc, Statevector(state[0].numpy()).evolve(noisy.circuit).probabilities()[None])
    assert np.abs(ideal - by_qiskit(qvc, images(qvc, 1))).max() < VALUE[torch.float64]


@pytest.fixture(scope="module")
def device() -> Target:
    return open_target("fake-torino", load_catalogue(None).entry("fake-torino"), 4)


@settings(max_examples=5)
@given(data=st.data(), seed=st.integers(0, 99), layout=st.sampled_from(["trivial", "dense", "sabre"]))
def test_the_compiled_circuit_keeps_the_order_of_the_bits(
    readout: str, device: Target, data: st.DataObject, seed: int, layout: str
) -> None:
    qvc = data.draw(own_models(readout)).double()
    recipe = Recipe(why="a test", optimization_level=1, seeds=(seed,), layout_method=layout)
    isa = to_isa(qvc.circuit(), device.isa, recipe)
    batch = images(qvc, 1)
    values = qvc.encoding.angles(batch).numpy()[:, [each.index for each in isa.parameters]]
    small = compact(isa.assign_parameters(values[0]))
    measured = {small.find_bit(g.clbits[0]).index: small.find_bit(g.qubits[0]).index for g in small.data if g.clbits}
    state = Statevector(small.remove_final_measurements(inplace=False))
    wanted = by_qiskit(qvc, batch)[0]
    # Classical bit i holds the readout's i-th qubit.
    bits = state.probabilities([measured[bit] for bit in range(len(measured))])
    basis = np.arange(len(bits))
    for string, value in zip(qvc.readout.strings, wanted, strict=True):
        places = [qvc.readout.qubits.index(qubit) for qubit in string]
        signs = np.prod([1 - 2 * (basis >> place & 1) for place in places], axis=0)
        assert abs(signs @ bits - value) < AER


@FEW
@given(data=st.data())
def test_a_stored_model_says_the_same_to_the_last_bit(readout: str, data: st.DataObject) -> None:
    qvc = data.draw(own_models(readout))
    batch = images(qvc, 3).float()
    with TemporaryDirectory() as folder:
        save_model(folder, qvc, DataCard(dataset="mine", classes=tuple(range(qvc.config.num_classes))))
        again = load_model(Path(folder))
    assert isinstance(again.model, QVC)
    assert again.model.config == qvc.config
    with torch.no_grad():
        assert torch.equal(again.model(batch), qvc.eval()(batch))
