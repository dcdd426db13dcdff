"""Names in place of objects: models, circuits, detectors, data sets and images of this process.

A request holds names, so that it can be written down, compared and handed to workers. What a caller of Python gives
instead is kept under a name that says what is in it (a fingerprint), for as long as the process lives.
"""

import os
from collections.abc import Mapping
from typing import Any

from qaml_qiskit.workflows.data_objects import adversarial_name, data_named, images_name
from qaml_qiskit.workflows.fields import NamesModel, holds_text, marks
from qaml_qiskit.workflows.model_objects import (
    check_kind_of_model,
    circuit_name,
    detector_name,
    model_name,
    recipe_of,
)
from qaml_qiskit.workflows.request import Request


def with_names(kind: type[Request], values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request with names in place of objects.

    Args:
        kind: the request's class.
        values: its fields, as a caller gave them.

    Raises:
        QamlError: a thing that cannot stand for the name of this field, or one with damage.
    """
    found = dict(values)
    for name, value in values.items():
        field = kind.model_fields.get(name)
        if field is None or value is None:
            continue
        several = isinstance(value, tuple | list)
        every = list(value) if several else [value]
        if any(isinstance(mark, NamesModel) for mark in marks(field)):
            names = [model_name(kind.command, name, each) for each in every]
            found = {**recipe_of(kind, every), **found, name: tuple(names) if several else names[0]}
        elif name == "model":
            check_kind_of_model(kind.command, value)
        elif name == "ansatz":
            circuits = [circuit_name(each) for each in every]
            found[name] = tuple(circuits) if several else circuits[0]
        elif name == "detector":
            detectors = [detector_name(kind.command, each) for each in every]
            found[name] = tuple(detectors) if several else detectors[0]
        elif name in ("images", "validation") and holds_text(field):
            found[name] = images_name(kind.command, value)
        elif name == "adversarial":
            found[name] = tuple(map(adversarial_name, every))
        elif isinstance(value, os.PathLike):
            found[name] = os.fspath(value)
    return data_named(kind, found) if found.get("dataset") is not None and "dataset" in kind.model_fields else found
