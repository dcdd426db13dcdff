"""Training that can be stopped at any step and resumed to the same weights, bit for bit."""

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from qaml_qiskit.attacks.randomness import RandomStream
from qaml_qiskit.batches import as_tensor, check_not_empty, floating, label_batch, read_examples
from qaml_qiskit.compute import can_look_at, trusting
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.freezing import evaluating
from qaml_qiskit.memory import check_memory
from qaml_qiskit.models.epoch_sums import EpochSums
from qaml_qiskit.models.objective import Clean, Objective
from qaml_qiskit.models.training_state import EpochRecord, TrainingConfig, TrainingState
from qaml_qiskit.seeds import derived_seed

Images = Tensor
Labels = Tensor
Examples = tuple[Images, Labels] | DataLoader[Any] | TorchDataset[Any]


class Trainer:
    """Trains one model.

    The order of the images depends on the seed and the epoch alone and the learning rate on the step alone, so a
    state taken between any two steps continues exactly where it was.

    Args:
        model: maps images to logits; trained in place.
        train: images (N, C, H, W) and labels (N,); or a ``DataLoader``, or torch's ``Dataset``, of pairs of them, which
            is read once, see :func:`qaml_qiskit.batches.read_examples`.
        validation: the same for the images that choose the best epoch; never the test set.
        config: how to train.
        state: continue from here.
        objective: what every step makes small. Validation is always the cross-entropy: of the images as they are, or as
            the objective changes them.

    Raises:
        InputError: no module, no objective, no image, images that are not floating-point or that the model refuses, or
            labels that are not one class of the model's for every image.
        ConfigurationError: the training does not fit into the memory, no weight of the model is to be trained, or the
            objective does not fit the model.
    """

    def __init__(
        self,
        model: nn.Module,
        train: Examples,
        validation: Examples,
        config: TrainingConfig,
        state: TrainingState | None = None,
        objective: Objective | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise InputError(
                "cannot train the model",
                got=f"a {type(model).__name__}",
                expected="a module of torch",
                remedy="give the model itself, such as QVC(config)",
            )
        if not isinstance(objective, Objective | None):
            given = (
                f"the class {objective.__name__}" if isinstance(objective, type) else f"a {type(objective).__name__}"
            )
            raise InputError(
                "this is no objective of a training",
                got=given,
                expected="an Objective with its settings, or None for the cross-entropy",
                remedy="give for example qaml_qiskit.defences.Adversarial(adversary_eps=0.1)",
            )
        self.model, self.config, self.objective = model, config, objective or Clean()
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise ConfigurationError(
                "cannot train the model",
                got="no weight that requires a gradient",
                expected="at least one",
                remedy="thaw it with model.requires_grad_()",
            )
        self.objective.check(model)
        self.train, self.validation = (_examples(model, part) for part in (train, validation))
        self.state = state or TrainingState()
        self._sums = EpochSums(self.state, self.train[0].device)
        self._check_memory()
        self._optimizer = torch.optim.Adam(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        if self.state.model:
            self._take_up()

    def _take_up(self) -> None:
        """Go on from the state, which has to be one of this model and configuration."""
        state, own = self.state, _shapes(self.model.state_dict())
        parameters = [parameter.shape for parameter in self.model.parameters()]
        moments = {i: {n: t.shape for n, t in each.items() if n != "step"} for i, each in state.optimizer.items()}
        fits = _shapes(state.model) == own and _shapes(state.best) in ({}, own)
        fits &= all(i < len(parameters) and set(each.values()) == {parameters[i]} for i, each in moments.items())
        fits &= len(state.history) == state.epoch <= self.config.epochs and state.step <= self.steps_per_epoch
        if not fits or (state.epoch and not state.best):
            raise InputError(
                "cannot continue the training",
                got="a state of another model or another configuration",
                expected="a state that a trainer of this model and configuration gave",
                remedy="train from the start",
            )
        self.model.load_state_dict(state.model)
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state.optimizer, "param_groups": groups})

    def _check_memory(self) -> None:
        """Weights have a gradient and two moments of Adam's; the objective may take more."""
        needed = 3 * sum(parameter.nbytes for parameter in self.model.parameters())
        needed += self.objective.memory(self.model, min(self.config.batch_size, len(self.train[1])))
        check_memory("cannot train the model", needed, remedy="use a smaller model, smaller batches or fewer draws")

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch. Their sizes differ by at most one image, so no batch is left with a single one."""
        return math.ceil(len(self.train[1]) / self.config.batch_size)

    @property
    def finished(self) -> bool:
        """Whether every epoch is done or the validation loss has stopped falling."""
        if self.state.epoch >= self.config.epochs:
            return True
        history, patience = self.state.history, self.config.patience
        if patience is None or not history:
            return False
        return len(history) - 1 - _best_epoch(history) >= patience

    def run(
        self,
        *,
        on_step: Callable[[TrainingState], None] = lambda state: None,
        on_epoch: Callable[[EpochRecord], None] = lambda record: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train until finished or told to stop.

        Args:
            on_step: called after every step with the running state (its tensors are not filled in).
            on_epoch: called after every epoch.
            should_stop: asked between steps; True leaves the state ready for :meth:`snapshot`.

        Returns:
            Whether training is finished. If so the model holds the weights of the epoch that is kept.

        Raises:
            InputError: the loss became NaN or infinite.
        """
        while not self.finished:
            batches = self._batches()
            while self.state.step < self.steps_per_epoch:
                if should_stop():
                    return False
                self._step(batches[self.state.step])
                on_step(self.state)
            on_epoch(self._close_epoch())
        self.model.load_state_dict(self.state.best)
        return True

    def snapshot(self) -> TrainingState:
        """The state with copies of the weights and of the optimiser's moments."""
        self._settle()
        self.state.model = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        self.state.optimizer = self._optimizer.state_dict()["state"]
        return self.state

    def _batches(self) -> tuple[Tensor, ...]:
        """The indices of every batch of the current epoch."""
        generator = torch.Generator().manual_seed(derived_seed(self.config.seed, self.state.epoch))
        order = torch.randperm(len(self.train[1]), generator=generator).to(self.train[0].device)
        return order.tensor_split(self.steps_per_epoch)

    def _step(self, batch: Tensor) -> None:
        state = self.state
        images, labels = self.train[0][batch], self.train[1][batch]
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate()
        self.model.train()
        self._optimizer.zero_grad()
        seed = self._seed()
        # What modules and attacks draw from torch's global numbers is drawn again where a step is done again.
        with RandomStream(seed, images.device).entered(), trusting():
            loss, logits = self.objective.loss(self.model, images, labels, torch.Generator().manual_seed(seed))
            if can_look_at(loss) and not bool(torch.isfinite(loss)):
                raise _diverged(state, loss.item())
            loss.backward()
        self._optimizer.step()
        state.step += 1
        self._sums.add(loss.detach(), (logits.argmax(1) == labels).sum(), len(labels))
        if self._sums.is_due:
            self._settle()

    def _settle(self) -> None:
        """Bring the state's sums up to date."""
        if not math.isfinite(loss := self._sums.settle()):
            self._check_images()
            raise _diverged(self.state, loss)

    def _check_images(self) -> None:
        """Raise InputError for an image that the model refuses: a device was not asked about it in a step."""
        model = copy.deepcopy(self.model)
        for parameter in model.parameters():
            nn.init.zeros_(parameter)  # those of the model are not finite any more
        predict(model, self.train[0])

    def _seed(self) -> int:
        """Of what is random in a step; it depends on the training's seed and the step alone."""
        return derived_seed(self.config.seed, self.state.epoch * self.steps_per_epoch + self.state.step)

    def _learning_rate(self) -> float:
        config = self.config
        if config.schedule == "constant":
            return config.learning_rate
        total = config.epochs * self.steps_per_epoch
        position = (self.state.epoch * self.steps_per_epoch + self.state.step + 1) / total
        warm_up = 0.3
        if position < warm_up:
            return config.learning_rate * position / warm_up
        return config.learning_rate * (1 + math.cos(math.pi * (position - warm_up) / (1 - warm_up))) / 2

    def _close_epoch(self) -> EpochRecord:
        self._settle()
        state = self.state
        images, labels = self.validation
        loss, accuracy = self._judged(images)
        with evaluating(self.model):
            changed = self.objective.validated(self.model, images, labels)
        trained = state.loss_sum / state.seen, state.correct / state.seen
        robust = (None, None) if changed is None else self._judged(changed)
        record = EpochRecord(state.epoch + 1, *trained, loss, accuracy, *robust)
        state.history.append(record)
        if self.config.keep_epoch == "last" or _best_epoch(state.history) == len(state.history) - 1:
            state.best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        state.epoch, state.step, state.seen, state.loss_sum, state.correct = state.epoch + 1, 0, 0, 0.0, 0
        return record

    def _judged(self, images: Images) -> tuple[float, float]:
        """Loss and accuracy on validation images."""
        labels, logits = self.validation[1], predict(self.model, images)
        loss = nn.functional.cross_entropy(logits, labels).item()
        if math.isnan(loss):
            raise _diverged(self.state, loss)
        return loss, (logits.argmax(1) == labels).double().mean().item()


