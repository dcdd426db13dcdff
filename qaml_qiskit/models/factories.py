"""Networks that code of the user's makes: ``package.module:factory``.

Light: whether there is such a module is found out without importing anything.
"""

import hashlib
import importlib
import inspect
import re
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.formats import read_bytes
from qaml_qiskit.text import printable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from qaml_qiskit.models.user_network import NetworkConfig, UserNetwork

_WORD = r"[^\W\d]\w*"
_NAME = re.compile(rf"{_WORD}(\.{_WORD})*:{_WORD}(\.{_WORD})*")
#: The factory's random numbers: the same network every time, also where it has not been trained.
_SEED = 0


@dataclass(frozen=True)
class Factory:
    """A function without arguments, or a class, that gives a network; or the network itself.

    Attributes:
        name: ``package.module:factory``.
    """

    name: str

    @staticmethod
    def is_name(name: str) -> bool:
        """Whether a text is written like the name of a factory."""
        return _NAME.fullmatch(name) is not None

    @property
    def module(self) -> str:
        """``package.module``."""
        return self.name.partition(":")[0]

    def check(self) -> ModuleSpec:
        """Find the module without running anything of it.

        Raises:
            InputError: there is none; the message says where it was looked for.
        """
        places: list[str] | None = [str(Path.cwd()), *sys.path]
        spec, known = None, ""
        for word in self.module.split("."):
            known = f"{known}.{word}" if known else word
            spec = PathFinder.find_spec(known, places) if places is not None else None
            if spec is None:
                raise InputError(
                    f"there is no module {self.module}",
                    got=f"{self.name}, of which {known} is not there",
                    expected=f"a module in {Path.cwd()}, or one that is installed",
                    remedy="call from the folder that your package lies in, or correct the name",
                )
            found = spec.submodule_search_locations
            places = None if found is None else list(found)
        assert spec is not None, "a name has a word"
        return spec

    @property
    def code(self) -> dict[str, str]:
        """What a run records of the code: the file of the module, not what that imports."""
        origin = self.check().origin
        is_file = origin is not None and Path(origin).is_file()
        return {"module_sha256": hashlib.sha256(read_bytes(Path(origin))).hexdigest()} if is_file and origin else {}

    def state_of(self, model: "UserNetwork") -> "dict[str, Tensor]":
        """What another process needs beside this: the weights as they are here, wherever the factory has them from."""
        return model.state_dict()

    def build(self, config: "NetworkConfig") -> "UserNetwork":
        """Import the module and call the factory, with torch's random numbers seeded; they are given back.

        The working directory is searched first, and stays on Python's path.

        Raises:
            InputError: there is no such module, or it fails.
            ConfigurationError: no factory is called so, it needs arguments, fails, or gives something else.
        """
        import torch

        from qaml_qiskit.models.user_network import snapshot

        self.check()
        if (here := str(Path.cwd())) not in sys.path:
            sys.path.insert(0, here)
        with torch.random.fork_rng(devices=[]):
            # Twice: a module is imported once, and may draw numbers, too.
            torch.manual_seed(_SEED)
            found = self._found()
            torch.manual_seed(_SEED)
            return snapshot(self._made(found), self.name, config)

    def _found(self) -> object:
        """What the name stands for."""
        try:
            found: object = importlib.import_module(self.module)
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{self.module} cannot be imported",
                got=f"{type(error).__name__}: {printable(str(error))}",
                expected="a module that Python imports",
                remedy=f"mend it until `python -c 'import {self.module}'` works in this folder",
            ) from error
        for word in self.name.partition(":")[2].split("."):
            if not hasattr(found, word):
                raise ConfigurationError(
                    f"{self.module} has no {self.name.partition(':')[2]}",
                    got=self.name,
                    expected="the name of a function without arguments, or of a class, that gives a torch.nn.Module",
                    remedy="correct the name behind the colon",
                )
            found = getattr(found, word)
        return found

    def _made(self, found: object) -> "nn.Module":
        """The network that the factory gives."""
        from torch import nn

        if not isinstance(found, nn.Module):
            found = self._called(found)
        if not isinstance(found, nn.Module):
            raise ConfigurationError(
                f"{self.name} gives no network",
                got=f"a {type(found).__name__}",
                expected="a torch.nn.Module from images to logits",
                remedy="return the network itself, with its weights loaded",
            )
        return found

    def _called(self, factory: object) -> object:
        if not callable(factory) or _needed(factory):
            raise ConfigurationError(
                f"{self.name} cannot be called",
                got=f"a factory that needs {', '.join(_needed(factory))}" if callable(factory) else repr(type(factory)),
                expected="a function without arguments, or a class, that gives a torch.nn.Module",
                remedy="write a function beside it that takes nothing and calls it",
            )
        try:
            return factory()
        except QamlError:
            raise
        except (Exception, SystemExit) as error:
            raise ConfigurationError(
                f"{self.name} fails",
                got=f"{type(error).__name__}: {printable(str(error))}",
                expected="a function that gives a torch.nn.Module, with its weights loaded",
                remedy="mend it; files are looked for from this folder",
            ) from error


def _needed(factory: object) -> list[str]:
    """The arguments that a callable cannot be called without."""
    try:
        parameters = inspect.signature(factory).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        # Something that is not written in Python; it says itself what it needs.
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [each.name for each in parameters if each.default is each.empty and each.kind not in optional]
