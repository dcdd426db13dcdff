"""Text that came from elsewhere, made safe to show."""

import re

#: Terminal escape sequences: CSI (colours, cursor), OSC (titles, links) with its text, and two-character ones.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]")


def printable(text: str) -> str:
    """The text on one line, without terminal escape sequences, control characters and lone surrogates.

    What a service, a file or a name says goes to terminals and pages; nothing in it may move the cursor, colour what
    follows, or hide a part of itself. Characters that direct the order of writing (bidirectional controls) go too.

    Args:
        text: any string, also one with lone surrogates, as undecodable file names have them.
    """
    without = _ESCAPES.sub("", text)
    kept = "".join(character if _is_plain(character) else " " for character in without)
    return " ".join(kept.split())


def is_printable(text: str) -> bool:
    """Whether a text can be shown as it is, without :func:`printable`; double spaces may be in it."""
    return all(map(_is_plain, text))


def shortened(text: str, longest: int) -> str:
    """The text in at most ``longest`` characters; dots stand for what is left out at its end."""
    return text if len(text) <= longest else text[: longest - 3] + "..."


def slug(name: str) -> str:
    """A part of a file's name that reminds of a name, in at most 60 letters, digits, dots and hyphens."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name)[:60]


def _is_plain(character: str) -> bool:
    code = ord(character)
    bidirectional = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
    return character.isprintable() and not bidirectional
