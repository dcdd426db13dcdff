"""Images that models did not learn from and that are not in their test: for whatever is fitted to predictions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from qaml_qiskit.artifacts import digest
from qaml_qiskit.confidence import Temperature, fit_temperature
from qaml_qiskit.datasets import HeldOut, is_here, load_split
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.conditions import VALIDATION_ON_TARGET, Ideal
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.images import Batch, check_alike, check_readable, load_batch
from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.models import DataCard, ModelCard
from qaml_qiskit.models.store import UNNAMED_DATA
from qaml_qiskit.progress import Progress

#: Images that give a temperature to a few per cent.
_ENOUGH = 1000


def load_validation(
    source: str | None,
    deployments: Sequence[Deployment],
    data_dir: Path | None = None,
    *,
    seed: int = 0,
    most: int | None = None,
    test: Batch | None = None,
) -> Batch:
    """Images that none of these models learned from: what all of their trainings set aside.

    Args:
        source: a number, of those; a file, as for :func:`.load_batch`; None for as many as ``most`` says.
        deployments: at least one. Networks of the user's are taken to have learned from none of these.
        data_dir: where the data sets are.
        seed: of the choice, where not all are taken; the images are drawn at random.
        most: how many at most; None for all, or :data:`.VALIDATION_ON_TARGET` where a deployment is on a target.
        test: images that will be judged, which these must not be; None where there are none.

    Returns:
        The images; their indices are places in the training part, or in the file.

    Raises:
        ConfigurationError: the models were trained for different data, nobody knows what they set aside, or they set
            aside nothing that all of them did, or fewer images than asked for.
        InputError: a file that does not fit, or that holds the images of the test.
    """
    check_alike(deployments)
    if source is not None and not source.isdecimal():
        found = load_batch(source, deployments, data_dir)
        _check_apart(found, test)
        return found
    choices = [choice for each in deployments if (choice := _held_out(each)) is not None]
    if not choices:
        raise refusals.needs_validation(deployments[0].name, "a network, or a model without a record of its training")
    data = deployments[0].card.data
    images, labels, places = _set_aside(data, choices, data_dir)
    if most is None:
        most = VALIDATION_ON_TARGET if any(each.kind == "device" for each in deployments) else len(labels)
    count = min(most, len(labels)) if source is None else int(source)
    if not 1 <= count <= len(labels):
        names = ", ".join(dict.fromkeys(each.model_name for each in deployments))
        raise ConfigurationError(
            "there are not enough validation images",
            got=f"a request for {count} of {names}" if len(labels) else f"none that {names} all set aside",
            expected=f"at most {len(labels)}" if len(labels) else "models whose trainings set the same images aside",
            remedy="ask for fewer, give --validation FILE, or train with one --validation-seed",
        )
    rows = np.sort(np.random.default_rng(seed).permutation(len(labels))[:count])
    check_readable(deployments, images[rows])
    return Batch(images, labels, places, f"{count} of validation").at(rows)


def load_learned(
    deployment: Deployment, count: int, data_dir: Path | None = None, *, seed: int = 0
) -> tuple[torch.Tensor, int]:
    """Some of the images that a model learned from, drawn at random, and how many these were in all.

    Args:
        deployment: of a model that `qaml train` made.
        count: of all where it has fewer.
        data_dir: where the data sets are.
        seed: of the choice.

    Raises:
        ConfigurationError: nobody knows what it learned from.
    """
    choice, data = _held_out(deployment), deployment.card.data
    if choice is None:
        raise refusals.needs_validation(deployment.name, "a network, which has no record of its training")
    split = load_split(data.dataset, data.classes, data.source, data.preparation, data_dir)
    learned, _ = choice.parts(split)
    rows = np.sort(np.random.default_rng(seed).permutation(len(learned))[:count])
    return torch.from_numpy(learned.images[rows]), len(learned)


def halves(batch: Batch, seed: int) -> tuple[Batch, Batch]:
    """Validation images in two, drawn at random: what something is learned from, and what is fitted behind it."""
    first, second = halved(len(batch), seed)
    return batch.at(first), batch.at(second)


def halved(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of :func:`halves` of so many images, each part in order."""
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[: count // 2]), np.sort(order[count // 2 :])


def fitted_temperature(deployment: Deployment, validation: Batch, progress: Progress | None = None) -> Temperature:
    """The temperature of a deployment under its own condition.

    Args:
        deployment: whose logits with endless shots it is fitted to.
        validation: images that it did not learn from.
        progress: told about them where they take long.
    """
    found = fit_temperature(deployment.logits(validation.images, progress).numpy(), validation.labels)
    return found.model_copy(update={"condition": str(deployment.condition)})


def known_temperature(
    deployment: Deployment, data_dir: Path | None = None, progress: Progress | None = None
) -> Temperature | None:
    """What makes probabilities of a deployment's logits, or of its model's, where anybody can say.

    That of the deployment or the card; of a model of a version that wrote none, one that is fitted now, to ideal logits
    of images that its training set aside, where these are on this machine. None where nobody knows.

    Args:
        deployment: whose it is.
        data_dir: where the data sets are.
        progress: told about the images where they take long.
    """
    if deployment.has_temperature:
        return deployment.temperature
    data = deployment.card.data
    try:
        if _held_out(deployment) is None or (data.source is None and not is_here(data.dataset, data_dir)):
            return None
        validation = load_validation(None, [deployment], data_dir, most=_ENOUGH)
        ideal = deployment.expected.at(Ideal(rule=deployment.expected.condition.rule))
        return fitted_temperature(ideal, validation, progress)
    except QamlError:
        # A run that needs no probabilities goes without.
        return None


def _check_apart(validation: Batch, test: Batch | None) -> None:
    """Refuse to judge what is fitted by the images that it is fitted to."""
    if test is not None and len(test) == len(validation) and digest(test.images) == digest(validation.images):
        raise InputError(
            "nothing can be judged by the images that it is fitted to",
            got=f"the same {len(test)} images as --images and as --validation",
            expected="validation images that are not among those of the test",
            remedy="give other images as one of them",
        )


def _held_out(deployment: Deployment) -> HeldOut | None:
    """What a model's training set aside; None of a network, which is taken to know nothing of the data set's parts.

    Raises:
        ConfigurationError: a model of the package of which it is not known.
    """
    card = deployment.card
    if not isinstance(card, ModelCard):
        return None
    if card.held_out is None:
        got = "a model in memory" if card.data.dataset == UNNAMED_DATA else "a model without a record of its training"
        raise refusals.needs_validation(deployment.name, got)
    return card.held_out


def _set_aside(
    data: DataCard, choices: Sequence[HeldOut], data_dir: Path | None
) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """What all choices set aside, and its places in the training part, or in the data's own validation part."""
    split = load_split(data.dataset, data.classes, data.source, data.preparation, data_dir)
    whole = split.train if split.validation is None else split.validation
    places = np.arange(len(whole))
    if split.validation is None:
        for choice in dict.fromkeys(choices):
            places = np.intersect1d(places, choice.places(split.train))
    return torch.from_numpy(whole.images[places]), whole.labels[places], places
