"""Writing files so that a kill at any moment leaves the old content or the new, never half of it."""

import os
from pathlib import Path


def write_atomically(file: Path, content: bytes | str) -> Path:
    """Write under a temporary name, flush to disk, rename. The folder is made when it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # A file name that is not UTF-8 has lone surrogates; written as \udcff they mean the same in JSON and YAML.
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    temporary = file.with_name(f".{file.name}.tmp")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
    return file
