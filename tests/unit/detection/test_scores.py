"""Every detector's score for the right value: by hand, by another library, or by what it must be equal to."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA

from qaml_qiskit.certificates import certify_l2
from qaml_qiskit.detection import Evidence, evidence_of, make_detector
from tests.tolerances import CERTIFICATE, OPTIMISER, VALUE
from tests.unit.detection.watched import CLASSES, deployed, fitted, images, labels, saying

TIGHT = VALUE[torch.float64]
LOGITS = torch.tensor([[1.0, 0.5, -0.25], [0.0, 0.0, 0.0], [-1.0, 0.25, 0.75]], dtype=torch.float64)


def close(found: torch.Tensor, expected: object) -> bool:
    return torch.allclose(found, torch.as_tensor(np.asarray(expected), dtype=torch.float64), rtol=TIGHT, atol=TIGHT)


def test_detectors_of_logits_by_hand() -> None:
    temperature = 0.5
    expected: dict[str, list[float]] = {"confidence": [], "margin": [], "energy": []}
    for row in LOGITS.tolist():
        powers = [math.exp(z / temperature) for z in row]
        first, second = sorted(row, reverse=True)[:2]
        expected["confidence"].append(1 - max(powers) / sum(powers))
        expected["margin"].append(-(first - second) / temperature)
        expected["energy"].append(-math.log(sum(powers)))
    for name, scores in expected.items():
        found = make_detector(name).fit([deployed(temperature=temperature)], saying(LOGITS[:0]), labels(0))
        assert close(found.scores(saying(LOGITS)), scores)


def test_confidence_tells_images_apart_that_are_as_good_as_certain() -> None:
    found = make_detector("confidence").fit([deployed(temperature=1.0)], saying(LOGITS[:0]), labels(0))
    surer, sure = found.scores(saying(torch.tensor([[60.0, 0.0, 0.0], [50.0, 0.0, 0.0]]))).tolist()
    assert 0 < surer < sure


def test_mahalanobis_is_that_of_scipy_with_the_covariance_of_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    learned, asked = torch.randn((2, 30, CLASSES), generator=generator, dtype=torch.float64)
    found = make_detector("mahalanobis").fit([deployed()], saying(learned), labels(30))
    rows, classes = learned.numpy(), labels(30).numpy()
    means = np.stack([rows[classes == c].mean(0) for c in range(CLASSES)])
    covariance = LedoitWolf(assume_centered=True).fit(rows - means[classes]).covariance_
    distances = cdist(asked.numpy(), means, "mahalanobis", VI=np.linalg.inv(covariance))
    assert close(found.scores(saying(asked)), distances.min(1) ** 2)


def test_mahalanobis_stands_logits_without_spread() -> None:
    same = torch.eye(CLASSES, dtype=torch.float64)[labels(9)]
    found = make_detector("mahalanobis").fit([deployed()], saying(same), labels(9))
    assert torch.isfinite(found.scores(saying(LOGITS))).all()


def test_the_radius_is_the_certified_one_and_its_slope_points_away_from_the_nearest_image() -> None:
    _, found, modules = fitted("radius")
    some = images(4, seed=2).requires_grad_(True)
    scores = found.scores(evidence_of(modules, make_detector("radius"), some))
    pixels, decisions = some.detach().flatten(1).numpy(), deployed().decisions()
    said = modules[0](some).argmax(1).numpy()
    certified = certify_l2(decisions, pixels, said)
    assert torch.allclose(-scores, torch.from_numpy(certified.radius), rtol=CERTIFICATE, atol=0)
    (slope,) = torch.autograd.grad(scores.sum(), some)
    lengths = np.linalg.norm(pixels - certified.boundary, axis=1, keepdims=True)
    assert close(slope.flatten(1), -(pixels - certified.boundary) / lengths)


def test_no_image_within_the_radius_has_another_label_and_one_at_it_has() -> None:
    _, found, modules = fitted("radius")
    image = images(1, seed=2)
    radius = -float(found.scores(Evidence(image, ())))
    matrices, x = deployed().forms().matrices, image.flatten().numpy()
    own = int(modules[0](image).argmax(1))
    nearest = []
    for other in set(range(CLASSES)) - {own}:
        difference = matrices[own] - matrices[other]
        boundary = {"type": "eq", "fun": lambda y, m=difference: y @ m @ y}
        starts = [x, *(x + np.random.default_rng(i).normal(0, 0.3, len(x)) for i in range(6))]
        for start in starts:
            done = minimize(lambda y: ((y - x) ** 2).sum(), start, constraints=[boundary], tol=OPTIMISER**2)
            nearest.append(math.sqrt(done.fun) if done.success else math.inf)
    assert radius == pytest.approx(min(nearest), rel=OPTIMISER * 10)


@pytest.mark.parametrize("against", ["best", "own"])
def test_fidelity_is_that_of_density_matrices(against: str) -> None:
    detector, found, modules = fitted("fidelity", against=against)
    encoding, some = deployed().qvc.encoding, images(5, seed=2)
    learned, states = encoding.state(images(24)).numpy(), encoding.state(some).numpy()
    affinities = []
    for label in range(CLASSES):
        mine = learned[labels(24).numpy() == label]
        rho = sum(np.outer(psi, psi) for psi in mine) / len(mine)
        affinities.append(np.einsum("ni,ij,nj->n", states, rho, states) / np.trace(rho @ rho))
    said = modules[0](some).argmax(1).tolist()
    own = np.array([affinities[label][i] for i, label in enumerate(said)])
    others = [max(affinities[k][i] for k in range(CLASSES) if k != label) for i, label in enumerate(said)]
    expected = np.array(others) - own if against == "best" else 1 - own
    assert close(found.scores(evidence_of(modules, detector, some)), expected)


def test_the_affinity_is_one_on_average_over_the_images_of_a_class() -> None:
    _, found, _ = fitted("fidelity", against="own")
    states = deployed().qvc.encoding.state(images(24))
    affinities = found.affinities(states)  # type: ignore[attr-defined]
    for label in range(CLASSES):
        assert close(affinities[labels(24) == label, label].mean(), 1.0)


@pytest.mark.parametrize("kept", [0.6, 0.95, 0.99])
def test_reconstruction_is_that_of_scikit_learn(kept: float) -> None:
    detector, found, modules = fitted("reconstruction", kept=kept)
    learned, some = images(24).flatten(1).numpy(), images(5, seed=2)
    pca = PCA(kept, svd_solver="full").fit(learned)
    rows = some.flatten(1).numpy()
    lost = ((rows - pca.inverse_transform(pca.transform(rows))) ** 2).sum(1)
    assert close(found.scores(evidence_of(modules, detector, some)), lost)


def test_the_autoencoder_keeps_what_no_other_subspace_keeps_more_of() -> None:
    detector, found, modules = fitted("autoencoder", kept=0.9)
    learned = images(24)
    trash = found.scores(evidence_of(modules, detector, learned))
    rho = torch.einsum("ni,nj->ij", *[deployed().qvc.encoding.state(learned)] * 2) / 24
    values = torch.linalg.eigvalsh(rho).flip(0)
    count = int((values.cumsum(0) < 0.9).sum()) + 1
    assert close(1 - trash.mean(), values[:count].sum())
    # Ky Fan: the sum of the largest eigenvalues is the most that a subspace of that dimension keeps.
    other = torch.linalg.qr(torch.randn((len(rho), count), generator=torch.Generator().manual_seed(0)).double())[0]
    assert float((other * (rho @ other)).sum()) < float(values[:count].sum())


def test_the_autoencoder_of_amplitudes_is_a_reconstruction_of_normalised_images() -> None:
    some = images(5, seed=2)
    scores = []
    for name, settings in (("autoencoder", {}), ("reconstruction", {"centred": False, "normalised": True})):
        detector, found, modules = fitted(name, kept=0.9, **settings)
        scores.append(found.scores(evidence_of(modules, detector, some)))
    assert close(scores[0], scores[1])


def test_squeezing_is_the_largest_distance_over_the_views() -> None:
    detector, found, modules = fitted("squeezing")
    some = images(5, seed=2)
    views = detector.views(some)
    assert list(views) == ["median:3", "bits:4", "principal"]

    def said(x: torch.Tensor) -> torch.Tensor:
        return (modules[0](x) / 0.5).softmax(1)

    distances = torch.stack([(said(some) - said(view)).abs().sum(1) for view in views.values()])
    assert close(found.scores(evidence_of(modules, detector, some)), distances.amax(0).detach())
    assert list(make_detector("squeezing", kept=None).prepared(some).views(some)) == ["median:3", "bits:4"]


def test_a_stack_sums_the_logarithms_of_conformal_p_values() -> None:
    detector, found, modules = fitted("stack", members=["energy", "reconstruction"])
    learned, some = images(24), images(6, seed=2)
    expected = np.zeros(6)
    for name in ("energy", "reconstruction"):
        member = make_detector(name)
        with torch.no_grad():
            fit = member.fit([deployed()], evidence_of(modules, member, learned[::2]), labels(24)[::2])
            clean = fit.scores(evidence_of(modules, member, learned[1::2])).numpy()
            asked = fit.scores(evidence_of(modules, member, some)).numpy()
        p = [(1 + sum(c >= a for c in clean)) / (1 + len(clean)) for a in asked]
        expected -= np.log(p)
    assert close(found.scores(evidence_of(modules, detector, some)), expected)


def test_p_values_of_clean_images_are_as_small_as_a_share_no_more_often_than_that() -> None:
    """Exactly: every place of a new image among the ranked ones is as likely as any other."""
    _, found, _ = fitted("stack", members=["energy"])
    ranks = found.ranks["energy"]  # type: ignore[attr-defined]
    count = len(ranks)
    places = torch.cat([ranks[:1] - 1, (ranks[1:] + ranks[:-1]) / 2, ranks[-1:] + 1])
    # Logits of one class alone far above the others give the energy −z/T.
    logits = torch.stack([-places * 0.5, *[torch.full_like(places, -1e9)] * 2], dim=1)
    p = found.p_values("energy", saying(logits))  # type: ignore[attr-defined]
    assert close(p.sort().values, [(1 + i) / (1 + count) for i in range(count + 1)])


def test_views_of_a_stack_reach_the_member_that_asked_for_them() -> None:
    detector, found, modules = fitted("stack", members=["energy", "squeezing"])
    some = images(4, seed=2)
    views = [f"squeezing/{view}" for view in ("median:3", "bits:4", "principal")]
    assert list(detector.views(some)) == views
    alone = make_detector("squeezing").prepared(images(24)[::2])
    with torch.no_grad():
        scores = alone.fit([deployed()], evidence_of(modules, alone, images(24)[::2]), labels(12)).scores(
            evidence_of(modules, alone, some)
        )
        clean = found.ranks["squeezing"].numpy()  # type: ignore[attr-defined]
        p = [(1 + (clean >= float(score)).sum()) / (1 + len(clean)) for score in scores]
        energies = [-math.log(x) for x in found.p_values("energy", evidence_of(modules, alone, some)).tolist()]  # type: ignore[attr-defined]
    expected = [-math.log(a) + b for a, b in zip(p, energies, strict=True)]
    assert close(found.scores(evidence_of(modules, detector, some)), expected)


def test_a_stack_asks_for_as_many_models_as_its_members() -> None:
    stack = make_detector("stack", members=["energy", "disagreement"])
    with pytest.raises(Exception, match="the detector disagreement has too few models"):
        stack.check([deployed()])
