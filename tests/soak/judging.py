"""What every command owes, whatever happened to it."""

import signal
from pathlib import Path

from tests.child import Ended
from tests.integration.loopback.server import Loopback

#: Documented exit codes. 1 is Python's own for an exception, 70 for what nobody foresaw: both are faults here.
CODES = frozenset({0, 2, 3, 4, 5, 6})
#: A command that was asked to stop may also end by the signal, or say so as shells do.
_STOPPED = frozenset({-signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGINT})
#: More text than this for one failure is not one line.
_LONGEST = 4000


def judge(ended: Ended, *, stopped: bool = False) -> None:
    """No hang, no traceback, a documented exit code, and a reason where it is not 0.

    Raises:
        AssertionError: one of them, with what the command wrote.
    """
    told = f"exit code {ended.code}\nstdout: {ended.out[-_LONGEST:]}\nstderr: {ended.err[-_LONGEST:]}"
    assert not ended.hung, f"hangs; {told}"
    assert "Traceback (most recent call last)" not in ended.err + ended.out, f"traceback; {told}"
    assert ended.code in CODES | (_STOPPED if stopped else frozenset()), told
    if ended.code > 0:
        reasons = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
        assert len(reasons) == 1, f"no reason, or more than one; {told}"
        assert len(ended.err) < _LONGEST, f"the reason is too long; {told}"


def secrets_in(texts: list[str], folder: Path, server: Loopback) -> list[str]:
    """Places where the key, an access token or the instance stands: numbers of texts, and files of a folder."""
    secrets = [secret.encode() for secret in (server.token, server.instance, *server.access_tokens)]
    places = [f"text {number}" for number, text in enumerate(texts) if any(s in text.encode() for s in secrets)]
    files = [file for file in folder.rglob("*") if file.is_file()]
    return places + [str(file) for file in files if any(s in file.read_bytes() for s in secrets)]
