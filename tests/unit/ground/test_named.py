"""A field that names a part of a registry."""

from typing import Annotated

import pytest
from pydantic import BaseModel, TypeAdapter

from qaml_qiskit.errors import ConfigurationError, DamagedFileError
from qaml_qiskit.formats import fitted
from qaml_qiskit.registry import Named, Registry
from qaml_qiskit.workflows.request import Request

SHAPES: Registry[object] = Registry("shape", {"ladder": ("nowhere:ladder", "every bond"), "ring": ("nowhere:ring", "")})
Shape = Annotated[str, Named(SHAPES)]


class InFile(BaseModel):
    shape: Shape = "ladder"


class Asked(Request):
    shape: Shape = "ladder"
    shapes: tuple[Annotated[str, Named(SHAPES, also={"none": "no shape at all"})], ...] = ()


def test_known_names_pass_without_their_parts_being_loaded() -> None:
    asked = Asked.model_validate({"shape": "ring", "shapes": ["none", "ladder"]})
    assert (asked.shape, asked.shapes) == ("ring", ("none", "ladder"))


@pytest.mark.parametrize("values", [{"shape": "laddr"}, {"shapes": ["ladder", "laddr"]}])
def test_unknown_names_are_refused_by_the_field_with_the_nearest(values: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{next(iter(values))} does not fit: got 'laddr'.*Perhaps ladder"):
        Asked.model_validate(values)


def test_a_file_that_names_what_is_not_there_is_not_damaged() -> None:
    with pytest.raises(ConfigurationError, match="there is no such shape: got 'cube'") as refused:
        fitted({"shape": "cube"}, "a file", InFile)
    assert not isinstance(refused.value, DamagedFileError)


def test_names_that_are_registered_later_pass() -> None:
    SHAPES.register("star", object(), "all with one")
    try:
        assert TypeAdapter(Shape).validate_python("star") == "star"
    finally:
        SHAPES.remove("star")


def test_the_further_words_are_told() -> None:
    assert Named(SHAPES, also={"none": "no shape at all"}).told() == {
        "ladder": "every bond", "ring": "", "none": "no shape at all",
    }  # fmt: skip


def test_files_are_taken_by_their_endings() -> None:
    named = Named(SHAPES, files={".svg": "a drawing"})
    assert named.told() == {"ladder": "every bond", "ring": "", "FILE.svg": "a drawing"}
    taken = TypeAdapter(Annotated[str, named])
    assert taken.validate_python("./mine.svg") == "./mine.svg"
    with pytest.raises(ValueError, match=r"one of ladder, ring, FILE\.svg"):
        taken.validate_python("mine.png")
