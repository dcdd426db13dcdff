"""What a run records of the files that were named for it."""

from pathlib import Path


def named(backends: Path | None) -> dict[str, str]:
    """The backends.yaml that was named, for the run's record; nothing for the one that is taken by default."""
    return {} if backends is None else {"backends": str(backends)}
