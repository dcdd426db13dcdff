"""Imports point down: a room imports rooms of lower floors only, and some rooms never see some libraries."""

import ast
from pathlib import Path

import pytest

import qaml_qiskit

PACKAGE = Path(qaml_qiskit.__file__).parent

#: From the ground up. Rooms on one floor do not import each other.
FLOORS = (
    {"lazy", "text"},
    {"errors"},
    {"files", "formats", "freezing", "labels", "memory", "progress", "registry", "secrets", "seeds"},
    {"batches", "compute", "evaluation"},
    {"datasets", "encodings", "circuits", "noise"},
    {"simulation", "attacks", "certificates"},
    {"environment", "models"},
    {"artifacts", "execution", "defences"},
    {"deployments", "reports"},
    {"studies"},
    {"workflows"},
    {"cli"},
)
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}

#: Libraries and rooms that a room must not know about, although the floors would allow it.
FORBIDDEN = {
    "attacks": {"qiskit", "qiskit_aer", "qiskit_ibm_runtime", "qaml_qiskit.circuits", "qaml_qiskit.simulation"},
    "certificates": {"qiskit", "qiskit_aer", "torch", "qaml_qiskit.circuits", "qaml_qiskit.simulation"},
    "execution": {"torch", "qaml_qiskit.models", "qaml_qiskit.datasets", "qaml_qiskit.encodings"},
    "datasets": {"qiskit", "torch"},
    "circuits": {"torch"},
    "evaluation": {"torch", "qiskit"},
    "reports": {"torch", "qiskit"},
    "simulation": {"qaml_qiskit.datasets", "qaml_qiskit.encodings", "qaml_qiskit.circuits"},
}


def rooms() -> list[str]:
    return sorted(path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file())


def imported(room: str) -> set[str]:
    """Dotted names of everything that the room's files import."""
    files = [PACKAGE / f"{room}.py"] if (PACKAGE / f"{room}.py").is_file() else (PACKAGE / room).rglob("*.py")
    names: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: relative import"
                names.add(node.module or "")
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
        nodes = [node for node in ast.walk(ast.parse(init.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
        names = {alias.asname or alias.name for node in nodes for alias in node.names}
        modules = {path.stem for path in init.parent.iterdir() if path.is_dir() or path.suffix == ".py"}
        hidden += [f"{init.parent.relative_to(PACKAGE)}/{name}" for name in sorted(names & modules)]
    assert not hidden
