"""Any readout under a condition: against Aer's density matrix read with errors, as quadratic forms, and attacked."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from qiskit_aer import AerSimulator

from qaml_qiskit.attacks import PGDConfig
from qaml_qiskit.compute import DEFAULT_COMPUTE
from qaml_qiskit.deployments import Batch, Deployment, Ideal, UnderNoise, deploy
from qaml_qiskit.deployments.circuits import CircuitWithNoise, native_circuit
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import DataCard, ModelCard, NoisyQVC, StoredModel
from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.progress import ignore
from qaml_qiskit.studies import Certifying, perturb
from qaml_qiskit.studies.engines import Inputs
from tests.readout_cases import CASES, exact_logits, head_logits, images, model
from tests.tolerances import AER, CERTIFICATE, DIFFERENCE_STEP, DIFFERENT, FINITE_DIFFERENCE, VALUE

each_case = pytest.mark.parametrize("name", CASES)
#: Gates and readout; the model's two kinds of errors differ from qubit to qubit only on a device.
BOTH = NoiseSpec.model_validate(
    {"depolarizing": {"one_qubit": 0.01, "two_qubit": 0.04}, "readout": {"p10": 0.03, "p01": 0.12}}
)


def deployed(name: str, **fields: object) -> Deployment:
    qvc = model(name, **fields)
    return deploy(StoredModel(qvc, ModelCard(model=qvc.config, data=DataCard(dataset="own", classes=(0, 1)))))


def scale(each: Deployment) -> float:
    """What rounding of an average comes to in a logit."""
    return float(np.abs(each.head.matrix).sum(1).max())


def read_outcomes(noisy: CircuitWithNoise, inputs: Inputs) -> Iterator[NDArray[np.float64]]:
    """The probabilities of the measured bits of every image, by Aer's density matrix and the readout errors."""
    simulator = AerSimulator(method="density_matrix", noise_model=noisy.noise)
    for circuit in inputs.circuits(noisy, mixed=True):
        circuit.save_probabilities(list(noisy.read), label="p")
        outcomes = np.asarray(simulator.run(circuit, shots=1).result().data()["p"])
        for place, (p10, p01) in enumerate(zip(noisy.readout.p10, noisy.readout.p01, strict=True)):
            low = outcomes.reshape(-1, 2, 2**place)
            outcomes = np.einsum("ij,ajb->aib", [[1 - p10, p01], [p10, 1 - p01]], low).ravel()
        yield outcomes


def by_aer(each: Deployment, noisy: CircuitWithNoise) -> NDArray[np.float64]:
    """Logits of a circuit that the images' states enter, or that prepares them."""
    qvc = each.qvc
    inputs = Inputs.of(qvc.encoding, noisy, images())
    bits = len(noisy.read)
    signs = 1 - 2 * (np.arange(2**bits)[:, None] >> np.arange(bits) & 1)
    values = np.stack([signs[:, list(string)].prod(1) for string in qvc.readout.bits], axis=1)
    return head_logits(qvc, np.array([outcomes @ values for outcomes in read_outcomes(noisy, inputs)]))


@each_case
def test_exact_noise_is_aers_with_errors_of_gates_and_readout(name: str) -> None:
    each = deployed(name)
    noisy = native_circuit(each.qvc, "gate", with_encoding=False).under(BOTH)
    victim = NoisyQVC(each.qvc, noisy.observables(torch.float64))
    with torch.no_grad():
        found = victim(images().double()).numpy()
    assert np.abs(found - by_aer(each, noisy)).max() < scale(each) * AER
    assert np.abs(found - exact_logits(each.qvc, images())).max() > DIFFERENT


@each_case
@pytest.mark.parametrize(
    "condition",
    [UnderNoise("readout", 0.1), UnderNoise("amplitude-damping", 0.05), UnderNoise("bit-flip", 0.03, on_encoding=True)],
    ids=str,
)
def test_logits_of_a_deployment_are_aers(name: str, condition: UnderNoise) -> None:
    each = deployed(name).at(condition)
    expected = by_aer(each, each.circuit)
    assert np.abs(each.logits(images()).numpy() - expected).max() < scale(each) * (VALUE[torch.float32] + AER)


@each_case
def test_mitigated_it_is_read_perfectly(name: str) -> None:
    each = deployed(name)
    noisy = each.under("readout", 0.1)
    for module, same in ((each.mitigated_module, True), (noisy.mitigated_module, True), (noisy.module, False)):
        with torch.no_grad():
            difference = np.abs(module(images()).numpy() - exact_logits(each.qvc, images())).max()
        assert (difference < scale(each) * VALUE[torch.float32]) == same


