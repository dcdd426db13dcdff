from pathlib import Path

import pytest

import qaml_qiskit
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import load_catalogue, load_recipe, recipe_names
from qaml_qiskit.execution.catalogue import AerEntry, FakeEntry, fake_devices
from qaml_qiskit.execution.names import BACKENDS_VARIABLE

CHECKOUT = Path(qaml_qiskit.__file__).parent.parent
ONE = "targets:\n  {name}: {{kind: ideal}}\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "backends.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_checkout_and_package_ship_the_same_catalogue() -> None:
    packaged = CHECKOUT / "qaml_qiskit" / "execution" / "default_backends.yaml"
    assert (CHECKOUT / "backends.yaml").read_text() == packaged.read_text()


def test_shipped_catalogue_has_every_kind() -> None:
    catalogue = load_catalogue()
    assert {entry.kind for entry in catalogue.targets.values()} == {"ideal", "aer", "fake", "ibm"}
    noisy = catalogue.entry("poor-readout")
    assert isinstance(noisy, AerEntry)
    assert noisy.noise.readout.p01 == 0.15
    device = catalogue.entry("fake-torino")
    assert isinstance(device, FakeEntry)
    assert device.device in fake_devices()


def test_search_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option, then the environment, then the working directory, then the package."""
    assert "fake-torino" in load_catalogue().targets
    written(tmp_path, ONE.format(name="here"))
    assert set(load_catalogue().targets) == {"here"}
    named = tmp_path / "named.yaml"
    named.write_text(ONE.format(name="named"))
    monkeypatch.setenv(BACKENDS_VARIABLE, str(named))
    assert set(load_catalogue().targets) == {"named"}
    option = tmp_path / "option.yaml"
    option.write_text(ONE.format(name="option"))
    assert set(load_catalogue(option).targets) == {"option"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("targets: {a: {kind: fakr}}", ["targets.a", "'fakr'", "'ideal', 'aer', 'fake', 'snapshot', 'ibm'"]),
        ("targets: {a: {device: FakeTorino}}", ["targets.a", "no kind", "ideal, aer, fake, snapshot, ibm"]),
        ("targets: {a: {kind: fake, device: FakeTorin}}", ["targets.a.device", "'FakeTorin'", "FakeTorino"]),
        ("targets: {a: {kind: fake}}", ["targets.a.device", "no such field"]),
        ("targets: {a: {kind: ideal, shots: 3}}", ["targets.a.shots", "unknown field 'shots'"]),
        ("targets: {a: {kind: aer, noise: {bitflip: 0.1}}}", ["a.noise.bitflip", "Perhaps bit_flip is meant"]),
        ("targets: {a: {kind: aer, noise: {bit_flip: 2}}}", ["a.noise.bit_flip", "got 2", "at most 1"]),
        ("targets: {a: {kind: ibm, device: IBM Torino}}", ["targets.a.device", "IBM Torino"]),
        ("target: {a: {kind: ideal}}", ["unknown field 'target'", "Perhaps targets is meant"]),
        ("targets: [1]", ["targets", "[1]"]),
        ("[]", ["the whole file"]),
        ("", ["targets", "no such field"]),
        ("targets: {a: [", ["no valid YAML"]),
    ],
)
def test_mistakes_name_file_entry_field_and_choices(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_catalogue(path)
    message = str(caught.value)
    for part in [str(path), *parts]:
        assert part in message
    assert "\n" not in message


def test_missing_file() -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        load_catalogue(Path("nowhere.yaml"))


def test_unknown_target_lists_the_known() -> None:
    with pytest.raises(ConfigurationError, match="fake-torino"):
        load_catalogue().entry("fake-turin")


def test_every_shipped_recipe_loads_and_says_why() -> None:
    assert {"level3", "quick"} <= set(recipe_names())
    for name in recipe_names():
        assert load_recipe(name).why


def test_recipe_by_path_and_from_the_workspace(tmp_path: Path) -> None:
    text = "why: mine\noptimization_level: 1\nseeds: [4]\n"
    (tmp_path / "mine.yaml").write_text(text)
    assert load_recipe(str(tmp_path / "mine.yaml")).seeds == (4,)
    (tmp_path / "transpile").mkdir()
    (tmp_path / "transpile" / "level3.yaml").write_text(text)
    assert load_recipe("level3").why == "mine"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("optimization_level: 1\nseeds: [4]\n", "why"),
        ("why: x\noptimization_level: 4\nseeds: [4]\n", "optimization_level"),
        ("why: x\noptimization_level: 1\nseeds: []\n", "seeds"),
        ("why: x\noptimization_level: 1\nseeds: [1]\nlevel: 2\n", "unknown field 'level'"),
    ],
)
def test_recipe_mistakes(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=part):
        load_recipe("mine.yaml")


def test_unknown_recipe_lists_the_known() -> None:
    with pytest.raises(ConfigurationError, match="level3"):
        load_recipe("level4")
