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
            # Who took it over while this process slept is not to be kept alive by it.
            if _read(file).get("mark", mark) != mark:
                return
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
    # Every turn refuses, ends, or takes one stale file out of the way.
    while True:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            found = _content(file)
            _refuse_if_alive(file, found)
            if not _set_aside(file, found):
                return False
        except OSError:
            return False
        else:
            with os.fdopen(descriptor, "wb") as stream, suppress(OSError):
                stream.write(content)
            return True


def _set_aside(file: Path, stale: bytes) -> bool:
    """Remove a stale file, and no other that another machine made since; False where that cannot be done."""
    aside = _beside(file)
    try:
        # Of all that found it stale, one can rename it.
        file.rename(aside)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    if _content(aside) != stale:
        _put_back(aside, file)
    _remove(aside)
    return True


def _put_back(aside: Path, file: Path) -> None:
    try:
        file.hardlink_to(aside)
    except FileExistsError:
        return
    except OSError:
        # A file system without links.
        with suppress(OSError):
            aside.rename(file)


def _refuse_if_alive(file: Path, content: bytes) -> None:
    host = _parsed(content).get("host")
    if host == socket.gethostname():
        # The lock of this machine is ours, so that process has ended.
        return
    try:
        # Both times are the file system's: the clocks of two machines may differ.
        probe = _beside(file)
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


def _beside(file: Path) -> Path:
    return file.with_name(f"{LEASE_FILE}.{secrets.token_hex(8)}.tmp")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _parsed(content: bytes) -> dict[str, object]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _read(file: Path) -> dict[str, object]:
    return _parsed(_content(file))


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink()
