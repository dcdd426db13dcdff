"""Training, attacks and noise on a device: nothing is read between steps, and results are those of the CPU."""

import pytest
import torch
from qiskit import QuantumCircuit
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from qaml_qiskit.attacks import make_attack, run_attack
from qaml_qiskit.attacks.model_adapter import ModelAdapter
from qaml_qiskit.compute import can_look_at, trusting
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import QVC, QVCConfig, Trainer, TrainingConfig, TrainingState
from qaml_qiskit.models.epoch_sums import EpochSums
from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.simulation import statevector, use_backend
from qaml_qiskit.simulation.heisenberg import noisy_expectations, noisy_observables
from tests.tolerances import BOUND, GRADIENT, MEAN, VALUE
from tests.unit.simulation.device_cases import DEVICES, engine_for
from tests.unit.simulation.simulation_cases import close

CONFIG = QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=3)
NOWHERE = torch.device("meta")
NOISE = NoiseSpec.model_validate({"depolarizing": {"one_qubit": 0.01, "two_qubit": 0.03}, "amplitude_damping": 0.02})


class Transfers(TorchDispatchMode):
    """Counts what goes from one device to another: a tensor without values that is read raises by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = function(*args, **(kwargs or {}))
        given = [each for each in args if isinstance(each, Tensor)]
        if isinstance(result, Tensor) and any(each.device != result.device and each.dim() for each in given):
            self.found.append(str(function))
        return result


def examples(count: int, device: str | torch.device = "cpu") -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(count, 1, 4, 4, generator=generator)
    return images.to(device), torch.randint(3, (count,), generator=generator)


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A device; the CPU goes a GPU's way."""
    if request.param == "cpu":
        engine = engine_for("cpu")
        monkeypatch.setattr(statevector, "choose_engine", lambda program, amplitudes: engine)
    return str(request.param)


def test_a_training_on_a_device_neither_reads_nor_moves_anything_between_its_steps() -> None:
    config, state = TrainingConfig(epochs=1, batch_size=5), TrainingState(seen=1)
    trainer = Trainer(QVC(CONFIG).to(NOWHERE), examples(60, NOWHERE), examples(5, NOWHERE), config, state)
    transfers, moved = Transfers(), []

    def between(state: TrainingState) -> None:
        # What the first steps place on the device stays there.
        if state.step == 3:
            transfers.__enter__()
        moved.append(list(transfers.found))

    assert not trainer.run(on_step=between, should_stop=lambda: trainer.state.step == 9)
    transfers.__exit__(None, None, None)
    assert moved[-1] == []


@pytest.mark.parametrize("name", ["pgd", "bim", "mim", "fgsm"])
def test_nor_does_an_attack(name: str) -> None:
    model = QVC(CONFIG).to(NOWHERE).eval().requires_grad_(False)
    images, labels = examples(5, NOWHERE)
    labels = labels.to(NOWHERE)
    attack = make_attack(name, eps=0.1)
    with trusting():
        attack.build(ModelAdapter(model, images), 3)(images, labels)
        adversary = attack.build(ModelAdapter(model, images), 3)
        with Transfers() as transfers:
            adversary(images, labels)
    assert transfers.found == []


def test_nor_does_the_propagation_of_noise() -> None:
    circuit = QuantumCircuit(5)
    for layer in range(3):
        for qubit in range(5):
            circuit.sx(qubit)
            circuit.rz(0.1 * layer + qubit, qubit)
        for qubit in range(4):
            circuit.cz(qubit, qubit + 1)
    with Transfers() as transfers:
        found = noisy_observables(circuit, NOISE.build(), [0, 1], device=NOWHERE)
    assert found.matrices.shape == (2, 32, 32)
    # The observables, and all matrices of the steps together.
    assert len(transfers.found) == 2


def test_values_are_looked_at_unless_somebody_asked_not_to_wait_for_a_device() -> None:
    here, nowhere = torch.zeros(2), torch.zeros(2, device="meta")
    assert can_look_at(here)
    assert not can_look_at(nowhere)
    with trusting():
        assert can_look_at(here)
        with trusting(False):
            assert can_look_at(here)


