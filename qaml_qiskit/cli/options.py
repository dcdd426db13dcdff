"""Options from a YAML file and from the command line, into one typed request."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from qaml_qiskit.errors import ConfigurationError

#: Keys of a run's config.yaml that the run wrote itself.
RUN_KEYS = ("command", "resolved")

Request = TypeVar("Request", bound=BaseModel)


def build_request(kind: type[Request], given: Mapping[str, Any], config: Path | None) -> Request:
    """Merge defaults, a configuration file and the command line; the last wins.

    Args:
        kind: the request's schema.
        given: options from the command line; None means not given.
        config: a YAML file with the schema's fields.

    Raises:
        ConfigurationError: a field that does not exist or a value that does not fit, with its option's name.
    """
    values = _read(config) if config is not None else {}
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        name = str(detail["loc"][0]) if detail["loc"] else "the request"
        option = "--" + name.replace("_", "-")
        unknown = detail["type"] == "extra_forbidden"
        missing = detail["type"] == "missing"
        raise ConfigurationError(
            f"{f'{config}: {name}' if config is not None and given.get(name) is None else option} does not fit",
            got=f"the unknown field {name!r}" if unknown else "nothing" if missing else repr(detail["input"]),
            expected=f"one of {', '.join(kind.model_fields)}" if unknown else _expected(detail["msg"]),
            remedy=f"correct {name if unknown else option}",
        ) from error


def _expected(message: str) -> str:
    text = message.removeprefix("Input should be ").removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f"cannot read {path}",
            got=getattr(error, "strerror", None) or " ".join(str(error).split()),
            expected="a readable YAML file of options",
            remedy="check the path and the file",
        ) from error
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path} does not fit",
            got=f"a {type(content).__name__}",
            expected="a mapping from option names to values, such as `epochs: 20`",
            remedy="correct the file",
        )
    # A run's own config.yaml can be given back: what it says of the command is no option.
    return {str(name).replace("-", "_"): value for name, value in content.items() if name not in RUN_KEYS}
