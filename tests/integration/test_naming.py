"""Models by name: where they are looked for, and what is said of a name that is not there."""

from pathlib import Path

import pytest

from qaml_qiskit.deployments.references import model_part, model_path, reference_names
from qaml_qiskit.errors import InputError, nearest

CHECKOUT = Path(__file__).parents[2]


def test_references_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {"mnist-qvc200", "fashion-mnist-qvc1000", "mnist-shallow12"} <= set(reference_names())
    assert model_path("mnist-qvc200").resolve() == CHECKOUT / "runs" / "reference" / "mnist-qvc200"


def test_what_the_user_has_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = Path("runs/reference/mnist-qvc200")
    own.mkdir(parents=True)
    (own / "model.safetensors").write_bytes(b"")
    assert model_path("mnist-qvc200") == own
    Path("mnist-qvc200").mkdir()
    assert model_path("mnist-qvc200") == Path("mnist-qvc200")


def test_a_name_that_is_not_there_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        model_path("mnist-qvc20")
    assert "looked for in ., " in str(refused.value.got)
    assert "mnist-qvc1000" in refused.value.expected
    assert refused.value.remedy.startswith("perhaps mnist-qvc200")


@pytest.mark.parametrize("name", ["", "@depolarizing:0.1"])
def test_no_name_is_no_model(name: str) -> None:
    with pytest.raises(InputError, match=f"there is no such model: got '{name}'"):
        model_path(model_part(name))


def test_a_results_folder_is_no_reference_model() -> None:
    assert "mnist-transfer" not in reference_names()


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("fake-torrino", ["fake-fez", "fake-torino", "ideal"], ["fake-torino"]),
        ("Fake_Torino", ["fake-torino"], ["fake-torino"]),
        ("faketornio", ["FakeTorino", "FakeFez"], ["FakeTorino"]),
        ("zen", ["none", "m3"], []),
    ],
)
def test_nearest_names(name: str, known: list[str], found: list[str]) -> None:
    assert nearest(name, known)[:1] == found
