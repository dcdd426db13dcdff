"""The machine, and one thread on one CPU for everybody."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: How libraries are told to use one thread.
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def limit_threads() -> None:
    """One thread for every library that is imported after this, and one CPU to run it on."""
    for name in ONE_THREAD:
        os.environ[name] = "1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_XLA_ONE_THREAD}".strip()
    os.environ["JAX_PLATFORMS"] = "cpu"
    pin(1)


def available_cpus() -> int:
    """CPUs that this process could use when it started."""
    return len(_ALL_CPUS)


def pin(count: int) -> None:
    """Run on the last ``count`` of the available CPUs; nothing happens where the system cannot pin."""
    if _ALL_CPUS:
        os.sched_setaffinity(0, set(_ALL_CPUS[-count:]))


def unpin() -> None:
    """Run on all CPUs again."""
    pin(len(_ALL_CPUS))


def last_cpu() -> int:
    """The CPU that :func:`pin` takes first."""
    return _ALL_CPUS[-1]


def load() -> float:
    """The one-minute load average, or NaN where there is none. About 1 of it is this benchmark."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def describe() -> dict[str, str]:
    """The machine and what it runs, for the head of every report."""
    return {
        "processor": _processor(),
        "CPUs": str(available_cpus()),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def package_version(distribution: str) -> str | None:
    """The installed version, or None."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    fields = dict(_field(line) for line in reversed(lines) if ":" in line)
    name = fields.get("model name") or platform.processor() or platform.machine()
    details = [f"{key} {fields[key]}" for key in ("cpu family", "model") if key in fields]
    return f"{name} ({', '.join(details)})" if details else name


def _field(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.strip(), value.strip()


_ALL_CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
