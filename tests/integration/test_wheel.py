"""The built wheel, installed into an environment of its own, used from an empty directory."""

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import qaml_qiskit
from qaml_qiskit.simulation.native import load_kernel

CHECKOUT = Path(qaml_qiskit.__file__).parent.parent
pytestmark = pytest.mark.first

#: The references small enough for the wheel; other seeds of them stay in the source.
QVC_REFERENCES = sorted(
    path.parent.name
    for path in CHECKOUT.glob("runs/reference/*/model.safetensors")
    if json.loads(path.with_name("model.json").read_text())["model"]["kind"] == "qvc"
    and "-seed" not in path.parent.name
)


def call(*command: object, cwd: Path, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "QAML_BACKENDS")}
    environment = {**kept, **variables}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # What the compiler optimises is as large as the kernel is fast; what is in the wheel is the same.
    return built(tmp_path_factory.mktemp("wheel"), CXXFLAGS="-O0")


def built(folder: Path, **variables: str) -> Path:
    """A wheel from a copy of what git tracks, so that nothing lying about in the checkout gets in."""
    source = folder / "source with a space"
    source.mkdir()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (CHECKOUT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((CHECKOUT / name).read_bytes())
    command = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ".")
    call(*command, cwd=source, **variables)
    (found,) = folder.glob("*.whl")
    return found


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"qaml_qiskit"}
    for data in (
        "qaml_qiskit/py.typed",
        "qaml_qiskit/_recipes/level3.yaml",
        "qaml_qiskit/execution/default_backends.yaml",
        "qaml_qiskit/reports/templates/page.html",
    ):
        assert data in names
    for reference in QVC_REFERENCES:
        for file in ("model.json", "model.safetensors", "metrics.json"):
            assert f"qaml_qiskit/_references/{reference}/{file}" in names, "missing from setup.cfg"
    assert not [name for name in names if "-seed" in name]
    packages = {path.parent.relative_to(CHECKOUT) for path in (CHECKOUT / "qaml_qiskit").rglob("__init__.py")}
    for package in packages:
        assert f"{package}/__init__.py" in names, f"{package} is missing from setup.cfg"


def test_the_wheels_description_stands_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
    assert "Author: The qaml-qiskit developers" in metadata
    targets = re.findall(r"\]\(([^)]*)\)", metadata)
    assert [target for target in targets if not target.startswith("https://")] == []
    assert "# qaml-qiskit" in metadata
    assert "Bars: 95 %" not in metadata, "a caption without its picture"


def use(bin_folder: Path, empty: Path) -> None:
    qaml = bin_folder / "qaml"
    assert "Usage: qaml" in call(qaml, "--help", cwd=empty)
    assert call(qaml, "init", cwd=empty)
    assert sorted(path.name for path in empty.iterdir()) == ["backends.yaml", "transpile"]
    rows = json.loads(call(qaml, "resources", "--qubits", 3, "--layers", 1, "--json", cwd=empty))["results"]
    assert rows[-1]["target"] == "fake-torino"
    load = "from qaml_qiskit.deployments import deploy; "
    script = load + "print(deploy('mnist-qvc200').card.model.num_layers)"
    assert call(bin_folder / "python", "-c", script, cwd=empty).strip() == "200"
    where = call(bin_folder / "python", "-c", "import qaml_qiskit; print(qaml_qiskit.__file__)", cwd=empty).strip()
    assert not where.startswith(str(CHECKOUT / "qaml_qiskit"))


def test_installed_wheel_works_from_an_empty_directory(wheel: Path, tmp_path: Path) -> None:
    """The dependencies are borrowed from the running environment; the package itself comes from the wheel alone."""
    environment, empty = tmp_path / "environment", tmp_path / "empty"
    venv.create(environment, with_pip=False)
    empty.mkdir()
    call(sys.executable, "-m", "pip", "--python", environment, "install", "-q", "--no-deps", wheel, cwd=empty)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(
        "\n".join(path for path in sys.path if path.endswith("site-packages")) + "\n"
    )
    use(environment / "bin", empty)


@pytest.mark.slow
def test_a_wheel_without_a_kernel_where_there_is_no_compiler(tmp_path: Path) -> None:
    wheel = built(tmp_path, CC="false", CXX="false")
    assert not any(name.endswith(".so") for name in zipfile.ZipFile(wheel).namelist())
    script = "from qaml_qiskit.simulation import backend_description; print(backend_description())"
    said = call(sys.executable, "-P", "-c", script, cwd=tmp_path, PYTHONPATH=str(wheel))
    assert said.strip() == "torch (no compiled kernel)"


def test_the_wheels_kernel_needs_no_compiler(wheel: Path) -> None:
    if load_kernel() is None:
        pytest.skip("the compiled kernel was not built")
    assert any("simulation/_kernel" in name for name in zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_wheel_and_all_its_dependencies_install(wheel: Path, tmp_path: Path) -> None:
    """One plain resolve, as a user would do it; takes a few minutes and 1.5 GB."""
    environment, empty = tmp_path / "environment", tmp_path / "empty"
    venv.create(environment, with_pip=True)
    empty.mkdir()
    python = environment / "bin" / "python"
    call(python, "-m", "pip", "install", "-q", "-c", CHECKOUT / "constraints.txt", wheel, cwd=empty)
    call(python, "-m", "pip", "check", cwd=empty)
    use(environment / "bin", empty)
