"""Networks by the names of their files and factories."""

import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from qaml_qiskit.attacks import make_attack, run_attack
from qaml_qiskit.deployments import Deployment, deploy
from qaml_qiskit.errors import QamlError
from tests.tolerances import VALUE
from tests.unit.models.network_cases import card, images, plain


@dataclass(frozen=True)
class Programs:
    """Files of torch.export; in front of any other dash, the kind of batch."""

    folder: Path

    def __getitem__(self, name: str) -> str:
        return str(self.folder / f"{name}.pt2")


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """One network, exported with any batch, with at most 4 images, with exactly 4; and others that do not fit."""
    folder = tmp_path_factory.mktemp("programs")
    some, batch = images(4), torch.export.Dim("batch")
    shapes = {"any": ({0: batch},), "few": ({0: torch.export.Dim("batch", max=4)},), "fixed": None}
    for name, dynamic in shapes.items():
        torch.export.save(torch.export.export(plain().eval(), (some,), dynamic_shapes=dynamic), folder / f"{name}.pt2")
    torch.export.save(torch.export.export(plain().eval().double(), (some.double(),)), folder / "double.pt2")
    torch.export.save(torch.export.export(plain().train(), (some,)), folder / "training.pt2")
    flat = nn.Linear(16, 3)
    torch.export.save(torch.export.export(flat, (some.flatten(1),)), folder / "flat.pt2")
    (folder / "text.pt2").write_text("hello")
    (folder / "cut.pt2").write_bytes((folder / "fixed.pt2").read_bytes()[:3000])
    return Programs(folder)


def wanted(count: int) -> np.ndarray:
    with torch.no_grad():
        return plain().eval()(images(count)).numpy()


@pytest.mark.parametrize("kind", ["any", "few", "fixed", "double"])
def test_a_program_takes_any_number_of_images(programs: Programs, kind: str) -> None:
    deployment = deploy(programs[kind], data=card())
    for count in (0, 1, 3, 4, 9):
        np.testing.assert_allclose(deployment.logits(images(count)), wanted(count), rtol=0, atol=VALUE[torch.float32])
    again = pickle.loads(pickle.dumps(deployment))
    assert torch.equal(again.logits(images(3)), deployment.logits(images(3)))
    assert again.weights == deployment.weights
    assert "ran that code" in deployment.notes[0]


@pytest.mark.parametrize("kind", ["any", "fixed"])
def test_gradients_go_through_a_program(programs: Programs, kind: str) -> None:
    ours, theirs = images(3).requires_grad_(), images(3).requires_grad_()
    deploy(programs[kind], data=card()).module(ours).square().sum().backward()
    plain().eval()(theirs).square().sum().backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=0, atol=1e2 * VALUE[torch.float32])
    module = deploy(programs[kind], data=card()).module
    result = run_attack(module, images(3), torch.zeros(3, dtype=torch.int64), make_attack("pgd", eps=0.1, steps=2))
    assert result.linf.max() <= 0.1 + VALUE[torch.float32]


def test_a_program_in_training_mode_is_told_of(programs: Programs) -> None:
    assert any("is random" in note for note in deploy(programs["training"], data=card()).notes)


REFUSED = {
    "flat": "is not for these images: got a program that takes (4, 16)",
    "text": "cannot be loaded: got BadZipFile",
    "cut": "cannot be loaded: got BadZipFile",
    "gone": "cannot read",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_no_network_is_refused(programs: Programs, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(QamlError) as refused:
        deploy(programs[kind], data=card())
    assert REFUSED[kind] in str(refused.value)
    # torch would tell the traceback.
    assert capfd.readouterr().err == ""


def test_a_program_for_other_images_is_refused(programs: Programs) -> None:
    with pytest.raises(QamlError, match=r"is not for these images: got .*\(4, 1, 4, 4\).*; expected .*\(N, 1, 5, 5\)"):
        deploy(programs["fixed"], data=card((1, 5, 5)))
    with pytest.raises(QamlError, match=r"gives no logits: got .*\(4, 3\)"):
        deploy(programs["fixed"], data=card(classes=2))


CODE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, size=16):
        super().__init__()
        self.linear = nn.Linear(size, 3)
        self.activation = lambda values: values.relu()

    def forward(self, images):
        return self.activation(self.linear(images.flatten(1)))


def made():
    return Net()


def needs(size):
    return Net(size)


def fails():
    raise OSError("weights.pt is not here")


def leaves():
    raise SystemExit(3)


nothing = None
number = made
ready = Net()
text = lambda: "text"
"""


@pytest.fixture
def package() -> Iterator[Path]:
    """A package of the user's in the working directory; Python forgets it afterwards."""
    path, modules = list(sys.path), set(sys.modules)
    folder = Path("userland")
    folder.mkdir()
    (folder / "nets.py").write_text(CODE)
    (folder / "broken.py").write_text("import nothing_like_this")
    yield folder
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("userland"):
            del sys.modules[name]


def named(name: str) -> Deployment:
    return deploy(name, data=card())


@pytest.mark.parametrize("name", ["made", "Net", "ready"])
def test_a_factory_gives_the_same_network_every_time(package: Path, name: str) -> None:
    state = torch.get_rng_state()
    deployment = named(f"userland.nets:{name}")
    assert torch.equal(torch.get_rng_state(), state)
    again = pickle.loads(pickle.dumps(deployment))
    for other in (again, named(f"userland.nets:{name}")):
        assert other.weights == deployment.weights
        assert torch.equal(other.logits(images()), deployment.logits(images()))
    assert deployment.code.keys() == {"module_sha256"}


def test_other_code_is_another_network(package: Path) -> None:
    before = named("userland.nets:ready")
    file = package / "nets.py"
    file.write_text(file.read_text() + "\n# changed\n")
    assert named("userland.nets:ready").weights != before.weights


FACTORIES = {
    "userland.nets:needs": "cannot be called: got a factory that needs size",
    "userland.nets:fails": "fails: got OSError: weights.pt is not here",
    "userland.nets:leaves": "fails: got SystemExit: 3",
    "userland.nets:text": "gives no network: got a str",
    "userland.nets:nothing": "cannot be called",
    "userland.nets:mad": "userland.nets has no mad",
    "userland.net:made": "there is no module userland.net",
    "userlands.nets:made": "userlands is not there",
    "userland.nets.more:made": "userland.nets.more is not there",
    "userland.broken:made": "cannot be imported: got ModuleNotFoundError: No module named 'nothing_like_this'",
}


@pytest.mark.parametrize("name", FACTORIES)
def test_what_is_no_factory_is_refused(package: Path, name: str) -> None:
    with pytest.raises(QamlError) as refused:
        named(name)
    assert FACTORIES[name] in str(refused.value)


def test_nothing_runs_to_find_a_factory(package: Path) -> None:
    from qaml_qiskit.deployments.references import check_model, names_network

    check_model("userland.broken:made")
    assert "userland" not in sys.modules
    assert [names_network(name) for name in ("a.b:c", "net.pt2", "runs/qvc", "mnist-qvc200", "a:b:c", "a.b@c:0.1")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    Path("a.b:c").mkdir()
    assert not names_network("a.b:c")