@pytest.mark.parametrize("every", [1, 3, 7])
def test_sums_over_an_epoch_are_the_same_whenever_they_are_read(every: int) -> None:
    generator = torch.Generator().manual_seed(2)
    losses = torch.rand(20, generator=generator)
    expected, state = TrainingState(), TrainingState()
    here, away = (EpochSums(each, torch.device("cpu"), at_once=each is expected) for each in (expected, state))
    for step, loss in enumerate(losses):
        here.add(loss, torch.tensor(step % 3), 5)
        away.add(loss, torch.tensor(step % 3), 5)
        if step % every == 0:
            assert away.settle() == 0.0
    away.settle()
    assert (state.seen, state.loss_sum, state.correct) == (expected.seen, expected.loss_sum, expected.correct)


def test_a_loss_that_is_not_finite_is_told_when_the_sums_are_read() -> None:
    sums = EpochSums(TrainingState(), torch.device("cpu"), at_once=False)
    for loss in (1.0, float("nan"), 2.0):
        sums.add(torch.tensor(loss), torch.tensor(1), 5)
    assert sums.settle() != 0.0


def test_a_training_on_a_device_is_that_of_the_cpu(device: str) -> None:
    config, histories, weights = TrainingConfig(epochs=2, batch_size=7), [], []
    for place in ("cpu", device):
        model = QVC(CONFIG, seed=1).to(place)
        trainer = Trainer(model, examples(30, place), examples(11, place), config)
        with use_backend("torch"):
            assert trainer.run()
        histories.append([(record.loss, record.accuracy, record.validation_loss) for record in trainer.state.history])
        weights.append(model.weight.detach().cpu())
    assert torch.tensor(histories[1]) == pytest.approx(torch.tensor(histories[0]), rel=MEAN)
    assert close(weights[1], weights[0], GRADIENT[torch.float32])


@pytest.mark.parametrize("num_layers", [1, 12], ids=["by layers", "collapsed"])
def test_an_attack_on_a_device_is_that_of_the_cpu(device: str, num_layers: int) -> None:
    model = QVC(CONFIG.model_copy(update={"num_layers": num_layers}), seed=1)
    found = []
    for place in ("cpu", device):
        images, labels = examples(9, place)
        result = run_attack(model.to(place), images, labels, make_attack("bim", eps=0.05), spare_wrong=False)
        found.append(result.images.cpu())
    # A sign where the gradient is all but zero may differ.
    assert float(((found[1] - found[0]).abs() < BOUND).double().mean()) > 0.95


def test_an_image_without_light_is_refused_on_a_device(device: str) -> None:
    images, labels = examples(8, device)
    images[3] = 0
    with pytest.raises(InputError, match="cannot amplitude-encode image"):
        Trainer(QVC(CONFIG).to(device), (images, labels), (images[:2], labels[:2]), TrainingConfig(epochs=1)).run()


@pytest.mark.parametrize("where", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_noise_on_a_device_is_that_of_the_cpu(where: str, dtype: torch.dtype) -> None:
    circuit = QuantumCircuit(6)
    for qubit in range(6):
        circuit.sx(qubit)
        circuit.rz(0.3 * qubit, qubit)
        circuit.sx(qubit)
    for first, second in ((0, 1), (2, 5), (1, 4)):
        circuit.cz(first, second)
    noise, results = NOISE.build(), {}
    for backend, place in (("auto", "cpu"), ("torch", where)):
        with use_backend(backend):  # type: ignore[arg-type]
            observables = noisy_observables(circuit, noise, [0, (1, 2)], dtype=dtype, device=place)
            averages = noisy_expectations(circuit, noise, [0, 5], dtype=dtype, device=place)
        results[backend] = observables.matrices.cpu(), averages.cpu()
    for ours, theirs in zip(results["torch"], results["auto"], strict=True):
        assert close(ours, theirs, VALUE[dtype])


def test_a_head_goes_where_its_model_goes() -> None:
    model = QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=2, num_layers=2, readout="single"))
    assert isinstance(model, nn.Module)
    images = examples(4)[0]
    expected = model(images)
    assert model.to(NOWHERE)(images.to(NOWHERE)).device.type == "meta"
    assert torch.isfinite(expected).all()
