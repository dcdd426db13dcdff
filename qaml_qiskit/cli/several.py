"""Options that take several words at once, such as ``--sources a b c``."""

from collections.abc import Sequence

import typer
from typer.core import TyperCommand


class SeveralWords(TyperCommand):
    """A command whose repeatable options also take all words that follow them.

    Words belong to the command's arguments until it has as many as it has arguments, so give those first.
    """

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """See the parent; repeats the option in front of every further word of its own."""
        options = [param for param in self.get_params(ctx) if param.param_type_name == "option"]
        valued = {name for param in options if not getattr(param, "is_flag", False) for name in param.opts}
        repeatable = {name for param in options if getattr(param, "multiple", False) for name in param.opts}
        arguments = sum(param.param_type_name == "argument" for param in self.get_params(ctx))
        return super().parse_args(ctx, spread(args, valued, repeatable, arguments))


def spread(words: Sequence[str], valued: set[str], repeatable: set[str], arguments: int) -> list[str]:
    """Write ``--option a b`` as ``--option a --option b``.

    Args:
        words: of the command line.
        valued: options that take a value.
        repeatable: those of them that may be given several times.
        arguments: how many words are not an option's.
    """
    written: list[str] = []
    rest, current, seen = list(words), "", 0
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*written, word, *rest]
        if word.startswith("-"):
            name, equals, _ = word.partition("=")
            written.append(word)
            current = name if name in repeatable else ""
            if name in valued and not equals and rest:
                written.append(rest.pop(0))
        elif current and seen >= arguments:
            written += [current, word]
        else:
            written.append(word)
            seen += 1
    return written