def predict(model: nn.Module, images: Images, batch_size: int = 500) -> Tensor:
    """Logits of a model for any number of images, shape (N, m), without gradients, in evaluation mode.

    Args:
        model: maps images to logits; afterwards each of its modules is in its own mode again.
        images: as the model takes them, N of them, a tensor or an array; N may be 0.
        batch_size: images at a time.

    Raises:
        InputError: images that the model refuses.
    """
    images = as_tensor(images, "the images")
    with evaluating(model), torch.no_grad():
        return torch.cat([model(part) for part in images.split(batch_size)])


def _examples(model: nn.Module, part: Examples) -> tuple[Images, Labels]:
    """Images and labels as training uses them."""
    if isinstance(part, DataLoader | TorchDataset):
        part = read_examples(part)
    if not isinstance(part, tuple | list) or len(part) != 2:
        raise InputError(
            "these are no examples",
            got=f"a {type(part).__name__}",
            expected="a pair of images and labels, a DataLoader, or a data set of torch",
            remedy="give (data.train.images, data.train.labels)",
        )
    images, labels = part
    images = floating(as_tensor(images, "the images"))
    check_not_empty(images, "train")
    return images, label_batch(labels, images, predict(model, images[:1]).shape[1])


def _diverged(state: TrainingState, loss: float) -> InputError:
    return InputError(
        f"training diverged in epoch {state.epoch + 1}",
        got=f"a loss of {loss}",
        expected="a finite loss",
        remedy="lower the learning rate",
    )


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _best_epoch(history: list[EpochRecord]) -> int:
    return min(range(len(history)), key=lambda i: history[i].deciding_loss)
