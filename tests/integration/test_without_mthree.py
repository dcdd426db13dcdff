"""Where mthree is not installed, M3 is refused before anything is done, and everything else works."""

import ast
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qiskit.primitives.containers import BitArray

import qaml_qiskit
from qaml_qiskit import DetectRequest, ForecastRequest, RunRequest, SweepRequest, environment
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import Calibration, ReadoutCorrection, options
from tests.integration.conftest import Finished
from tests.unit.execution.job_cases import small_workload

REFUSED = r"m3 cannot be had here: got no package mthree for Python 3.*readout, which needs no mthree"
Qaml = Callable[..., Finished]
PACKAGE = Path(qaml_qiskit.__file__).parent


@pytest.fixture(autouse=True)
def without_mthree(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(options, "find_spec", lambda name: None if name == "mthree" else found(name))
    monkeypatch.setitem(__import__("sys").modules, "mthree", None)


def test_a_workload_is_refused_and_one_of_another_mitigation_is_not() -> None:
    with pytest.raises(ConfigurationError, match=REFUSED):
        small_workload(mitigation="m3")
    assert small_workload(mitigation="readout").settings.mitigation == "readout"


@pytest.mark.parametrize("kind", [RunRequest, ForecastRequest, SweepRequest, DetectRequest])
def test_every_request_is_refused_before_its_models_are_read(kind: type[RunRequest]) -> None:
    more = {"engine": "aer-sampler"} if kind is SweepRequest else {}
    name = "models" if "models" in kind.model_fields else "model"
    request = kind.model_validate({name: "nowhere", "mitigation": "m3", **more})
    with pytest.raises(ConfigurationError, match=REFUSED):
        request.check_installed()
    function = getattr(qaml_qiskit, kind.command)
    with pytest.raises(ConfigurationError, match=REFUSED):
        function(**{name: "nowhere", "mitigation": "m3", **more})
    # What nobody asked for needs no package.
    kind.model_validate({name: "nowhere"}).check_installed()


def test_the_command_leaves_nothing(qaml: Qaml, tmp_path: Path) -> None:
    words = ("run", "mnist-shallow12", "--target", "fake-torino", "--mitigation", "m3")
    found = qaml(*words, "--out", tmp_path / "run")
    assert found.code == 2
    assert "install mthree" in " ".join(found.err.split())
    assert not (tmp_path / "run").exists()


def test_what_was_read_elsewhere_is_corrected_by_readout_alone() -> None:
    record = Calibration(target="", created="", shots=1000, qubits=(0, 1), p10=(0.1, 0.1), p01=(0.2, 0.2))
    bits = BitArray.from_bool_array(np.zeros((1, 20, 2), dtype=bool), order="little")
    assert ReadoutCorrection(record, "readout").z_from_bits(bits, (0, 1)).shape == (1, 2)
    with pytest.raises(ConfigurationError, match=REFUSED):
        ReadoutCorrection(record, "m3").z_from_bits(bits, (0, 1))


def test_it_is_said_what_is_missing(qaml: Qaml, monkeypatch: pytest.MonkeyPatch) -> None:
    found = qaml("--version")
    assert found.code == 0
    assert "without mitigation m3: mthree is not installed" in found.out
    known = environment.version
    absent = environment.PackageNotFoundError

    def version(name: str) -> str:
        if name == "mthree":
            raise absent(name)
        return known(name)

    monkeypatch.setattr(environment, "version", version)
    told = json.loads(json.dumps(environment.describe_environment()))
    assert told["packages"]["mthree"] is None
    assert told["missing"] == {"mitigation m3": "mthree is not installed"}


def test_nothing_imports_mthree_where_it_is_not_used() -> None:
    at_the_top = [
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        for node in ast.parse(file.read_text("utf-8")).body
        if "mthree" in (getattr(node, "module", None) or "")
        or any(alias.name.startswith("mthree") for alias in getattr(node, "names", ()) if isinstance(alias, ast.alias))
    ]
    assert not at_the_top
