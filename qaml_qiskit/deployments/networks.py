"""What networks of the user's are for, and what a run says of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from qaml_qiskit.datasets import DATASETS, Dataset, Split, dataset_spec, keep_given, load_dataset
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import DataCard, ModelCard, NetworkCard, NetworkConfig

#: What a network is for: images with their classes, or what a model says that was trained for the same.
DataOfNetwork = Dataset | Split | ModelCard | NetworkCard


def network_data(dataset: str | None, how: Mapping[str, Any]) -> NetworkCard | None:
    """What networks are for; None where no data set is named.

    Args:
        dataset: a name, or a path to own data.
        how: keywords of :func:`~qaml_qiskit.datasets.load_dataset`.

    Raises:
        QamlError: data that are not known, cannot be found or cannot be read.
    """
    return None if dataset is None else _card_of(load_dataset(dataset, **how))


def network_card(name: str, data: DataOfNetwork | None) -> NetworkCard:
    """The card of a network for these data.

    Args:
        name: the network's.
        data: what it is for.

    Raises:
        ConfigurationError: nothing is said, or something else.
    """
    match data:
        case None:
            raise refusals.needs_data(name)
        case Dataset() if data.name not in DATASETS:
            return network_card(name, Split(data, data))
        case Dataset():
            return _card(data, DataCard(dataset=data.name, classes=_classes(data)))
        case Split():
            # As a training on them says it: true to their content.
            return _card_of(load_dataset(keep_given(data)))
        case ModelCard() | NetworkCard():
            config = NetworkConfig(image_shape=data.model.image_shape, num_classes=data.model.num_classes)
            return NetworkCard(model=config, data=data.data)
    raise ConfigurationError(
        f"{name} cannot be deployed for these data",
        got=f"a {type(data).__name__}",
        expected="what load_dataset gives, one of its parts, or the card of a model",
        remedy="give for example data=load_dataset('digits')",
    )


def code_of(deployments: Iterable[Deployment]) -> dict[str, dict[str, dict[str, str]]]:
    """Fingerprints of the user's code that made these models, for a run's configuration; empty where there is none."""
    found = {each.model_name: each.code for each in deployments if each.code}
    return {"code": found} if found else {}


def notes_of(deployments: Iterable[Deployment]) -> list[str]:
    """What a reader of results should know of these models, each sentence once."""
    return list(dict.fromkeys(note for each in deployments for note in each.notes))


def _card_of(split: Split) -> NetworkCard:
    return _card(split.test, DataCard.of(split))


def _card(data: Dataset, card: DataCard) -> NetworkCard:
    config = NetworkConfig(image_shape=data.image_shape, num_classes=data.num_classes)
    return NetworkCard(model=config, data=card)


def _classes(data: Dataset) -> tuple[int | str, ...]:
    """The classes that were kept: their numbers in the catalogue; of other data, their names."""
    try:
        known = list(dataset_spec(data.name).class_names)
        return tuple(known.index(name) for name in data.class_names)
    except (ConfigurationError, ValueError):
        return data.class_names
