"""The estimator of scikit-learn."""

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import QVCClassifier, QVCConfig, TrainingConfig, predict

#: Checks of scikit-learn that do not hold, each with the reason; there is none.
EXPECTED_FAILURES: dict[str, str] = {}
SMALL: dict[str, Any] = {"num_layers": 2, "epochs": 15, "random_state": 0}
#: Most checks only need that something is fitted.
FITTED: dict[str, Any] = {"num_layers": 1, "epochs": 1, "random_state": 0}


@pytest.fixture(scope="module")
def iris() -> tuple[np.ndarray, np.ndarray]:
    rows, labels = load_iris(return_X_y=True)
    return rows, np.array(["setosa", "versicolor", "virginica"])[labels]


@pytest.mark.parametrize(
    ("estimator", "check"),
    [*estimator_checks_generator(QVCClassifier(**FITTED), expected_failed_checks=EXPECTED_FAILURES, mark="xfail")],
    ids=lambda each: getattr(getattr(each, "func", None), "__name__", ""),
)
def test_scikit_learn_takes_it_for_an_estimator(estimator: QVCClassifier, check: Any) -> None:
    learns = check.func.__name__ == "check_classifiers_train"
    check(QVCClassifier(**SMALL) if learns else estimator)


def test_parameters_are_those_of_the_model_and_its_training() -> None:
    parameters = QVCClassifier().get_params()
    own = {"kind", "image_shape", "num_classes", "seed", "num_layers", "learning_rate"}
    for kind in (QVCConfig, TrainingConfig):
        for name, field in kind.model_fields.items():
            assert name in own or parameters[name] == field.default, name
    fields = {*QVCConfig.model_fields, *TrainingConfig.model_fields}
    assert set(parameters) - fields == {"validation", "objective", "random_state"}


def test_it_learns_tables_and_says_what_it_knows(iris: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = iris
    classifier = QVCClassifier(num_layers=3, epochs=20, random_state=1).fit(rows, labels)
    assert classifier.score(rows, labels) > 0.9
    assert classifier.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert classifier.n_features_in_ == 4
    shares = classifier.predict_proba(rows)
    np.testing.assert_allclose(shares.sum(1), 1)
    assert (classifier.classes_[shares.argmax(1)] == classifier.predict(rows)).all()
    assert classifier.temperature_.images == 15
    np.testing.assert_allclose(shares, classifier.temperature_.probabilities(classifier.decision_function(rows)))
    assert classifier.decision_function(rows).shape == (150, 3)


@pytest.mark.parametrize("few", [False, True])
def test_without_images_set_aside_there_are_no_probabilities(iris: tuple[np.ndarray, np.ndarray], few: bool) -> None:
    rows, labels = (each[::20] for each in iris) if few else iris
    classifier = QVCClassifier(**FITTED | ({} if few else {"validation": 0})).fit(rows, labels)
    assert classifier.temperature_ is None
    assert len(classifier.predict(rows)) == len(rows)
    with pytest.raises(ValueError, match=r"no probabilities.*set no images aside.*validation above 0"):
        classifier.predict_proba(rows)


def test_the_length_of_a_row_counts() -> None:
    """Rows in one direction, which an amplitude encoding alone cannot tell apart."""
    lengths = np.random.default_rng(0).uniform(0, 1, 120)
    rows, labels = np.outer(lengths, [1.0, 2.0]), lengths > 0.5
    assert QVCClassifier(num_layers=3, epochs=40, random_state=0).fit(rows, labels).score(rows, labels) > 0.9


def test_the_model_is_a_qvc_on_the_scaled_rows(iris: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = iris
    classifier = QVCClassifier(**FITTED).fit(rows, labels)
    assert classifier.config_.image_shape == (1, 1, 5)
    scaled = MinMaxScaler().fit_transform(rows)
    images = torch.from_numpy(np.hstack([scaled, np.ones((150, 1))]).astype(np.float32)).reshape(150, 1, 1, 5)
    expected = predict(classifier.model_, images).double().numpy()
    np.testing.assert_array_equal(classifier.decision_function(rows), expected)


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8)])
def test_images_are_taken_as_they_are(shape: tuple[int, ...]) -> None:
    data = load_dataset("digits", classes=(0, 1)).train.take(range(60))
    images = data.images.reshape(60, *shape)
    classifier = QVCClassifier(**SMALL).fit(images, data.labels)
    assert classifier.config_.image_shape == (1, 8, 8)
    assert classifier.scaler_ is None
    assert classifier.score(images, data.labels) >= 0.9
    assert classifier.n_features_in_ == 64
    np.testing.assert_array_equal(classifier.predict(torch.from_numpy(images)), classifier.predict(images))
    with pytest.raises(ValueError, match="expected finite pixels"):
        classifier.predict(2 * images)
    with pytest.raises(ValueError, match="do not fit the model"):
        classifier.predict(images[..., :4])


def test_it_works_in_a_search_and_a_pipeline(iris: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = iris
    line = make_pipeline(FunctionTransformer(np.log1p), QVCClassifier(epochs=2, random_state=0))
    search = GridSearchCV(line, {"qvcclassifier__num_layers": [1, 3]}, cv=2, error_score="raise").fit(rows, labels)
    assert search.best_params_["qvcclassifier__num_layers"] in (1, 3)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_copies_and_pickles_say_the_same(iris: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = iris
    classifier = QVCClassifier(**FITTED).fit(rows, labels)
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.decision_function(rows), classifier.decision_function(rows))
    fresh = clone(classifier)
    with pytest.raises(NotFittedError):
        fresh.predict(rows)
    np.testing.assert_array_equal(fresh.fit(rows, labels).predict_proba(rows), classifier.predict_proba(rows))


@pytest.mark.parametrize(
    ("parameters", "labels", "words"),
    [
        ({}, np.zeros(20), "one class"),
        ({"encoding": "nowhere"}, None, "encoding"),
        ({"readout": "single"}, np.arange(20) % 3, "class"),
        ({"epochs": 0}, None, "epochs does not fit: got 0; expected at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(parameters: dict[str, Any], labels: np.ndarray | None, words: str) -> None:
    rows = np.random.default_rng(0).uniform(size=(20, 3))
    labels = np.arange(20) % 2 if labels is None else labels
    with pytest.raises(ValueError, match=words) as error:
        QVCClassifier(**{**SMALL, **parameters}).fit(rows, labels)
    assert isinstance(error.value, InputError)
    assert "; expected " in str(error.value)
