"""How much memory there is, and refusing what would not fit before anything is allocated."""

from pathlib import Path
from typing import TYPE_CHECKING, Union

from qaml_qiskit.errors import ConfigurationError

if TYPE_CHECKING:
    import torch

#: The processor, or a device of torch, which is imported for that one alone.
Device = Union["torch.device", str]

_MEMINFO = Path("/proc/meminfo")


def free_memory(device: Device = "cpu") -> int | None:
    """Bytes that may still be allocated on a device; None where nobody can tell."""
    kind = str(device).partition(":")[0]
    if kind == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    if kind == "cpu" and _MEMINFO.exists():
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    return None


def gigabytes(size: int) -> str:
    """A number of bytes to read, such as ``"1.5 GiB"``."""
    return f"{size / 2**30:,.1f} GiB"


def check_memory(
    what: str,
    needed: int,
    *,
    remedy: str,
    expected: str = "what fits into the memory",
    device: Device = "cpu",
    limit: int | None = None,
) -> None:
    """Raise ConfigurationError where ``needed`` bytes exceed the limit, or without one the free memory of a device.

    Args:
        what: what cannot be done, for example ``"cannot build the model"``.
        needed: bytes.
        remedy: what to do instead.
        expected: what would have been accepted.
        device: whose memory it is.
        limit: bytes that are allowed; what is free if None.
    """
    most = free_memory(device) if limit is None else limit
    if most is not None and needed > most:
        raise ConfigurationError(
            what,
            got=f"{gigabytes(needed)} needed, {gigabytes(most)} {'free' if limit is None else 'allowed'}",
            expected=expected,
            remedy=remedy,
        )
