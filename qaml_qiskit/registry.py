"""Parts by name: those of the package, and those that users add.

A registry knows every part by a line of text and the place where it is defined, and imports it when it is taken. So its
names make an option's choices, its help and the documentation's table without anything heavy being imported. Other
packages add parts by an entry point, users of Python by :meth:`Registry.register`.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from qaml_qiskit.errors import UNKNOWN_NAME, ConfigurationError, PlugInWarning, unknown_name
from qaml_qiskit.text import printable, shortened

Part = TypeVar("Part")

#: Names that can be written on a command line, in a list, and in ``MODEL@NOISE:STRENGTH``.
_NAME = re.compile(r"\w[\w.+-]{0,63}")
_NAMES = "at most 64 letters, digits, and . + - _ behind the first"


@dataclass(frozen=True)
class Entry(Generic[Part]):
    """A registered part.

    Attributes:
        told: one line for the help and the documentation.
        load: gives the part, or raises.
        owner: what it comes from: ``qaml-qiskit``, another distribution, or ``this process``.
    """

    told: str
    load: Callable[[], Part]
    owner: str


class Registry(Generic[Part]):
    """Parts of one kind.

    Args:
        noun: what a part is, such as ``ansatz``; the group of its entry points is ``qaml_qiskit.<noun>``.
        own: the package's parts: by name, the place ``package.module:attribute`` and a line of text.
        base: the place of the class that every part is an instance or a subclass of; parts from elsewhere are checked.
    """

    def __init__(self, noun: str, own: Mapping[str, tuple[str, str]], base: str | None = None) -> None:
        self.noun = noun
        self._base = base
        self._entries: dict[str, Entry[Part]] = {
            name: Entry(told, lambda place=place: _at(place), "qaml-qiskit")  # type: ignore[misc]
            for name, (place, told) in own.items()
        }

    def __iter__(self) -> Iterator[str]:
        """All names, those of the package first."""
        return iter(self._all)

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._all

    def __getitem__(self, name: str) -> Part:
        """A part by its name.

        Raises:
            ConfigurationError: there is none, or the plug-in that has it cannot be loaded.
        """
        return self.check(name).load()

    def check(self, name: str) -> Entry[Part]:
        """The entry of a name, whose part is not loaded yet.

        Raises:
            ConfigurationError: there is none; the message offers the nearest ones.
        """
        if name in self._entries:
            return self._entries[name]
        if name in self._all:
            return self._all[name]
        raise unknown_name(f"there is no such {self.noun}", name, self._all)

    def parts(self) -> dict[str, Part]:
        """Every part by its name; a plug-in that cannot be loaded is left out with a warning that names it."""
        found = {}
        for name in self:
            try:
                found[name] = self[name]
            except ConfigurationError as error:
                warnings.warn(str(error), PlugInWarning, stacklevel=2)
        return found

    def told(self) -> dict[str, str]:
        """A line of text for every name, for help and documentation."""
        return {name: entry.told for name, entry in self._all.items()}

    def register(self, name: str, part: Part, told: str = "") -> None:
        """Add a part in this process. Worker processes do not know it; what they need, an entry point gives them.

        Args:
            name: how requests call it.
            part: the part.
            told: one line for the help; the first line of the part's docstring if empty.

        Raises:
            ConfigurationError: the name is taken or cannot be written everywhere, or the part is of another kind.
        """
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"cannot register the {self.noun}",
                got=f"the name {_shown(name)}",
                expected=_NAMES,
                remedy="choose another name",
            )
        if name in self:
            raise ConfigurationError(
                f"cannot register the {self.noun}",
                got=f"the name {name!r}, which is taken by {self.check(name).owner}",
                expected="a name of its own",
                remedy="choose another name",
            )
        self._check_kind(name, part, "this process")
        self._entries[name] = Entry(told or _first_line(part), lambda: part, "this process")
        self.__dict__.pop("_all", None)

    def remove(self, name: str) -> None:
        """Take away a part that was added in this process."""
        if self.check(name).owner == "this process":
            del self._entries[name]
            self.__dict__.pop("_all", None)

    @cached_property
    def _all(self) -> dict[str, Entry[Part]]:
        found = dict(self._entries)
        for point in entry_points(group=f"qaml_qiskit.{self.noun.replace(' ', '_')}"):
            named = _NAME.fullmatch(point.name)
            if not named or point.name in found:
                why = f"the name is taken by {found[point.name].owner}" if named else f"a name is {_NAMES}"
                warnings.warn(
                    f"the {self.noun} {_shown(point.name)} of {_owner(point)} is left out: {why}",
                    PlugInWarning,
                    stacklevel=2,
                )
                continue
            found[point.name] = Entry(f"from {_owner(point)}", self._loading(point), _owner(point))
        return found

    def _loading(self, point: EntryPoint) -> Callable[[], Part]:
        def load() -> Part:
            try:
                part: Part = point.load()
            except (Exception, SystemExit) as error:
                raise ConfigurationError(
                    f"the {self.noun} {point.name!r} cannot be loaded",
                    got=f"{type(error).__name__} from {_owner(point)}: {printable(str(error))}",
                    expected=f"a plug-in that gives {point.value}",
                    remedy=f"mend or uninstall {_owner(point)}; everything else works without it",
                ) from error
            self._check_kind(point.name, part, _owner(point))
            return part

        return load

    def _check_kind(self, name: str, part: object, owner: str) -> None:
        if self._base is None:
            return
        base: type = _at(self._base)
        if not isinstance(part, base) and not (isinstance(part, type) and issubclass(part, base)):
            raise ConfigurationError(
                f"the {self.noun} {name!r} cannot be used",
                got=f"{_told_kind(part)} from {owner}",
                expected=f"{base.__name__} of {base.__module__}, or a subclass",
                remedy="see CONTRIBUTING on how to add one",
            )


@dataclass(frozen=True)
class Named:
    """Marks a text field as the name of a part: ``Annotated[str, Named(ANSAETZE)]``.

    Pydantic refuses names that the registry does not know, so that the refusal says which field it is about; the
    command line takes the choices and their lines of help from it. No part is loaded.

    Attributes:
        registry: knows the names.
        also: further words that the field takes, with a line of text for each, such as ``none``.
        given: knows things that were given to this process in place of a name, by theirs, which no help tells.
        files: endings of files that the field takes, with a line of text for each, such as ``.qpy``.
    """

    registry: Registry[Any]
    also: Mapping[str, str] = field(default_factory=dict, hash=False)
    given: Registry[Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict, hash=False)

    def told(self) -> dict[str, str]:
        """A line of text for everything that the field takes."""
        return {**self.registry.told(), **self.also, **{f"FILE{ending}": told for ending, told in self.files.items()}}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the name after the text has been checked as text."""

        def known(name: str) -> str:
            if self.given is not None and name in self.given:
                return name
            if name not in self.also and name not in self.registry and not name.endswith(tuple(self.files)):
                context = {"noun": self.registry.noun, "names": ", ".join(self.told())}
                raise PydanticCustomError(UNKNOWN_NAME, "one of {names}", context)
            return name

        return core_schema.no_info_after_validator_function(known, handler(source))


def _owner(point: EntryPoint) -> str:
    return printable(point.dist.name) if point.dist is not None else "another package"


def _shown(name: str) -> str:
    """A name that may be anything."""
    return repr(shortened(printable(name), 64))


def _at(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


def _told_kind(part: object) -> str:
    return f"the class {part.__name__}" if isinstance(part, type) else f"a {type(part).__name__}"


def _first_line(part: object) -> str:
    return (getattr(part, "__doc__", None) or "").strip().partition("\n")[0]
