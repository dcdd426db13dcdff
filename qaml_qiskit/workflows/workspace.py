"""A starting workspace for someone without a checkout: the work behind ``qaml init``."""

from importlib import resources
from pathlib import Path

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.errors import ConfigurationError, StorageError
from qaml_qiskit.files import make_folders, write_atomically
from qaml_qiskit.reports import Outcome

RECIPE = "level3.yaml"


def init_workspace(folder: Path = Path()) -> Outcome:
    """Write ``backends.yaml`` and ``transpile/level3.yaml`` into a folder. Existing files are kept as they are.

    Raises:
        ConfigurationError: the folder cannot be written.
    """
    files = {
        folder / "backends.yaml": resources.files("qaml_qiskit.execution").joinpath("default_backends.yaml"),
        folder / "transpile" / RECIPE: resources.files("qaml_qiskit._recipes").joinpath(RECIPE),
    }
    rows: list[Row] = []
    try:
        for path, source in files.items():
            exists = path.exists()
            if not exists:
                make_folders(path.parent)
                write_atomically(path, source.read_bytes())
            rows.append({"file": str(path), "status": "kept" if exists else "written"})
    except StorageError as error:
        raise ConfigurationError(
            f"cannot write to {folder}",
            got=error.got,
            expected="a folder that can be written",
            remedy="choose another folder",
        ) from error
    return Outcome("init", None, rows)
