"""One registry for all parts by name: those of the package, of other packages, and of this process."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qaml_qiskit.errors import ConfigurationError, PlugInWarning
from qaml_qiskit.registry import Registry

Installed = Callable[..., None]
OWN = {"dict": ("builtins:dict", "a mapping"), "list": ("builtins:list", "a row")}


def boxes(base: str | None = None) -> Registry[type]:
    return Registry("toy box", OWN, base)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Puts a distribution with entry points, and one module of text, on the path."""

    def install(name: str, points: str, module: str = "") -> None:
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[qaml_qiskit.toy_box]\n{points}\n")
        (tmp_path / f"{name}.py").write_text(module)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, name, raising=False)

    return install


def test_names_come_in_order_with_their_text_and_parts_when_they_are_taken() -> None:
    registry = Registry("toy box", {**OWN, "lost": ("no_such_module:part", "nowhere")})
    assert list(registry) == ["dict", "list", "lost"]
    assert registry.told() == {"dict": "a mapping", "list": "a row", "lost": "nowhere"}
    assert registry.check("lost").owner == "qaml-qiskit"  # nothing was imported
    assert registry["dict"] is dict
    assert "list" in registry
    assert "tuple" not in registry


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"there is no such toy box: got 'dct'.*Perhaps dict is meant"):
        boxes()["dct"]


def test_a_part_is_registered_in_this_process_and_taken_away() -> None:
    registry = boxes()

    class Bag:
        """A bag.

        And more.
        """

    registry.register("bag", Bag)
    assert (list(registry), registry.told()["bag"], registry["bag"]) == (["dict", "list", "bag"], "A bag.", Bag)
    with pytest.raises(ConfigurationError, match="'bag', which is taken by this process"):
        registry.register("bag", Bag)
    registry.remove("bag")
    assert "bag" not in registry
    registry.register("bag", Bag, "told otherwise")
    assert registry.told()["bag"] == "told otherwise"


def test_the_packages_own_parts_stay() -> None:
    registry = boxes()
    with pytest.raises(ConfigurationError, match="'dict', which is taken by qaml-qiskit"):
        registry.register("dict", list)
    registry.remove("dict")
    assert registry["dict"] is dict


def test_entry_points_are_found_and_loaded_when_they_are_taken(installed: Installed) -> None:
    installed("plugbag", "bag = plugbag:Bag", "class Bag: pass")
    registry = boxes()
    assert registry.told()["bag"] == "from plugbag"
    assert "plugbag" not in sys.modules
    assert registry["bag"].__name__ == "Bag"
    registry.remove("bag")
    assert "bag" in registry


@pytest.mark.parametrize("module", ["1 / 0", "import no_such_library", "class Other: pass", "exit(1)"])
def test_a_plugin_that_cannot_be_loaded_is_named_and_the_rest_works(installed: Installed, module: str) -> None:
    installed("plugbroken", "bag = plugbroken:Bag", module)
    registry = boxes()
    with pytest.raises(ConfigurationError, match=r"the toy box 'bag' cannot be loaded: got .* from plugbroken"):
        registry["bag"]
    assert list(registry) == ["dict", "list", "bag"]
    assert registry["list"] is list
    with pytest.warns(PlugInWarning, match="plugbroken"):
        assert registry.parts() == {"dict": dict, "list": list}


def test_a_plugin_with_a_taken_name_is_left_out_and_named(installed: Installed) -> None:
    installed("plugdict", "dict = plugdict:Mine\nbag = plugdict:Mine", "class Mine: pass")
    registry = boxes()
    with pytest.warns(PlugInWarning, match="'dict' of plugdict is left out: the name is taken by qaml-qiskit"):
        assert list(registry) == ["dict", "list", "bag"]
    assert registry["dict"] is dict


@pytest.mark.parametrize("name", ["", "two words", "a,b", "a@b", "a:0.1", "-x", "a/b", "bell\a", "x" * 65])
def test_a_name_that_cannot_be_written_everywhere_is_refused(name: str) -> None:
    registry = boxes()
    with pytest.raises(ConfigurationError, match=r"cannot register the toy box: got the name '.*expected at most 64"):
        registry.register(name, dict)
    assert list(registry) == ["dict", "list"]


def test_a_plugin_with_such_a_name_is_left_out_and_named(installed: Installed) -> None:
    installed(
        "plugnames",
        f"two words = plugnames:Bag\na@b = plugnames:Bag\n{'x' * 65} = plugnames:Bag\nbäg.2 = plugnames:Bag",
    )
    with pytest.warns(PlugInWarning, match="of plugnames is left out: a name is at most 64") as said:
        assert list(boxes()) == ["dict", "list", "bäg.2"]
    assert [str(each.message).split("'")[1] for each in said] == ["two words", "a@b", "x" * 61 + "..."]


def test_parts_of_another_kind_are_refused(installed: Installed) -> None:
    installed("plugtext", "text = plugtext:TEXT", "TEXT = 'no box'")
    registry = boxes(base="builtins:dict")

    class Bag(dict):  # type: ignore[type-arg]
        """A bag."""

    with pytest.raises(ConfigurationError, match="'text' cannot be used: got a str from plugtext; expected dict"):
        registry["text"]
    with pytest.raises(ConfigurationError, match="'row' cannot be used: got a list from this process"):
        registry.register("row", [])  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="got the class list from this process"):
        registry.register("row", list)
    registry.register("bag", Bag)
    registry.register("one", Bag())  # type: ignore[arg-type]
    assert list(registry) == ["dict", "list", "bag", "one", "text"]
