"""A QVC as an estimator of scikit-learn."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, validate_data
from torch import Tensor

from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.confidence import Temperature, fit_temperature
from qaml_qiskit.datasets import check_images
from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.formats import first_problem
from qaml_qiskit.models.objective import Objective
from qaml_qiskit.models.qvc import QVC
from qaml_qiskit.models.qvc_config import QVCConfig
from qaml_qiskit.models.scale import circuit_rate
from qaml_qiskit.models.training import Trainer, predict
from qaml_qiskit.models.training_state import TrainingConfig

#: With fewer images none are set aside.
_FEWEST_TO_HOLD_OUT = 10


class EstimatorError(InputError, ValueError):
    """What scikit-learn expects to be a ValueError, in four beats."""


class QVCClassifier(ClassifierMixin, BaseEstimator):
    """A QVC with ``fit`` and ``predict``, for ``Pipeline``, ``GridSearchCV`` and whatever else takes a classifier.

    Rows of a table, shape (N, D), are scaled to [0, 1], column by column, by what the training rows span; values beyond
    are clipped. A pixel of 1 stands behind the columns, since an amplitude encoding keeps directions and no lengths.
    Images, shape (N, H, W) or (N, C, H, W), are taken as they are, in [0, 1]. Labels may be anything.

    The parameters are those of :class:`QVCConfig` and :class:`TrainingConfig`, where they are described, and:

    Args:
        learning_rate: None for what suits the number of layers.
        validation: share of the images that are set aside, class by class, to choose the epoch; with fewer than ten
            images, or a class with one, the training images themselves choose it.
        objective: what the training makes small; None for the cross-entropy.
        random_state: of the first weights, the validation images and the order of the images.

    Attributes:
        classes_: the labels, in the order of the logits.
        n_features_in_: columns, or pixels of an image.
        config_: what was trained.
        model_: the trained QVC.
        scaler_: of a table, what scales its columns; None for images.
        history_: the learning curve.
        temperature_: of the probabilities, fitted to the images that were set aside; None where none were.
    """

    def __init__(
        self,
        num_layers: int = 12,
        ansatz: str = "ladder",
        circuit: Any = None,
        readout: str = "qubits",
        observables: tuple[str, ...] = (),
        encoding: str = "multiplexed",
        encoding_layers: int | None = None,
        pixel_order: str = "flat",
        logit_scale: float = 20.0,
        init_std: float = 1.0,
        noise_layers: NoiseLayers | None = None,
        filter: str | None = None,
        epochs: int = 20,
        batch_size: int = 64,
        learning_rate: float | None = None,
        schedule: str = "one-cycle",
        weight_decay: float = 0.0,
        patience: int | None = None,
        keep_epoch: str = "best",
        validation: float = 0.1,
        objective: Objective | None = None,
        random_state: Any = None,
    ) -> None:
        self.num_layers = num_layers
        self.ansatz = ansatz
        self.circuit = circuit
        self.readout = readout
        self.observables = observables
        self.encoding = encoding
        self.encoding_layers = encoding_layers
        self.pixel_order = pixel_order
        self.logit_scale = logit_scale
        self.init_std = init_std
        self.noise_layers = noise_layers
        self.filter = filter
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.patience = patience
        self.keep_epoch = keep_epoch
        self.validation = validation
        self.objective = objective
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train.

        Args:
            X: a table (N, D), or images (N, H, W) or (N, C, H, W) in [0, 1].
            y: labels (N,).

        Raises:
            ValueError: data that cannot be learned from; as an EstimatorError, parameters that do not fit.
        """
        X, y = self._checked(X, y, first=True)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise EstimatorError(
                "cannot train a classifier",
                got=f"one class, {self.classes_[0]}",
                expected="labels of two classes at least",
                remedy="give examples of another class",
            )
        self._is_table = X.ndim == 2
        self.scaler_ = MinMaxScaler(clip=True).fit(X) if self._is_table else None
        seed = _seed(self.random_state)
        with _told_as_value_errors():
            self.config_ = self._config(X)
            settings = self._training(seed)
            images, numbers = self._images(X), torch.from_numpy(labels.astype(np.int64))
            train, held_out = self._parts(labels, seed)
            model = QVC(self.config_, seed)
            trainer = Trainer(
                model,
                (images[train], numbers[train]),
                (images[held_out], numbers[held_out]),
                settings,
                objective=self.objective,
            )
            trainer.run()
            self.model_ = model.eval()
            chosen = None if held_out is train else (images[held_out], labels[held_out])
            self.temperature_ = None if chosen is None else _temperature(self.model_, *chosen)
        self.history_ = list(trainer.state.history)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Logits, shape (N, m); of two classes the second one's lead, shape (N,)."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the labels, shape (N, m): the softmax of the logits at ``temperature_``.

        Raises:
            ValueError: as an EstimatorError, no images were set aside, to which a temperature can be fitted.
        """
        logits = self._logits(X)
        if self.temperature_ is None:
            raise EstimatorError(
                "there are no probabilities of this classifier",
                got="a training that set no images aside, or whose logits are no numbers",
                expected=f"at least {_FEWEST_TO_HOLD_OUT} images, two of every class, and validation above 0",
                remedy="fit to more images, or use decision_function, whose scale means nothing",
            )
        return self.temperature_.probabilities(logits)

    def predict(self, X: Any) -> NDArray[Any]:
        """The labels with the highest logits, shape (N,)."""
        said = self._logits(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[said]
        return labels

    # What is learned from

    def _checked(self, X: Any, y: Any = None, *, first: bool = False) -> tuple[Any, Any]:
        """Rows and labels as arrays; the first time, the number of columns is kept."""
        if isinstance(X, Tensor):
            X = X.detach().cpu().numpy()
        how: dict[str, Any] = {"dtype": np.float64, "allow_nd": True}
        if first:
            found = validate_data(self, X, y, reset=True, **how)
        else:
            # Of images it would compare the channels or rows with the number of pixels.
            found = validate_data(self, X, reset=False, **how) if self._is_table else check_array(X, **how)
        rows, labels = found if first else (found, None)
        if rows.ndim > 2:
            with _told_as_value_errors():
                rows = check_images(rows[:, None] if rows.ndim == 3 else rows)
            if first:
                self.n_features_in_ = int(np.prod(rows.shape[1:]))
        return rows, labels

    def _images(self, X: NDArray[Any]) -> Tensor:
        """Shape (N, C, H, W), single precision, in [0, 1]."""
        if self.scaler_ is None:
            return torch.from_numpy(X.astype(np.float32))
        scaled = np.zeros((len(X), int(np.prod(self.config_.image_shape))), dtype=np.float32)
        scaled[:, : X.shape[1]] = self.scaler_.transform(X)
        scaled[:, X.shape[1]] = 1
        return torch.from_numpy(scaled).reshape(-1, *self.config_.image_shape)

    def _config(self, X: NDArray[Any]) -> QVCConfig:
        """What to train: for a table in the smallest frame with room for its columns and qubits for its classes."""
        classes = len(self.classes_)
        if not self._is_table:
            return self._config_of(X.shape[1:])
        least = X.shape[1] + 1
        refusal: QamlError | None = None
        # A qubit a pixel, or a qubit for every power of two of pixels.
        for pixels in sorted({least, max(least, classes), max(least, 2 ** min(classes - 1, 20) + 1)}):
            try:
                return self._config_of((1, 1, pixels))
            except ConfigurationError as error:
                refusal = refusal or error
        raise refusal or AssertionError("there is at least one frame")

    def _config_of(self, shape: tuple[int, ...]) -> QVCConfig:
        names = set(self.get_params(deep=False)) & set(QVCConfig.model_fields)
        values = {name: getattr(self, name) for name in names}
        if self.circuit is not None:
            # It says itself how many layers it has.
            values = {name: value for name, value in values.items() if name not in ("num_layers", "ansatz")}
        return QVCConfig(image_shape=shape, num_classes=len(self.classes_), **values)

    def _training(self, seed: int) -> TrainingConfig:
        names = set(self.get_params(deep=False)) & set(TrainingConfig.model_fields)
        values = {name: getattr(self, name) for name in names}
        if self.learning_rate is None:
            values["learning_rate"] = circuit_rate(self.config_.num_layers)
        return TrainingConfig(seed=seed, **values)

    def _parts(self, labels: NDArray[np.intp], seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which images are trained on, and which choose the epoch."""
        if not isinstance(self.validation, int | float) or not 0 <= self.validation < 1:
            raise EstimatorError(
                "validation does not fit",
                got=repr(self.validation),
                expected="a number from 0 to below 1",
                remedy="choose for example 0.1",
            )
        everything, counts = np.arange(len(labels)), np.bincount(labels)
        if len(labels) < _FEWEST_TO_HOLD_OUT or counts.min() < 2 or not self.validation:
            return everything, everything
        count = max(len(counts), round(self.validation * len(labels)))
        train, held_out = train_test_split(everything, test_size=count, random_state=seed, stratify=labels)
        return np.sort(train), np.sort(held_out)

    def _logits(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self, "model_")
        X, _ = self._checked(X)
        if (X.ndim == 2) != self._is_table or (not self._is_table and X.shape[1:] != self.config_.image_shape):
            raise EstimatorError(
                "the images do not fit the model",
                got=f"shape {X.shape}",
                expected=f"a table (N, {self.n_features_in_})"
                if self._is_table
                else f"(N, {self.config_.image_shape})",
                remedy="give what the classifier was trained on",
            )
        with _told_as_value_errors():
            logits: NDArray[np.float64] = predict(self.model_, self._images(X)).double().numpy()
        return logits

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _temperature(model: QVC, images: Tensor, labels: NDArray[np.intp]) -> Temperature | None:
    """By images that were set aside; None where the model says no numbers of them."""
    logits = predict(model, images).numpy()
    return fit_temperature(logits, labels) if np.isfinite(logits).all() else None


def _seed(state: Any) -> int:
    """A number from whatever scikit-learn takes for a state; a whole number is itself."""
    return int(state) if isinstance(state, int | np.integer) else int(check_random_state(state).randint(2**31 - 1))


@contextmanager
def _told_as_value_errors() -> Iterator[None]:
    try:
        yield
    except EstimatorError:
        raise
    except ValidationError as error:
        detail, expected = first_problem(error)
        name = ".".join(map(str, detail["loc"])) or "the parameters"
        raise EstimatorError(
            f"{name} does not fit", got=repr(detail["input"]), expected=expected, remedy=f"correct {name}"
        ) from error
    except QamlError as error:
        raise EstimatorError(error.what, got=error.got, expected=error.expected, remedy=error.remedy) from error
