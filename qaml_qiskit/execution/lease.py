"""One machine at a time on a run folder that several share.

A lock of the operating system ends with its process, but on a shared file system another machine may not see it. So the
holder also keeps a small file there and touches it every few seconds. A file that nobody touches is nobody's.
"""

import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qaml_qiskit.errors import ConfigurationError

LEASE_FILE = ".host"
#: Seconds between two touches, and without one after which the holder counts as gone.
BEAT, GONE = 20.0, 120.0


@contextmanager
def host_lease(folder: Path) -> Iterator[None]:
    """Keep other machines off a folder. Processes of this one must be kept off by a lock that is taken before.

    Raises:
        ConfigurationError: another machine is at work there.
    """
    file, mark = folder / LEASE_FILE, secrets.token_hex(8)
    held = _take(file, mark)
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(BEAT):
            with suppress(OSError):
                os.utime(file)

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    if held:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        if held:
            thread.join()
            if _read(file).get("mark") == mark:
                _remove(file)


def _take(file: Path, mark: str) -> bool:
    """Make the file ours; False where no file can be made, which whoever writes there next will say better."""
    content = json.dumps({"host": socket.gethostname(), "mark": mark}).encode()
    for _ in range(2):
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            _refuse_if_alive(file)
            _remove(file)
        except OSError:
            return False
        else:
            with os.fdopen(descriptor, "wb") as stream, suppress(OSError):
                stream.write(content)
            return True
    return False


def _refuse_if_alive(file: Path) -> None:
    host = _read(file).get("host")
    if host == socket.gethostname():
        # The lock of this machine is ours, so that process has ended.
        return
    try:
        # Both times are the file system's: the clocks of two machines may differ.
        probe = file.with_name(f"{LEASE_FILE}.{secrets.token_hex(8)}.tmp")
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        now = probe.stat().st_mtime
        probe.unlink()
        age = now - file.stat().st_mtime
    except OSError:
        return
    if age < GONE:
        raise ConfigurationError(
            f"{file.parent} is in use",
            got=f"a process on {host or 'another machine'}, {max(age, 0):.0f} s after its last sign of life",
            expected="one machine at a time on a run",
            remedy=f"wait for it; if it has died, {GONE:.0f} s after its last sign of life are enough",
        )


def _read(file: Path) -> dict[str, object]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink()
