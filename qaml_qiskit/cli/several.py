"""How the command line is read: lists in one syntax, nothing given twice is dropped, and refusals in four beats."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperOption

from qaml_qiskit.errors import ConfigurationError, perhaps


class OneCommand(TyperCommand):
    """A command whose lists are repeated, written with commas, or with spaces; and whose other options come once.

    Words belong to the command's arguments until it has as many as it has arguments, so give those first. Where there
    may be any number of arguments, they stand together: before all options, or behind them.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        for param in self.params:
            if isinstance(param, TyperArgument):
                # Typer would add how Python calls the type.
                param.display_type_rich = lambda ctx: None  # type: ignore[method-assign]

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """See the parent; repeats an option in front of every further word of its own, and refuses a second value."""
        params = self.get_params(ctx)
        options = [param for param in params if param.param_type_name == "option"]
        arguments = [param for param in params if param.param_type_name == "argument"]
        valued = {name for param in options if not getattr(param, "is_flag", False) for name in param.opts}
        repeatable = {name for param in options if getattr(param, "multiple", False) for name in param.opts}
        counted = all(param.nargs == 1 for param in arguments)
        args = spread(args, valued, repeatable, len(arguments) if counted else None)
        self._refuse(ctx, args, valued, [name for param in options for name in param.opts])
        return super().parse_args(ctx, args)

    def _refuse(self, ctx: typer.Context, args: list[str], valued: set[str], known: list[str]) -> None:
        """Refuse what the parser would, in our words; and a second value, of which it would keep the last."""
        try:
            _, more, order = self.make_parser(ctx).parse_args(args=list(args))
        except typer.TyperException as error:
            option = getattr(error, "option_name", "")
            if option not in known:
                raise ConfigurationError(
                    "there is no such option",
                    got=option,
                    expected=f"one of those that `{ctx.command_path} --help` lists",
                    remedy=perhaps(option, known, "leave it out"),
                ) from error
            got, expected, remedy = ("no value", "one", "give one")
            if option not in valued:
                got, expected, remedy = ("a value", "none", "leave it out")
            raise ConfigurationError(f"{option} does not fit", got=got, expected=expected, remedy=remedy) from error
        if more:
            names = [f"{param.metavar}" for param in self.params if isinstance(param, TyperArgument)]
            raise ConfigurationError(
                f"cannot read the words of `{ctx.command_path}`",
                got=f"also {' '.join(more)}",
                expected=f"only {' '.join(names)}, and options" if names else "only options",
                remedy="leave them out, or put an option's name in front",
            )
        for param, count in Counter(order).items():
            if isinstance(param, TyperOption) and not param.multiple and not param.is_flag and count > 1:
                raise ConfigurationError(
                    f"{param.opts[0]} is given {count} times",
                    got=f"{count} values",
                    expected="one",
                    remedy="leave out all but one",
                )


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
