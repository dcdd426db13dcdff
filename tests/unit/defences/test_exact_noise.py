"""Training under a named noise exactly: the logits are those of the deployment, the gradients those of differences."""

import pytest
import torch

from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.defences import ExactNoise, NoiseAware, exact_noisy_logits, noisy_logits
from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, ConvNet, ConvNetConfig, NoisyQVC, QVCConfig, Trainer, TrainingConfig
from qaml_qiskit.noise import named_noise
from tests.tolerances import DIFFERENCE_STEP, DIFFERENT, FINITE_DIFFERENCE, SIGMAS, VALUE

NOISES = {
    "depolarizing": 0.02,
    "amplitude-damping": 0.05,
    "thermal-relaxation": 0.03,
    "over-rotation": 0.1,
    "crosstalk": 0.2,
    "readout": 0.05,
}


def model(**settings: object) -> QVC:
    values = {"image_shape": (1, 3, 4), "num_classes": 3, "num_layers": 3, "init_std": 1.0, **settings}
    return QVC(QVCConfig.model_validate(values), seed=3)


def images() -> torch.Tensor:
    return torch.rand(4, 1, 3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("readout", ["qubits", "linear"])
def test_logits_are_those_of_the_model_in_use(name: str, readout: str) -> None:
    qvc = model(readout=readout).double()
    noise = ExactNoise(noise=name, strength=NOISES[name])
    noise.check(qvc)
    found = exact_noisy_logits(qvc, images(), noise)
    layers = native_circuit(qvc, "gate", with_encoding=False).under(named_noise(name, NOISES[name]))
    wanted = NoisyQVC(qvc, layers.observables(torch.float64))(images())
    assert (found - wanted).abs().max() < VALUE[torch.float64] * qvc.config.logit_scale
    assert (found - qvc(images())).abs().max() > DIFFERENT


def test_gradients_are_those_of_differences() -> None:
    qvc, noise = model().double(), ExactNoise(noise="amplitude-damping", strength=0.1)
    labels = torch.tensor([0, 1, 2, 0])
    loss, _ = noise.loss(qvc, images(), labels, torch.Generator())
    loss.backward()
    assert qvc.weight.grad is not None
    for index in (0, 1, 7, 16, 35):
        ends = []
        for sign in (1, -1):
            moved = model().double()
            with torch.no_grad():
                moved.weight[index] += sign * DIFFERENCE_STEP
                ends.append(noise.loss(moved, images(), labels, torch.Generator())[0].item())
        assert abs((ends[0] - ends[1]) / (2 * DIFFERENCE_STEP) - qvc.weight.grad[index].item()) < FINITE_DIFFERENCE


def test_it_is_the_mean_of_sampled_noise() -> None:
    qvc, generator = model().double(), torch.Generator().manual_seed(5)
    exact = exact_noisy_logits(qvc, images(), ExactNoise(noise="depolarizing", strength=0.05))
    sampled = NoiseAware(depolarizing=0.05, draws=1)
    with torch.no_grad():
        drawn = torch.stack([noisy_logits(qvc, images(), sampled, generator) for _ in range(200)])
    error = drawn.std(0) / len(drawn) ** 0.5
    assert ((drawn.mean(0) - exact).abs() < SIGMAS * error).all()


def test_a_stopped_training_goes_on_bit_for_bit() -> None:
    data = images().float(), torch.tensor([0, 1, 2, 0])
    config = TrainingConfig(epochs=2, batch_size=2, patience=None)
    weights = []
    for stops in (False, True):
        qvc = model()
        trainer = Trainer(qvc, data, data, config, objective=ExactNoise(strength=0.01))
        if stops:
            steps = iter([False, False, False, True])
            assert not trainer.run(should_stop=lambda steps=steps: next(steps))  # type: ignore[misc]
            qvc = model()
            trainer = Trainer(qvc, data, data, config, trainer.snapshot(), objective=ExactNoise(strength=0.01))
        assert trainer.run()
        weights.append(qvc.weight.detach().clone())
    assert torch.equal(*weights)


def test_what_cannot_be_trained_so_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cannot train this model"):
        ExactNoise().check(ConvNet(ConvNetConfig(image_shape=(1, 8, 8), num_classes=3)))
    with pytest.raises(ConfigurationError, match="cannot train noise layers"):
        ExactNoise().check(model(noise_layers=NoiseLayers()))
    with pytest.raises(ConfigurationError, match="cannot have this strength"):
        ExactNoise(strength=2.0).check(model())
