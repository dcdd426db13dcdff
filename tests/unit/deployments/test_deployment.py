"""A model under a condition says what Aer's density matrix says, wherever it is asked."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import BaseModel

from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.compute import Compute
from qaml_qiskit.confidence import Probabilities, Temperature
from qaml_qiskit.deployments import Deployment, Ideal, OnTarget, UnderNoise, deploy, load_batch, read_deployments
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import (
    QVC,
    ConvNet,
    ConvNetConfig,
    DataCard,
    ModelCard,
    QuadraticClassifier,
    QuadraticConfig,
    QVCConfig,
    StoredModel,
    save_model,
)
from qaml_qiskit.progress import Silent
from qaml_qiskit.simulation import chosen_kernel, use_backend
from qaml_qiskit.simulation.native import Kernel
from qaml_qiskit.studies import OnDevice, predict_on_devices
from qaml_qiskit.studies.engines import Inputs, density
from tests.tolerances import AER, DIFFERENT, DRAWN_ERROR, SIGMAS, VALUE

SHAPE = (1, 2, 2)
CONVNET = ConvNetConfig(image_shape=(1, 8, 8), num_classes=2, hidden=2)
TARGETS = """
targets:
  ideal: {kind: ideal}
  noisy: {kind: aer, noise: {depolarizing: {one_qubit: 0.01, two_qubit: 0.05}, readout: {p10: 0.02, p01: 0.1}}}
  manila: {kind: fake, device: FakeManilaV2}
