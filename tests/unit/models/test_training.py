from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError

from qaml_qiskit.defences import DEFENCES, MAX_DRAWS, NoiseAware
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import (
    FNN,
    QVC,
    ConvNet,
    ConvNetConfig,
    EpochRecord,
    FNNConfig,
    Objective,
    QVCConfig,
    Trainer,
    TrainingConfig,
    TrainingState,
    dump_state,
    load_state,
    predict,
)
from qaml_qiskit.workflows.train.request import TrainRequest
from tests.tolerances import MEAN

Data = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture
def data(generator: torch.Generator) -> Data:
    images = torch.rand(45, 1, 2, 4, generator=generator) * 0.98 + 0.01
    return images, (images[..., 0::2].square().sum((1, 2, 3)) > images[..., 1::2].square().sum((1, 2, 3))).long()


def qvc(seed: int = 3) -> QVC:
    return QVC(QVCConfig(image_shape=(1, 2, 4), num_classes=2, num_layers=2), seed)


def trainer(
    data: Data, state: TrainingState | None = None, objective: Objective | None = None, **changes: object
) -> Trainer:
    values = {"epochs": 4, "batch_size": 10, "learning_rate": 0.05, **changes}
    return Trainer(qvc(), data, data, TrainingConfig.model_validate(values), state, objective)


def test_training_learns(data: Data) -> None:
    run = trainer(data, epochs=25)
    assert run.run()
    assert run.state.history[-1].validation_accuracy > 0.8
    assert run.state.history[-1].loss < run.state.history[0].loss


@pytest.mark.parametrize("stop_after", [1, 4, 5, 7, 13, 19])
def test_resumed_training_is_bit_identical(data: Data, stop_after: int) -> None:
    """Stopped inside an epoch, at its end, and after early steps; state carried through a file."""
    whole = trainer(data)
    assert whole.run()
    steps = 0

    def count(state: TrainingState) -> None:
        nonlocal steps
        steps += 1

    first = trainer(data)
    assert not first.run(on_step=count, should_stop=lambda: steps >= stop_after)
    second = trainer(data, load_state(dump_state(first.snapshot())))
    assert second.run()
    assert torch.equal(whole.model.weight, second.model.weight)
    assert whole.state.history == second.state.history


@pytest.mark.parametrize("stop_after", [3, 5, 12])
def test_dropout_is_drawn_again_where_a_training_goes_on(data: Data, stop_after: int) -> None:
    """Torch's global numbers are those of the step, whatever was drawn from them in between."""

    def fnn(state: TrainingState | None = None) -> Trainer:
        model = FNN(FNNConfig(image_shape=(1, 2, 4), num_classes=2, hidden=(6, 5)), 3)
        return Trainer(model, data, data, TrainingConfig(epochs=3, batch_size=10, learning_rate=0.05), state)

    whole, first, steps = fnn(), fnn(), [0]
    assert whole.run()

    def count(state: TrainingState) -> None:
        steps[0] += 1

    assert not first.run(on_step=count, should_stop=lambda: steps[0] >= stop_after)
    torch.rand(5)
    second = fnn(load_state(dump_state(first.snapshot())))
    assert second.run()
    mine, its = whole.model.state_dict(), second.model.state_dict()
    assert all(torch.equal(mine[name], its[name]) for name in mine)
    assert whole.state.history == second.state.history


def test_seed_decides_the_order(data: Data) -> None:
    runs = [trainer(data, seed=seed) for seed in (0, 0, 1)]
    for run in runs:
        run.run()
    assert torch.equal(runs[0].model.weight, runs[1].model.weight)
    assert not torch.equal(runs[0].model.weight, runs[2].model.weight)


