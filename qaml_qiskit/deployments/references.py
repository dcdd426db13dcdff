"""Where a model is that a user names: a run folder, a model file, a reference model, or a network of one's own."""

import os
from pathlib import Path

import qaml_qiskit
from qaml_qiskit.artifacts.run import RUNS_FOLDER
from qaml_qiskit.artifacts.session import session_model
from qaml_qiskit.deployments.rules import names_rule
from qaml_qiskit.errors import InputError, perhaps
from qaml_qiskit.models.factories import Factory
from qaml_qiskit.models.names import NETWORKS
from qaml_qiskit.text import printable

#: The file that makes a folder a model.
_WEIGHTS = "model.safetensors"
#: How the file of a program of ``torch.export`` ends.
_PROGRAM = ".pt2"


def model_path(name: str) -> Path:
    """The run folder or model file that a name stands for.

    What lies at that path wins, then a model that was given to this process; then the references are looked for in
    ``runs/reference`` of the working directory, and in those that came with the package.

    Raises:
        InputError: there is none; the message says where it was looked for, and which references there are.
    """
    given = Path(name)
    kept = session_model(name)
    references = (folder / name for folder in reference_folders() if name in _names(folder))
    found = [given, *([kept] if kept is not None else []), *references]
    for path in found:
        # No text stands for this folder, which is ".".
        if name and os.path.exists(path):  # noqa: PTH110 - False, too, for a name that is too long for a file
            return path
    if (model := model_part(name)) != name and model:
        model_path(model)
        raise InputError(
            f"{printable(name)} names a condition, too",
            got=f"the model {printable(model)} under {printable(name.removeprefix(f'{model}@'))}",
            expected="a model alone",
            remedy="name the noise or the target by an option of this command, where it has one",
        )
    known = reference_names()
    places = [str(given.parent), *map(str, reference_folders())]
    raise InputError(
        "there is no such model",
        got=f"{printable(name)!r}, looked for in {', '.join(places)}",
        expected=f"a run folder, a {_WEIGHTS}, a network (a {_PROGRAM} or package.module:factory), or a reference: "
        f"{', '.join(known) or 'none is here'}",
        remedy=perhaps(name, known, "train one with `qaml train`"),
    )


def names_network(name: str) -> bool:
    """Whether a name stands for a network of the user's; a path that exists and is no program is always a model."""
    return name in NETWORKS or names_code(name)


def names_code(name: str) -> bool:
    """Whether a name stands for a network that is code of the user's: a program or a factory."""
    path = Path(name)
    return (path.suffix == _PROGRAM and not path.is_dir()) or (Factory.is_name(name) and not path.exists())


def check_model(name: str) -> None:
    """Find the model or the network that a name stands for. Nothing of it is read or run.

    Raises:
        InputError: there is none.
    """
    if names_code(name) and Factory.is_name(name):
        Factory(name).check()
    elif name not in NETWORKS:
        model_path(name)


def model_part(name: str) -> str:
    """MODEL of ``MODEL@NOISE:STRENGTH``, ``MODEL@TARGET`` and the like; a path that exists is always a model."""
    return name_parts(name)[0]


def name_parts(name: str) -> tuple[str, tuple[str, ...]]:
    """The model of a deployment's name, and what stands behind each ``@``: a condition, an inference rule, or both.

    A path that exists is always a model.
    """
    model, at, words = name.rpartition("@")
    if not (at and model) or Path(name).exists():
        return name, ()
    before, at, first = model.rpartition("@")
    # Two conditions are none: then the first @ is part of the model's name.
    if at and before and (names_rule(first) or names_rule(words)) and not Path(model).exists():
        return before, (first, words)
    return model, (words,)


def reference_names() -> list[str]:
    """The reference models that can be named here."""
    return sorted({name for folder in reference_folders() for name in _names(folder)})


def reference_folders() -> list[Path]:
    """Existing folders of references, in the order in which they are searched."""
    package = Path(qaml_qiskit.__file__).parent
    # A wheel carries them inside the package; a checkout has them beside it.
    places = (RUNS_FOLDER / "reference", package / "_references", package.parent / RUNS_FOLDER / "reference")
    folders: dict[str, Path] = {}
    for place in places:
        if place.is_dir():
            folders.setdefault(os.path.realpath(place), place)
    return list(folders.values())


def _names(folder: Path) -> list[str]:
    return [path.parent.name for path in folder.glob(f"*/{_WEIGHTS}")]
