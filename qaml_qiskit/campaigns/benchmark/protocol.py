"""The protocols of ``qaml benchmark``: which commands every model goes through, and which of their figures count.

A protocol is data, in ``protocolN.yaml`` beside this module, and never changes once cards of it exist: another size,
strength or figure is another version. What is in such a file:

- ``data_sets``: where the protocol is defined, with the fingerprint of the test images, the model whose adversarial
  images are shown to all others, and the sizes and strengths.
- ``targets`` and ``recipes``: what the names of these stand for, so that every card is about the same device.
- ``steps``: commands and their fields. ``$NAME`` stands for a size of the data set, ``$model`` for the model.
- ``figures``: where in the results of a step each figure is found, and what kind of number it is.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache, cached_property
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from qaml_qiskit.errors import unknown_name
from qaml_qiskit.formats import fitted, yaml_of

_PLACE = "qaml_qiskit.campaigns.benchmark"
_FILE = re.compile(r"protocol(\d+)\.yaml")
_WORD = re.compile(r"\$(\w+)")
_MEND = "install the package again"

Scalar = int | float | str
#: What a step or a figure asks of a model: a circuit; logits that are quadratic forms of the image; that it is not the
#: model itself which the images are made on.
Need = Literal["circuit", "forms", "another"]
#: ``rate``: so many of so many images. ``share``: a mean of shares, with an interval over the images. ``given``: a
#: figure whose interval the command works out. ``number``: one without an interval. ``verdict``: a word.
Kind = Literal["rate", "share", "given", "number", "verdict"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class TestSet(_Part):
    """The test images of a data set."""

    images: Annotated[int, Field(ge=1)]
    """How many there are."""
    fingerprint: str
    """Of all of them, as a model takes them."""


class Source(_Part):
    """The model that the transferred images are made on."""

    model: str
    """The name of the reference."""
    weights: str
    """Its fingerprint."""


class Arena(_Part):
    """A data set on which the protocol is defined."""

    why: str = ""
    """What its results are good for."""
    shape: tuple[int, int, int]
    """Of an image: (C, H, W)."""
    classes: Annotated[int, Field(ge=2)]
    """All of the data set."""
    test: TestSet
    """The test images."""
    source: Source
    """Whose adversarial images are shown to the others."""
    sizes: dict[str, Scalar]
    """Numbers of images, strengths and the like, by the names that the steps use."""

    @property
    def words(self) -> dict[str, Scalar]:
        """What ``$NAME`` stands for, but for the model."""
        return {**self.sizes, "test": self.test.images, "source": self.source.model}


class StepPlan(_Part):
    """A command that the model goes through."""

    command: str
    """A function of :mod:`qaml_qiskit`."""
    told: str
    """What it is for."""
    fields: dict[str, Any]
    """Of its request."""
    without_record: dict[str, Any] = {}
    """Fields that are others for a network that keeps no record of its training."""
    needs: Need | None = None
    """What a model must have for it."""


class FigurePlan(_Part):
    """Where a figure is found."""

    told: str
    """What it is."""
    step: str
    """In whose results."""
    table: str = "results"
    """In which table of them."""
    where: dict[str, Any] = {}
    """What its row has in these columns."""
    otherwise: dict[str, Any] | None = None
    """What the row has where there is none such, as for a network without a record of its training."""
    column: str
    """Of the row."""
    kind: Kind
    """What kind of number it is."""
    interval: str = ""
    """The column of the interval of a figure that is given."""
    complement: bool = False
    """One less what the column says."""
    among: str = ""
    """The column with the share of the images that the rate is over; all of them without."""
    images: str = ""
    """How many images, as a size."""
    better: Literal["high", "low", ""] = ""
    """Which end is the better one."""


class Protocol(_Part):
    """A version of the benchmark."""

    version: Annotated[int, Field(ge=1)]
    """Its number."""
    why: str
    """What it measures, and why so."""
    data_sets: dict[str, Arena]
    """Where it is defined."""
    targets: dict[str, dict[str, Any]]
    """What the targets of the steps are: entries of a backends.yaml."""
    recipes: dict[str, dict[str, Any]]
    """What the recipes of the steps ask for."""
    steps: dict[str, StepPlan]
    """By short names."""
    figures: dict[str, FigurePlan]
    """In the order of a row's columns."""

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of everything in it but its texts, which may be mended."""
        plain = self.model_dump(mode="json", exclude={"why": True})
        for part in ("data_sets", "steps", "figures"):
            for entry in plain[part].values():
                entry.pop("told", None)
                entry.pop("why", None)
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]

    def on(self, dataset: str) -> Arena:
        """The protocol's sizes for a data set.

        Raises:
            ConfigurationError: it is not defined there.
        """
        if dataset not in self.data_sets:
            raise unknown_name(
                f"version {self.version} of the benchmark is not defined for this data set",
                dataset,
                self.data_sets,
                remedy="benchmark a model of one of these",
            )
        return self.data_sets[dataset]

    def size(self, figure: str, arena: Arena) -> int | None:
        """How many images a figure is over; None for one that is over none."""
        name = self.figures[figure].images
        return int(arena.words[name]) if name else None


def filled(value: Any, words: Mapping[str, Any]) -> Any:
    """A value of a protocol with ``$NAME`` replaced: alone by what it stands for, within a text by its words."""
    if isinstance(value, Mapping):
        return {name: filled(each, words) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, words) for each in value]
    if not isinstance(value, str):
        return value
    if (alone := _WORD.fullmatch(value)) is not None:
        return words[alone[1]]
    return _WORD.sub(lambda found: str(words[found[1]]), value)


def versions() -> list[int]:
    """The versions that there are."""
    names = (_FILE.fullmatch(file.name) for file in resources.files(_PLACE).iterdir())
    return sorted(int(name[1]) for name in names if name is not None)


@cache
def load_protocol(version: int) -> Protocol:
    """A version of the benchmark.

    Raises:
        ConfigurationError: there is no such version.
    """
    known = versions()
    if version not in known:
        raise unknown_name("there is no such version of the benchmark", version, map(str, known))
    name = f"protocol{version}.yaml"
    content = (resources.files(_PLACE) / name).read_bytes()
    return fitted(yaml_of(content, name, _MEND), name, Protocol, _MEND)
