"""Credentials of IBM Quantum Platform and of proxies: found where the client finds them, and hidden in any text.

What a service says is repeated in messages, ledgers and snapshots, and a service can repeat what it was sent. So every
text of it goes through :func:`hide`, which knows the credentials of the environment and of all saved accounts, in the
forms that they take on the way.
"""

import base64
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

#: What a secret is replaced by.
HIDDEN = "…"
#: Shorter values are no keys, and hiding every "a" would leave no text.
SHORTEST = 8
_VARIABLES = ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE")
_URL_VARIABLES = ("QISKIT_IBM_URL", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")
#: Values of the file of saved accounts, found without parsing it: it may be damaged, and holds keys all the same.
_SAVED = re.compile(r'"(?:token|instance|password_ntlm)"\s*:\s*"((?:[^"\\]|\\.)*)"')
_PASSWORD = re.compile(r"://[^/@\s\"]*?:([^/@\s\"]+)@")
#: What may stand between two characters of a secret: a break, or a terminal's escape sequence that was written out.
_BETWEEN = r"(?:\s|\\+(?:x1b|u001b|033)\[[\d;]*[a-z])*"
#: What looks like a credential, whoever it belongs to.
_TELLTALE = re.compile(
    r"(?:Bearer|apikey)\s+[\w.~+/=%-]{16,}"
    r"|(?:api_?key|access_token|refresh_token)[\"']?\s*[=:]\s*[\"']?[^\s\"'&,}]+"
    r"|eyJ[\w.%-]{20,}"
    r"|crn(?::|%3A)[^\s,'\"<>]+"
    r"|(?<=://)[^/@\s\"']+@",
    re.IGNORECASE,
)


def hide(text: str, more: Iterable[str] = ()) -> str:
    """The text without credentials: their plain form, any case, URL-encoded, base64, hexadecimal and escaped.

    Args:
        text: any text, of any length.
        more: further secrets, such as an access token in use.
    """
    return _hider(more)(text)


def hide_all(value: Any, more: Iterable[str] = ()) -> Any:
    """A copy of nested lists and dictionaries with :func:`hide` applied to every string in them."""
    # The properties of a device are tens of thousands of strings, most of them the same few.
    clean = cache(_hider(more))

    def copy(found: Any) -> Any:
        match found:
            case str():
                return clean(found)
            case dict():
                return {copy(key): copy(item) for key, item in found.items()}
            case list() | tuple():
                return type(found)(copy(item) for item in found)
            case _:
                return found

    return copy(value)


def _hider(more: Iterable[str]) -> Callable[[str], str]:
    # The longest first: a shorter one inside it would leave the rest.
    secrets = sorted({secret for secret in (*_known(), *more) if len(secret) >= SHORTEST}, key=len, reverse=True)
    patterns = [_TELLTALE, *map(_pattern, secrets)]

    def clean(text: str) -> str:
        for pattern in patterns:
            text = pattern.sub(HIDDEN, text)
        return text

    return clean


def _known() -> Iterator[str]:
    """The secrets of the environment and of every saved account; which one is in use only the client knows."""
    yield from filter(None, map(os.environ.get, _VARIABLES))
    urls = " ".join(filter(None, map(os.environ.get, _URL_VARIABLES)))
    try:
        saved = Path("~/.qiskit/qiskit-ibm.json").expanduser().read_text(encoding="utf-8", errors="replace")
    except (OSError, RuntimeError):
        saved = ""
    yield from _SAVED.findall(saved)
    for password in _PASSWORD.findall(f"{urls} {saved}"):
        yield from (password, unquote(password))


@lru_cache(maxsize=64)
def _pattern(secret: str) -> re.Pattern[str]:
    characters = _BETWEEN.join(map(_forms_of, secret))
    coded = [_base64(secret.encode(), shift) for shift in range(3)]
    return re.compile("|".join([characters, secret.encode().hex(), *filter(None, coded)]), re.IGNORECASE)


def _forms_of(character: str) -> str:
    """One character as itself, URL-encoded once or more, as an escape of JSON or Python, or of HTML."""
    coded = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode())
    point = ord(character)
    return rf"(?:{re.escape(character)}|{coded}|\\+u{point:04x}|\\+x{point:02x}|&#(?:x0*{point:x}|0*{point});)"


def _base64(secret: bytes, shift: int) -> str:
    """What base64 makes of the secret, ``shift`` bytes after a multiple of three, whatever stands around it."""
    code = base64.b64encode(bytes(shift) + secret + bytes(3)).decode()
    first, last = -(-8 * shift // 6), 8 * (shift + len(secret)) // 6
    return code[first:last].replace("+", r"(?:[+-]|%2B)").replace("/", "(?:[/_]|%2F)")
