"""What every registered detector must do."""

import pickle
import re

import pytest
import torch

from qaml_qiskit.detection import DETECTORS, Evidence, evidence_of, make_detector
from qaml_qiskit.errors import ConfigurationError, InputError
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE
from tests.unit.detection.watched import deployed, fitted, images, labels, network

#: Slopes of rounding are made up; a filter is differentiated without it.
SMOOTH = {
    "squeezing": {"filters": ["median:2", "median:3"]},
    "stack": {"members": ["energy", "fidelity", "radius", "disagreement"]},
}
LEARNING = [name for name in DETECTORS if DETECTORS[name].learns]


@pytest.mark.parametrize("name", list(DETECTORS))
def test_scores_are_a_number_an_image_whatever_the_batch(name: str) -> None:
    detector, found, modules = fitted(name)
    some = images(6, seed=2)
    with torch.no_grad():
        together = found.scores(evidence_of(modules, detector, some))
        alone = torch.cat([found.scores(evidence_of(modules, detector, some[[i]])) for i in range(6)])
    assert together.shape == (6,)
    assert together.dtype == torch.float64
    assert torch.isfinite(together).all()
    assert torch.allclose(together, alone)


@pytest.mark.parametrize("name", list(DETECTORS))
def test_the_surrogate_has_the_slope_of_central_differences(name: str) -> None:
    detector, found, modules = fitted(name, **SMOOTH.get(name, {}))
    some = images(5, seed=3)
    way = torch.randn(some.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)

    def surrogate(at: torch.Tensor) -> torch.Tensor:
        return found.surrogate(evidence_of(modules, detector, at))

    at = some.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(surrogate(at).sum(), at)
    with torch.no_grad():
        difference = surrogate(some + DIFFERENCE_STEP * way) - surrogate(some - DIFFERENCE_STEP * way)
    size = max(1.0, float(slope.abs().max()))
    assert torch.allclose(
        (slope * way).flatten(1).sum(1), difference / (2 * DIFFERENCE_STEP), rtol=0, atol=FINITE_DIFFERENCE * size * 10
    )


@pytest.mark.parametrize("name", list(DETECTORS))
def test_a_detector_travels_to_a_worker(name: str) -> None:
    detector, found, modules = fitted(name)
    again, found_again = pickle.loads(pickle.dumps((detector, found)))
    some = images(4, seed=2)
    assert type(detector)(**detector.model_dump()).model_dump() == detector.model_dump()
    with torch.no_grad():
        expected = found.scores(evidence_of(modules, detector, some))
        assert torch.equal(found_again.scores(evidence_of(modules, again, some)), expected)


@pytest.mark.parametrize("name", LEARNING)
def test_one_image_is_too_few_to_learn_from(name: str) -> None:
    detector = make_detector(name)
    one = images(1)
    with pytest.raises(InputError, match=r"cannot learn from so few validation images: got 1 .*--validation"):
        detector.prepared(one).fit([deployed()], Evidence(one, (torch.zeros(1, 3),)), labels(1))


@pytest.mark.parametrize("name", ["mahalanobis", "fidelity"])
def test_every_class_is_needed_where_classes_are_learned(name: str) -> None:
    some = images(4)
    with pytest.raises(InputError, match="got 4 validation images, none of class 2"):
        make_detector(name).fit([deployed()], Evidence(some, (torch.zeros(4, 3),)), torch.tensor([0, 1, 0, 1]))


@pytest.mark.parametrize("name", ["radius", "fidelity", "autoencoder"])
def test_what_needs_a_circuit_refuses_a_network(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"n has no quantum circuit|quadratic"):
        make_detector(name).check([network()])


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("squeezing", {"filters": ["median:1"]}, "median:1 is no filter: got median:1; expected median:SIZE"),
        ("squeezing", {"filters": ["blur:3"]}, "blur:3 is no filter"),
        ("squeezing", {"filters": ["bits"]}, "bits is no filter"),
        ("squeezing", {"filters": []}, "the detector squeezing cannot have these parameters"),
        ("reconstruction", {"kept": 1.0}, "got kept=1.0"),
        ("stack", {"members": ["energy", "stack"]}, "these detectors do not make a stack"),
        ("stack", {"members": ["energy", "energy"]}, "these detectors do not make a stack"),
        ("stack", {"members": ["enrgy"]}, "the detector stack cannot have these parameters"),
        ("fidelity", {"against": "all"}, "got against='all'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(name: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        make_detector(name, **settings)
