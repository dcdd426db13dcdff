"""What a result was made with: versions, the simulator, the commit and the machine."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "qaml-qiskit",
    "qiskit",
    "qiskit-aer",
    "qiskit-ibm-runtime",
    "qiskit-machine-learning",
    "mthree",
    "torch",
    "torchattacks",
    "numpy",
)


def describe_environment() -> dict[str, Any]:
    """Versions, the simulator in use, git commit and machine, and what is missing here, for the record."""
    # Loads torch: only for runs that are written, not for a mistake that is found before.
    from qaml_qiskit.simulation import backend_description

    packages = package_versions()
    missing = {} if packages["mthree"] else {"missing": {"mitigation m3": "mthree is not installed"}}
    return {
        "python": platform.python_version(),
        "packages": packages,
        **missing,
        "engine": backend_description(),
        "git_commit": _git_commit(),
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cpus": os.cpu_count()},
    }


def package_versions() -> dict[str, str | None]:
    """The installed versions of what results depend on; None for what is not installed."""
    return {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _git_commit() -> str | None:
    """The commit of the package's checkout, with ``+`` when it has changes; None outside a checkout.

    Kept for as long as the process lives, as is the code that it has loaded.
    """
    if not (Path(__file__).parents[1] / ".git").exists():
        return None
    try:
        head, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "-uno")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}{'+' if changes else ''}"


def _git(*words: str) -> str:
    here = Path(__file__).parent
    return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
