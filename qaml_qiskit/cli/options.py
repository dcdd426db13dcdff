"""Options from a YAML file and from the command line, into one typed request."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from qaml_qiskit.artifacts.run import RUN_KEYS
from qaml_qiskit.deployments.references import model_path
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.formats import read_bytes, yaml_of
from qaml_qiskit.workflows.request import Request, refusal

#: Commas between values, not those inside brackets, as a parameter of an attack may have them.
_COMMA = re.compile(r",(?![^\[]*\])")

AnyRequest = TypeVar("AnyRequest", bound=Request)


def build_request(kind: type[AnyRequest], given: Mapping[str, Any], config: Path | None) -> AnyRequest:
    """Merge defaults, a configuration file and the command line; the last wins.

    Args:
        kind: the request's schema.
        given: options from the command line; None means not given. Lists may be repeated options, commas, or both.
        config: a YAML file with the schema's fields.

    Raises:
        ConfigurationError: a field that does not exist or a value that does not fit, with its option's name.
        InputError: a model that is not there.
    """
    values = _read(config) if config is not None else {}
    values |= {name: _listed(kind, name, value) for name, value in given.items() if value is not None}
    try:
        request = kind.model_validate(values)
    except ConfigurationError as error:
        if not isinstance(error.__cause__, ValidationError):
            raise

        def shown(field: str) -> str:
            from_file = config is not None and given.get(field) is None
            return f"{config}: {field}" if from_file else _option(kind, field)

        raise refusal(kind, error.__cause__, shown) from error
    # Here as well as where they are read: a name that is not there is told before anything heavy is imported.
    for name in request.stored_models:
        model_path(name)
    return request


def _listed(kind: type[BaseModel], name: str, value: Any) -> Any:
    """A list of the command line, whose words may hold several values with commas; names of models are left whole."""
    field = kind.model_fields.get(name)
    if not isinstance(value, (list, tuple)) or field is None or field.is_required():
        return value
    return [part for word in value for part in _COMMA.split(str(word))]


def _option(kind: type[BaseModel], field: str) -> str:
    """How the command line calls a field: an argument by its name, an option with its dashes."""
    known = kind.model_fields.get(field)
    return field.upper() if known is not None and known.is_required() else "--" + field.replace("_", "-")


def _read(path: Path) -> dict[str, Any]:
    content = yaml_of(read_bytes(path), str(path))
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path} does not fit",
            got=f"a {type(content).__name__}",
            expected="a mapping from option names to values, such as `epochs: 20`",
            remedy="correct the file",
        )
    # A run's own config.yaml can be given back: what it says of the command is no option.
    return {str(name).replace("-", "_"): value for name, value in content.items() if name not in RUN_KEYS}