def test_best_epoch_is_kept_not_the_last(data: Data) -> None:
    """A learning rate far too high makes later epochs worse; the weights of the best one come back."""
    run = trainer(data, learning_rate=3.0, schedule="constant", epochs=6)
    run.run()
    best = min(run.state.history, key=lambda record: record.validation_loss)
    logits = predict(run.model, data[0])
    loss = torch.nn.functional.cross_entropy(logits, data[1]).item()
    assert loss == pytest.approx(best.validation_loss, rel=MEAN)


def test_the_last_epoch_can_be_kept(data: Data) -> None:
    """Also where it is the worst; and the steps are those of a training that keeps the best."""
    kept = {
        name: trainer(data, learning_rate=3.0, schedule="constant", epochs=7, keep_epoch=name)
        for name in ("best", "last")
    }
    for run in kept.values():
        run.run()
    last = kept["last"].state.history[-1]
    assert kept["last"].state.history == kept["best"].state.history
    assert last.validation_loss > min(record.validation_loss for record in kept["last"].state.history)
    loss = torch.nn.functional.cross_entropy(predict(kept["last"].model, data[0]), data[1]).item()
    assert loss == pytest.approx(last.validation_loss, rel=MEAN)


def test_patience_stops_early(data: Data) -> None:
    run = trainer(data, learning_rate=3.0, schedule="constant", epochs=200, patience=2)
    run.run()
    losses = [record.validation_loss for record in run.state.history]
    assert len(losses) < 200
    assert len(losses) - 1 - losses.index(min(losses)) == 2


def test_one_cycle_rises_and_falls(data: Data) -> None:
    run, rates = trainer(data, epochs=10), []
    run.run(on_step=lambda state: rates.append(run._optimizer.param_groups[0]["lr"]))
    top = rates.index(max(rates))
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert max(rates) == pytest.approx(0.05, rel=0.01)
    assert rates[-1] == 0


