"""What targets and recipes are called, from their files alone: for requests, which wait for nothing heavy."""

import os
from importlib import resources
from pathlib import Path

from qaml_qiskit.errors import unknown_name
from qaml_qiskit.formats import read_bytes, yaml_of

#: Environment variable that names the backends.yaml to use.
BACKENDS_VARIABLE = "QAML_BACKENDS"
FILE_NAME = "backends.yaml"
_NO_FILE = "check the path, or write a starting file with `qaml init`"


def backends_file(path: Path | None = None) -> tuple[bytes, str]:
    """The content of the backends.yaml that is used, and what it is called in messages.

    Args:
        path: the file that was named. By default ``$QAML_BACKENDS``, then ``./backends.yaml``, then the one that ships
            with the package.
    """
    chosen = Path(path) if path is not None else _from_environment()
    if chosen is not None:
        return read_bytes(chosen, _NO_FILE), str(chosen)
    packaged = resources.files("qaml_qiskit.execution").joinpath("default_backends.yaml")
    return packaged.read_bytes(), f"the packaged {FILE_NAME}"


def check_target(name: str, backends: Path | None = None) -> None:
    """Refuse a name that is no entry of backends.yaml; what the entries hold is not looked at.

    Raises:
        ConfigurationError: there is no such target; or the file cannot be read.
    """
    content, source = backends_file(backends)
    targets = (yaml_of(content, source) or {}).get("targets")
    # A file of another form is told by those who read it whole.
    if isinstance(targets, dict) and name not in targets:
        remedy = f"choose one of these, or add an entry to {FILE_NAME}"
        raise unknown_name("there is no such target", name, map(str, targets), remedy=remedy)


def recipe_names() -> list[str]:
    """The recipes that ship with the package."""
    folder = resources.files("qaml_qiskit._recipes")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def recipe_file(name: str) -> tuple[bytes, str]:
    """The content of a recipe, and what it is called in messages.

    A local file wins when the name ends in ``.yaml`` or contains a slash; otherwise ``./transpile/NAME.yaml`` is
    looked for first, then the packaged recipes.

    Raises:
        ConfigurationError: there is no such recipe.
    """
    local = Path(name) if name.endswith((".yaml", ".yml")) or "/" in name else Path("transpile") / f"{name}.yaml"
    if local.is_file() or local == Path(name):
        return read_bytes(local, _NO_FILE), str(local)
    if name not in recipe_names():
        remedy = "choose one of these, or give the path of a YAML file of your own"
        raise unknown_name("there is no such recipe", name, recipe_names(), remedy=remedy)
    return resources.files("qaml_qiskit._recipes").joinpath(f"{name}.yaml").read_bytes(), f"recipe {name}"


def check_recipe(name: str) -> None:
    """Refuse a name that is no recipe; what the recipe says is not looked at."""
    recipe_file(name)


def _from_environment() -> Path | None:
    if named := os.environ.get(BACKENDS_VARIABLE):
        return Path(named)
    local = Path(FILE_NAME)
    return local if local.is_file() else None
