"""How the command line is read: lists in one syntax, and nothing given twice is dropped."""

from collections import Counter
from collections.abc import Sequence

import typer
from typer.core import TyperCommand, TyperOption


class OneCommand(TyperCommand):
    """A command whose lists are repeated, written with commas, or with spaces; and whose other options come once.

    Words belong to the command's arguments until it has as many as it has arguments, so give those first. Where there
    may be any number of arguments, they stand together: before all options, or behind them.
    """

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """See the parent; repeats an option in front of every further word of its own, and refuses a second value."""
        params = self.get_params(ctx)
        options = [param for param in params if param.param_type_name == "option"]
        arguments = [param for param in params if param.param_type_name == "argument"]
        valued = {name for param in options if not getattr(param, "is_flag", False) for name in param.opts}
        repeatable = {name for param in options if getattr(param, "multiple", False) for name in param.opts}
        counted = all(param.nargs == 1 for param in arguments)
        args = spread(args, valued, repeatable, len(arguments) if counted else None)
        self._refuse_second_values(ctx, args)
        return super().parse_args(ctx, args)

    def _refuse_second_values(self, ctx: typer.Context, args: list[str]) -> None:
        """Of two values for one option the parser would keep the last without a word."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for param, count in Counter(order).items():
            if isinstance(param, TyperOption) and not param.multiple and not param.is_flag and count > 1:
                raise typer.BadParameter(f"given {count} times; expected once. Leave out all but one.", ctx, param)


def spread(words: Sequence[str], valued: set[str], repeatable: set[str], arguments: int | None) -> list[str]:
    """Write ``--option a b`` as ``--option a --option b``.

    Args:
        words: of the command line.
        valued: options that take a value.
        repeatable: those of them that may be given several times.
        arguments: how many words are not an option's; None for any number.
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
        elif current and seen >= (1 if arguments is None else arguments):
            written += [current, word]
        else:
            written.append(word)
            seen += 1
            current = current if arguments is not None else ""
    return written