def test_divergence_is_an_error(data: Data) -> None:
    class Explodes(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = torch.nn.Parameter(torch.ones(1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1)[:, :2] * self.factor * float("inf")

    with pytest.raises(InputError, match="diverged in epoch 1"):
        Trainer(Explodes(), data, data, TrainingConfig()).run()


def test_records_count_every_image_once(data: Data) -> None:
    run = trainer(data, epochs=1, learning_rate=1e-9)
    run.run()
    record = run.state.history[0]
    assert isinstance(record, EpochRecord)
    assert record.accuracy == pytest.approx(record.validation_accuracy)
    assert record.loss == pytest.approx(record.validation_loss, rel=MEAN)


def test_predict_restores_the_mode_and_needs_no_gradient(data: Data) -> None:
    model = ConvNet(ConvNetConfig(image_shape=(1, 8, 8), num_classes=3))
    model.train()
    logits = predict(model, torch.rand(7, 1, 8, 8), batch_size=3)
    assert logits.shape == (7, 3)
    assert not logits.requires_grad
    assert model.training


def flipped(data: bytes) -> bytes:
    """One bit of a weight is another."""
    return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-3],
        lambda data: b"torn",
        lambda data: b"",
        lambda data: data.replace(b"model/", b"mudel/"),
        lambda data: data.replace(b"epoch", b"epocH"),
        lambda data: b"\xff" * 8 + data[8:],
        flipped,
    ],
)
def test_damaged_checkpoint_is_an_error(data: Data, change: Callable[[bytes], bytes]) -> None:
    run = trainer(data)
    run.run()
    with pytest.raises(InputError, match=r"cannot read the checkpoint: got .*Delete the checkpoint"):
        load_state(change(dump_state(run.snapshot())))


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": float("inf")},
        {"learning_rate": float("nan")},
        {"weight_decay": float("inf")},
        {"seed": -1},
        {"seed": 2**64},
    ],
    ids=str,
)
def test_values_that_no_training_can_use(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainingConfig.model_validate(values)


@pytest.mark.parametrize(
    "values", [{"depolarizing": float("nan")}, {"draws": 1_000_000_000}, {"draws": MAX_DRAWS + 1}], ids=str
)
def test_values_that_no_noise_can_have(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NoiseAware.model_validate(values)


@pytest.mark.parametrize("name", [*DEFENCES])
def test_a_stopped_training_goes_on_bit_for_bit(data: Data, name: str) -> None:
    """Whatever the objective draws is drawn again."""
    objective = DEFENCES[name]() if name != "noise-aware" else NoiseAware(depolarizing=0.05, shots=50, draws=2)
    whole, steps = trainer(data, objective=objective, epochs=2), []
    assert whole.run()
    first = trainer(data, objective=objective, epochs=2)
    assert not first.run(on_step=lambda state: steps.append(state), should_stop=lambda: len(steps) >= 7)
    second = trainer(data, load_state(dump_state(first.snapshot())), objective, epochs=2)
    assert second.run()
    assert torch.equal(whole.model.weight, second.model.weight)
    assert whole.state.history == second.state.history


class Halved(Objective):
    """An objective from outside: half of the logits."""

    name = "halved"

    def loss(
        self, model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logits = model(images) / 2
        return torch.nn.functional.cross_entropy(logits, labels), logits


def test_the_objective_decides_the_steps_alone(data: Data) -> None:
    run = trainer(data, objective=Halved(), epochs=1, learning_rate=1e-9)
    run.run()
    record = run.state.history[0]
    halved, whole = (torch.nn.functional.cross_entropy(predict(run.model, data[0]) / by, data[1]) for by in (2, 1))
    assert record.loss == pytest.approx(halved.item(), rel=MEAN)
    assert record.validation_loss == pytest.approx(whole.item(), rel=MEAN)


def test_a_training_too_large_for_the_memory_is_refused(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = NoiseAware(depolarizing=0.01, draws=MAX_DRAWS)
    trainer(data, objective=noise)
    monkeypatch.setattr("qaml_qiskit.memory.free_memory", lambda device="cpu": 2**17)
    trainer(data)
    with pytest.raises(ConfigurationError, match=r"cannot train the model: got .* needed"):
        trainer(data, objective=noise)


def test_a_validation_loss_that_is_nan_is_a_divergence(data: Data) -> None:
    class Silent(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = torch.nn.Parameter(torch.ones(1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1)[:, :2] * self.factor * (1.0 if self.training else torch.nan)

    with pytest.raises(InputError, match="diverged in epoch 1"):
        Trainer(Silent(), data, data, TrainingConfig()).run()


def test_a_request_takes_as_many_draws_as_a_training() -> None:
    assert TrainRequest(train_noise=0.1, train_draws=MAX_DRAWS).train_draws == MAX_DRAWS
    with pytest.raises(ConfigurationError, match=f"at most {MAX_DRAWS}"):
        TrainRequest(train_noise=0.1, train_draws=MAX_DRAWS + 1)


def test_a_frozen_model_is_not_trained(data: Data) -> None:
    with pytest.raises(ConfigurationError, match="no weight that requires a gradient"):
        Trainer(qvc().requires_grad_(False), data, data, TrainingConfig())


def test_a_checkpoint_belongs_to_one_training(data: Data) -> None:
    run = trainer(data)
    run.run()
    kept = dump_state(run.snapshot(), "mine")
    assert load_state(kept, "mine").epoch == run.state.epoch
    with pytest.raises(InputError, match="another training"):
        load_state(kept, "yours")


@pytest.mark.parametrize("part", ["model", "best", "optimizer", "history"])
def test_a_state_of_another_model_is_an_error(data: Data, part: str) -> None:
    run = trainer(data)
    run.run()
    state = run.snapshot()
    if part == "optimizer":
        state.optimizer[0]["exp_avg"] = torch.zeros(2)
    elif part == "history":
        state.history.pop()
    else:
        setattr(state, part, {"weight": torch.zeros(2)})
    with pytest.raises(InputError, match="a state of another model"):
        trainer(data, state)