"""


class Nothing(BaseModel):
    """A request without options."""


def stored(config: QVCConfig | QuadraticConfig | ConvNetConfig) -> StoredModel:
    kinds = {"qvc": QVC, "quadratic": QuadraticClassifier, "convnet": ConvNet}
    model = kinds[config.kind](config, 3)
    return StoredModel(model, ModelCard(model=config, data=DataCard(dataset="digits", classes=(0, 1))))


def qvc(**options: object) -> StoredModel:
    return stored(QVCConfig(image_shape=SHAPE, num_classes=2, num_layers=2, **options))


def images() -> torch.Tensor:
    return torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(1)) + 0.1


@pytest.fixture
def backends(tmp_path: Path) -> Path:
    path = tmp_path / "backends.yaml"
    path.write_text(TARGETS)
    return path


def by_aer(each: Deployment) -> NDArray[np.floating]:
    """⟨Z_k⟩ of :attr:`Deployment.circuit` by another simulator."""
    encoding = each.qvc.encoding
    if each.circuit.inputs:
        inputs = Inputs(states=encoding.state(images().double()).numpy())
    else:
        inputs = Inputs(values=encoding.angles(images()).numpy()[:, each.circuit.columns])
    return density(each.circuit, inputs).z


NOISY = [
    UnderNoise("depolarizing", 0.02),
    UnderNoise("amplitude-damping", 0.05, "layer"),
    UnderNoise("readout", 0.1),
    UnderNoise("bit-flip", 0.03, on_encoding=True),
]
DEVICES = [OnTarget("noisy", "quick"), OnTarget("manila", "quick")]


@pytest.mark.parametrize(
    "condition", [Ideal(), *NOISY, OnTarget("noisy", "quick"), OnTarget("manila", "quick")], ids=str
)
def test_logits_are_those_of_the_circuit(condition: object, backends: Path) -> None:
    each = deploy(qvc(), condition, backends=backends)
    scale = each.qvc.config.logit_scale
    z = each.logits(images()).numpy() / scale
    assert np.abs(z - by_aer(each)).max() < VALUE[torch.float32] + AER
    np.testing.assert_allclose(each.expectations(images()), z, atol=VALUE[torch.float32])
    assert (np.abs(z - each.ideal(images())).max() > DIFFERENT) == (condition != Ideal())


@pytest.mark.parametrize("condition", [*NOISY, *DEVICES], ids=str)
def test_the_module_has_gradients_and_may_leave_the_readout_out(condition: object, backends: Path) -> None:
    each, batch = deploy(qvc(), condition, backends=backends), images().requires_grad_()
    read, scale = each.module(batch), each.qvc.config.logit_scale
    assert torch.autograd.grad(read.sum(), batch)[0].abs().max() > 0
    inverted = each.layers.readout.inverted(read.detach().numpy() / scale)
    found = each.mitigated_module(images()).numpy() / scale
    np.testing.assert_allclose(found, inverted, atol=VALUE[torch.float32])


@pytest.mark.parametrize("order", ["flat", "gray"])
@pytest.mark.parametrize("condition", [Ideal(), *NOISY[:3], OnTarget("noisy", "quick")], ids=str)
def test_forms_are_the_module(condition: object, order: str, backends: Path) -> None:
    each = deploy(qvc(pixel_order=order), condition, backends=backends)
    forms, pixels = each.forms(), images().flatten(1).double().numpy()
    unit = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    values = np.einsum("ni,kij,nj->nk", unit, forms.matrices, unit) * each.qvc.config.logit_scale
    for module, dtype in ((each.module, torch.float32), (forms.single, torch.float32), (forms.double, torch.float64)):
        with torch.no_grad():
            found = module(images().to(dtype)).numpy()
        np.testing.assert_allclose(found, values, atol=VALUE[torch.float32] * each.qvc.config.logit_scale)


def test_a_quadratic_model_is_its_forms() -> None:
    each = deploy(stored(QuadraticConfig(image_shape=SHAPE, num_classes=2)))
    forms, pixels = each.forms(), images().flatten(1).double().numpy()
    values = np.einsum("ni,kij,nj->nk", pixels, forms.matrices, pixels) / (pixels**2).sum(1, keepdims=True)
    with torch.no_grad():
        found = forms.double(images().double()).numpy() / each.card.model.logit_scale
    np.testing.assert_allclose(found, values, atol=VALUE[torch.float32])
    assert forms.highest is None


@pytest.mark.parametrize("condition", [Ideal(), *NOISY, OnTarget("manila", "quick")], ids=str)
def test_a_pickled_deployment_says_the_same(condition: object, backends: Path) -> None:
    each = deploy(qvc(encoding="approximate", encoding_layers=1), condition, backends=backends)
    expected = each.logits(images())
    again = pickle.loads(pickle.dumps(each))
    assert (again.name, again.kind, again.fingerprint) == (each.name, each.kind, each.fingerprint)
    assert torch.equal(again.logits(images()), expected)
    assert torch.equal(again.fresh().logits(images()), expected)
    work = pickle.loads(pickle.dumps(each.expectations))
    np.testing.assert_array_equal(work(images()), each.expectations(images()))


def test_a_pickled_network_says_the_same() -> None:
    network, pictures = deploy(stored(CONVNET)), torch.rand(3, *CONVNET.image_shape)
    assert torch.equal(pickle.loads(pickle.dumps(network)).logits(pictures), network.logits(pictures))


def test_noises_and_strengths_share_the_compiled_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    import qaml_qiskit.deployments.conditioned as room

    real, made = room.native_circuit, []
    monkeypatch.setattr(room, "native_circuit", lambda *a, **o: made.append(a) or real(*a, **o))
    base = deploy(qvc())
    noisy = [base.under("bit-flip", p) for p in (0.01, 0.02)]
    noisy.append(noisy[0].under("depolarizing", 0.1))
    assert len({id(each.layers.circuit) for each in noisy}) == 1
    assert pickle.loads(pickle.dumps(noisy[0])).layers.circuit == base.layers.circuit
    assert len(made) == 1


def test_names_and_fingerprints(backends: Path) -> None:
    base = deploy(qvc(), name="m")
    each = [base, base.under("readout", 0.1), base.on("noisy", "quick", backends), base.on("noisy", "level3", backends)]
    assert [one.name for one in each] == ["m", "m@readout:0.1", "m@noisy", "m@noisy"]
    assert [one.kind for one in each] == ["exact", "noisy", "device", "device"]
    assert [repr(one) for one in each[1:3]] == ["<Deployment m@readout:0.1: noisy>", "<Deployment m@noisy: device>"]
    assert len({one.fingerprint for one in each}) == 4
    assert len({one.weights for one in each}) == 1
    assert base.under("readout", 0).kind == "exact"
    assert set(each[2].resolved()) == {"target", "recipe"}
    assert each[1].resolved() == {}


def test_equal_deployments_are_one(tmp_path: Path) -> None:
    model = qvc()
    save_model(tmp_path / "m", model.model, model.card.data)
    name = str(tmp_path / "m")
    found = read_deployments([name, f"{name}@readout:0.1", f"{name}@readout:1e-1", name])
    assert found[1] is found[2]
    assert found[0] is found[3]
    assert found[0].stored is found[1].stored


def test_another_encoding_has_the_same_layers() -> None:
    base = deploy(qvc())
    other = base.behind("approximate", 1)
    assert base.behind("multiplexed") is base
    assert other.card.model.encoding == "approximate"
    assert torch.equal(other.qvc.weight, base.qvc.weight)
    assert other.encodes_slowly
    assert not base.encodes_slowly


def test_sampled_values_scatter_about_the_exact_ones(backends: Path, tmp_path: Path) -> None:
    each, shots = deploy(qvc(), OnTarget("noisy", "quick"), backends=backends), 4000
    with open_run("demo", Nothing(), out=tmp_path / "run") as run:
        found = each.sample({"clean": images()}, shots, "readout", 1, run)["clean"]
    assert set(found.by_name()) == {"ideal", "raw", "mitigated"}
    again = each.sample({"clean": images()}, shots, seed=1)["clean"]
    assert np.array_equal(found.by_name()["mitigated"], again.by_name()["mitigated"])
    assert found.raw is not None
    assert np.abs(found.raw - each.expectations(images())).max() < 5 / np.sqrt(shots)


# Of one average: the forecast takes those of several qubits as independent, which the counts do not.
@pytest.mark.parametrize("readout", ["single", "parity"])
def test_sampled_probabilities_have_the_errors_that_the_forecast_gives(
    backends: Path, tmp_path: Path, readout: str
) -> None:
    temperature, shots = Temperature(value=5, images=1), 4000
    each = deploy(qvc(readout=readout), OnTarget("noisy", "quick"), backends=backends)
    found = each.sample({"clean": images()}, shots, "readout", 1)["clean"].probabilities(temperature)
    assert list(found) == ["ideal", "raw", "mitigated"]
    with open_run("forecast", Nothing(), out=tmp_path / "run") as run:
        prediction = predict_on_devices({"clean": OnDevice(each, images())}, run, Silent())["clean"]
    for stage, mitigation in (("raw", "none"), ("mitigated", "readout")):
        expected = Probabilities.of_estimates(prediction.estimates(shots, mitigation), each.head, temperature)
        sizes = [np.sqrt((each.errors**2).mean()) for each in (found[stage], expected)]
        assert sizes[0] == pytest.approx(sizes[1], rel=DRAWN_ERROR)
        assert (np.abs(found[stage].values - expected.values) < SIGMAS * expected.errors).all()
        # What is compared is larger than what rounding is.
        assert expected.errors.min() > DIFFERENT


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "noise on a network": (lambda: deploy(stored(CONVNET), UnderNoise("readout", 0.1)), "no quantum circuit"),
    "a network on a target": (lambda: deploy(stored(CONVNET), OnTarget("ideal")), "no quantum circuit"),
    "a network's circuit": (lambda: deploy(stored(CONVNET)).circuit, "no quantum circuit"),
    "a network's forms": (lambda: deploy(stored(CONVNET)).forms(), "no quadratic forms"),
    "forms of fitted states": (
        lambda: deploy(qvc(encoding="approximate", encoding_layers=1)).forms(),
        "no quadratic forms.*approximate",
    ),
    "forms behind a noisy encoding": (lambda: deploy(qvc(), NOISY[3]).forms(), "no quadratic forms.*encoding"),
    "compiling for nothing": (lambda: deploy(qvc()).compiled, "on no target"),
    "gradients on a device": (lambda: deploy(qvc(), OnTarget("ideal")).check_attackable([]), "by its gradients"),
    "gradients behind a noisy encoding": (lambda: deploy(qvc(), NOISY[3]).check_attackable([]), "by its gradients"),
    "layers behind another encoding": (lambda: deploy(qvc()).behind("angle"), "another encoding"),
    "a number as a condition": (lambda: deploy(qvc(), 3), "cannot deploy a model so: got 3"),  # type: ignore[arg-type]
    "no model": (lambda: deploy(None), "cannot deploy this: got None"),  # type: ignore[arg-type]
    "an unknown target": (lambda: deploy(qvc(), OnTarget("nowhere")), "nowhere"),
    "an unknown recipe": (lambda: deploy(qvc(), OnTarget("ideal", "none")), "none"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_done_is_refused(what: str) -> None:
    refused, said = REFUSED[what]
    with pytest.raises(ConfigurationError, match=said):
        refused()


@pytest.mark.parametrize("condition", [Ideal(), UnderNoise("readout", 0.1), OnTarget("ideal", "quick")])
def test_images_are_checked_alike_under_every_condition(condition: Ideal | UnderNoise | OnTarget) -> None:
    each = deploy(qvc(), condition)
    assert torch.equal(each.logits(images().numpy()), each.logits(images()))  # type: ignore[arg-type]
    for wrong, said in ((images()[0], r"got shape \(1, 2, 2\)"), (images()[:, :, :1], "shape"), ([1.0], "got a list")):
        with pytest.raises(InputError, match=said):
            each.logits(wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="cannot amplitude-encode image 0: got") as found:
        each.logits(images() * float("nan"))
    assert str(found.value).startswith("cannot")


def test_images_that_not_every_model_reads(tmp_path: Path) -> None:
    pictures = np.full((4, *CONVNET.image_shape), 0.5, dtype=np.float32)
    pictures[2] = 0
    np.savez(tmp_path / "images.npz", images=pictures, labels=np.array([0, 1, 0, 1]))
    source = str(tmp_path / "images.npz")
    eight = stored(QVCConfig(image_shape=CONVNET.image_shape, num_classes=2, num_layers=1))
    network, model = deploy(stored(CONVNET), name="network"), deploy(eight, name="model")
    assert len(load_batch(source, [network], None).first(3)) == 3
    with pytest.raises(InputError, match="model cannot read image 2"):
        load_batch(source, [network, model], None)
    with pytest.raises(ConfigurationError, match="differ in the shape"):
        load_batch(source, [network, deploy(qvc())], None)
    with pytest.raises(InputError, match="shape"):
        load_batch(source, [deploy(qvc())], None)


@pytest.mark.parametrize("condition", [Ideal(), *NOISY, OnTarget("noisy", "quick")], ids=str)
def test_more_digits_say_the_same_in_single_precision_on_the_processor(condition: object, backends: Path) -> None:
    single = deploy(qvc(), condition, backends=backends)
    double = deploy(qvc(), condition, backends=backends, compute=Compute(precision="double", simulator="torch"))
    logits = double.logits(images())
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, single.logits(images()), atol=VALUE[torch.float32], rtol=0)
    np.testing.assert_allclose(double.ideal(images()), single.ideal(images()), atol=VALUE[torch.float32], rtol=0)
    # The module itself has the digits, and the model that was given is left alone.
    assert double.module(images().double()).dtype == torch.float64
    assert double.qvc.weight.dtype == torch.float32


def test_the_way_of_computing_goes_along() -> None:
    compute = Compute(precision="double", simulator="torch")
    each = pickle.loads(pickle.dumps(deploy(qvc(), compute=compute).under("readout", 0.1).fresh()))
    assert each.compute == compute
    assert each.module(images().double()).dtype == torch.float64


def test_the_engine_is_chosen_where_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Kernel | None] = []
    forward = QVC.forward

    def watched(self: QVC, batch: torch.Tensor) -> torch.Tensor:
        seen.append(chosen_kernel())
        return forward(self, batch)

    monkeypatch.setattr(QVC, "forward", watched)
    deploy(qvc(), compute=Compute(simulator="torch")).logits(images())
    with use_backend("torch"):
        deploy(qvc()).logits(images())
    assert seen == [None, None]


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no such device"):
        deploy(qvc(), compute=Compute(device="cuda:77"))
