"""Imports point down: a room imports rooms of lower floors only, and some rooms never see some libraries."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import qaml_qiskit

PACKAGE = Path(qaml_qiskit.__file__).parent

#: From the ground up. Rooms on one floor do not import each other.
FLOORS = (
    {"lazy", "text"},
    {"errors"},
    {"compiled", "files", "formats", "freezing", "labels", "memory", "progress", "registry", "secrets", "seeds"},
    {"batches", "compute", "evaluation", "filters", "settings"},
    {"confidence", "datasets", "encodings", "circuits", "noise"},
    {"simulation", "attacks", "certificates"},
    {"environment", "models"},
    {"artifacts", "execution", "defences"},
    {"deployments", "reports"},
    {"detection"},
    {"studies", "papers"},
    {"workflows"},
    {"campaigns"},
    {"cli"},
)
#: Names that two public classes share, and why.
SHARED_NAMES = {
    "UnderNoise": "options of a request, and the condition that they ask for",
    "OnTarget": "options of a request, and the condition that they ask for",
}
#: Private names that tests use, and why there is no public way.
PRIVATE_NAMES = {
    # Of Qiskit and Typer, which have no other way.
    "_target",
    # What a notebook asks an object for.
    "_repr_html_",
    "_DEFAULT_ACCOUNT_CONFIG_JSON_FILE",
    # Of tests' own devices.
    "_encoded",
    # Of the package, still to be given a public way.
    "_checked",
    "_collapse_pays",
    "_collapsed",
    "_compile",
    "_git_commit",
    "_optimizer",
    "_refuse_if_alive",
}
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}

#: Libraries and rooms that a room must not know about, although the floors would allow it.
FORBIDDEN = {
    "attacks": {"qiskit", "qiskit_aer", "qiskit_ibm_runtime", "qaml_qiskit.circuits", "qaml_qiskit.simulation"},
    "certificates": {"qiskit", "qiskit_aer", "torch", "qaml_qiskit.circuits", "qaml_qiskit.simulation"},
    "execution": {"torch", "qaml_qiskit.models", "qaml_qiskit.datasets", "qaml_qiskit.encodings"},
    "datasets": {"qiskit", "torch"},
    "circuits": {"torch"},
    "evaluation": {"torch", "qiskit"},
    "confidence": {"torch", "qiskit"},
    "reports": {"torch", "qiskit"},
    "simulation": {"qaml_qiskit.datasets", "qaml_qiskit.encodings", "qaml_qiskit.circuits"},
}


def rooms() -> list[str]:
    return sorted(path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file())


@cache
def parsed(file: Path) -> ast.Module:
    """A file of the package, read once for all tests."""
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def imported(room: str) -> set[str]:
    """Dotted names of everything that the room's files import."""
    files = [PACKAGE / f"{room}.py"] if (PACKAGE / f"{room}.py").is_file() else (PACKAGE / room).rglob("*.py")
    names: set[str] = set()
    for file in files:
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: relative import"
                names.add(node.module or "")
                # A room can be taken from the front door, too, which loads it when it is touched.
                rooms_there = {alias.name for alias in node.names} & set(FLOOR) if node.module == "qaml_qiskit" else {}
                names |= {f"qaml_qiskit.{name}" for name in rooms_there}
    return names


def test_every_room_has_a_floor() -> None:
    assert set(rooms()) - {"__init__", "_recipes"} <= set(FLOOR)


@pytest.mark.parametrize("room", sorted(set(rooms()) & set(FLOOR)))
def test_imports_point_down(room: str) -> None:
    others = {name.split(".")[1] for name in imported(room) if name.startswith("qaml_qiskit.")} - {room}
    upward = {other for other in others if FLOOR[other] >= FLOOR[room]}
    assert not upward, f"{room} imports {sorted(upward)}"


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_rooms_stay_ignorant(room: str) -> None:
    found = {
        name for name in imported(room) for banned in FORBIDDEN[room] if name == banned or name.startswith(banned + ".")
    }
    assert not found


def test_no_module_is_hidden_by_a_name() -> None:
    hidden = []
    for init in PACKAGE.rglob("__init__.py"):
        nodes = [node for node in ast.walk(parsed(init)) if isinstance(node, ast.ImportFrom)]
        names = {alias.asname or alias.name for node in nodes for alias in node.names}
        modules = {path.stem for path in init.parent.iterdir() if path.is_dir() or path.suffix == ".py"}
        hidden += [f"{init.parent.relative_to(PACKAGE)}/{name}" for name in sorted(names & modules)]
    assert not hidden


def test_no_workflow_imports_another() -> None:
    found = []
    for folder in (path for path in (PACKAGE / "workflows").iterdir() if path.is_dir()):
        others = {path.name for path in folder.parent.iterdir() if path.is_dir()} - {folder.name}
        names = {tuple(name.split(".")[1:3]) for name in imported(f"workflows/{folder.name}")}
        found += [f"{folder.name} imports {other}" for other in others if ("workflows", other) in names]
    assert not found


def test_no_two_public_classes_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        for node in parsed(file).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(file.relative_to(PACKAGE)))
    shared = {name: files for name, files in places.items() if len(files) > 1}
    assert shared.keys() == SHARED_NAMES.keys(), shared


def test_tests_use_nothing_private() -> None:
    tests = Path(__file__).parents[1]
    used = {name for file in tests.rglob("*.py") for name in private_names(ast.parse(file.read_text("utf-8")))}
    assert used <= PRIVATE_NAMES, used - PRIVATE_NAMES


def private_names(tree: ast.Module) -> Iterator[str]:
    """Private names that a file imports, replaces, or reads of anything but ``self``."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            names = [node.attr]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("setattr", "delattr"):
            texts = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
            names = [str(text).rpartition(".")[2] for text in texts]
        yield from (name for name in names if name.startswith("_") and not name.startswith("__"))