@each_case
def test_attacks_follow_the_gradient_through_noise_and_head(name: str) -> None:
    each = deployed(name).under("depolarizing", 0.02)
    module = NoisyQVC(each.qvc, each.layers.observables(torch.float64))
    picture, step = images(1).double().requires_grad_(), torch.zeros(1, 1, 2, 4, dtype=torch.float64)
    step[0, 0, 1, 2] = DIFFERENCE_STEP
    (gradient,) = torch.autograd.grad(module(picture)[0, 1], picture)
    with torch.no_grad():
        slope = (module(picture + step) - module(picture - step))[0, 1] / (2 * DIFFERENCE_STEP)
    assert float(gradient[0, 0, 1, 2] - slope) == pytest.approx(0, abs=scale(each) * FINITE_DIFFERENCE)
    batch = Batch(images(), each.logits(images()).argmax(1).numpy(), np.arange(4), "4")
    found = perturb(each.module, batch, PGDConfig(eps=0.5, steps=10), DEFAULT_COMPUTE, ignore)
    assert (each.logits(found.images).argmax(1).numpy() != batch.labels).any()


@each_case
@pytest.mark.parametrize("condition", [Ideal(), UnderNoise("depolarizing", 0.02), UnderNoise("readout", 0.1)], ids=str)
def test_forms_are_the_logits_in_double_precision(name: str, condition: Ideal | UnderNoise) -> None:
    each = deployed(name, image_shape=(1, 2, 3), pixel_order="gray").at(condition)
    forms, pictures = each.forms(), images(4, (1, 2, 3)).double()
    pixels = pictures.flatten(1).numpy()
    unit = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    values = np.einsum("ni,kij,nj->nk", unit, forms.matrices, unit)
    factor = each.qvc.config.logit_scale
    with torch.no_grad():
        assert np.abs(forms.double(pictures).numpy() - factor * values).max() < scale(each) * VALUE[torch.float64]
        assert (
            np.abs(forms.single(pictures.float()).numpy() - factor * values).max() < scale(each) * VALUE[torch.float32]
        )


@each_case
def test_no_state_has_a_larger_margin_than_the_bound(name: str) -> None:
    forms = deployed(name).forms()
    assert forms.highest is not None
    generator = np.random.default_rng(3)
    states = generator.normal(size=(500, 8))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    values = np.einsum("ni,kij,nj->nk", states, forms.matrices, states)
    margins = values[:, :, None] - values[:, None, :]
    assert (margins.max(0) <= forms.highest + CERTIFICATE).all()
    spectra = np.linalg.eigvalsh(forms.matrices[0] - forms.matrices[1])
    assert spectra.max() <= forms.highest[0, 1] + CERTIFICATE
    if name in ("qubits", "single"):
        assert forms.highest[0, 1] == 2


@pytest.mark.parametrize("name", ["linear", "linear-zz", "single", "strings"])
def test_certificates_are_exact_and_above_the_general_bounds(name: str) -> None:
    each = deployed(name).under("amplitude-damping", 0.02)
    labels = each.logits(images(8)).argmax(1).numpy()
    rows = Certifying(each, Batch(images(8), labels, np.arange(8), "8"))(slice(0, 8), ignore).rows
    assert all(row["witness_flips"] for row in rows if row["radius"] is not None)
    for row in rows:
        if row["radius"] is not None:
            assert 0 <= row["lipschitz"] <= row["hypothesis_testing"] * (1 + CERTIFICATE)
            assert row["hypothesis_testing"] <= row["radius"] * (1 + CERTIFICATE)
            assert row["attack"] is None or row["attack"] >= row["radius"] * (1 - CERTIFICATE)


def test_a_noise_that_is_known_for_single_qubits_alone_takes_no_products() -> None:
    deployed("linear").under("global-depolarizing", 0.01)
    deployed("linear-zz").under("global-depolarizing", 0)
    for name in ("parity", "linear-zz"):
        with pytest.raises(ConfigurationError, match=f"global-depolarizing cannot act on qvc: got the readout {name}"):
            deployed(name).under("global-depolarizing", 0.01)


def test_the_layers_take_their_head_behind_another_encoding() -> None:
    each = deployed("linear-zz")
    behind = each.behind("approximate", 2)
    np.testing.assert_array_equal(behind.head.matrix, each.head.matrix)
    np.testing.assert_array_equal(behind.head.offset, each.head.offset)
    assert behind.weights_digest == each.weights_digest
    with torch.no_grad():
        each.qvc.unit_head.offset[0] += 1
    assert behind.weights_digest != each.weights_digest
