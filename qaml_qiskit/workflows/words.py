"""How lists are written in one word, and words in a shell: the one syntax of command line, files and reports."""

import os
import shlex
import string
from collections.abc import Iterable

from qaml_qiskit.text import is_printable

#: Bytes that stand for themselves between the quotes of a shell.
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits} ./_-+=@:,".encode())


def split(word: str) -> list[str]:
    r"""The values of a list that one word holds: between commas, but for those in brackets and those written ``\,``.

    >>> split("0.1,0.2"), split("constants=[[1,2],[3]]"), split("one\\,name")
    (['0.1', '0.2'], ['constants=[[1,2],[3]]'], ['one,name'])
    """
    values, depth, plain = [""], 0, True
    for character in word:
        if character == "," and not plain:
            values[-1] = values[-1][:-1] + ","
        elif character == "," and depth == 0:
            values.append("")
        else:
            values[-1] += character
        depth = max(0, depth + (character == "[") - (character == "]"))
        plain = character != "\\"
    return [value for value in values if value]


def written(values: Iterable[object]) -> list[str]:
    """Words that hold the values of a list, which are not empty: one word where that can be, else a word a value."""
    texts = [str(value) for value in values]
    words = [text if split(text) == [text] else text.replace(",", "\\,") for text in texts]
    together = ",".join(words)
    return [together] if split(together) == texts else words


def split_text(text: str) -> list[str]:
    """The values of a list that is written as the words of a command line: with spaces, commas, and quotes.

    Raises:
        ValueError: a quotation mark without its partner.
    """
    return [value for word in shlex.split(text) for value in split(word)]


def quoted(word: str) -> str:
    """A word for a shell; one that cannot be shown, such as a name that is not UTF-8, by its bytes."""
    if is_printable(word):
        return shlex.quote(word)
    shown = (chr(byte) if byte in _PLAIN else f"\\x{byte:02x}" for byte in os.fsencode(word))
    return f"$'{''.join(shown)}'"
