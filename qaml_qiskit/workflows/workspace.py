"""A starting workspace for someone without a checkout: the work behind ``qaml init``."""

from importlib import resources
from pathlib import Path

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.outcome import Outcome, Row

RECIPE = "level3.yaml"


def init_workspace(folder: Path) -> Outcome:
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
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
            rows.append({"file": str(path), "status": "kept" if exists else "written"})
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to {folder}",
            got=error.strerror or type(error).__name__,
            expected="a folder that can be written",
            remedy="choose another folder",
        ) from error
    return Outcome("init", None, rows)
