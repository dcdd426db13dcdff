"""The devices that ship with qiskit-ibm-runtime: circuits compile for them and avoid what does not work."""

import pytest

from qaml_qiskit.execution import build_workload, compile_for, load_recipe, open_target, plan
from qaml_qiskit.execution.catalogue import FakeEntry, fake_devices
from qaml_qiskit.models import QVC, QVCConfig
from tests.integration.small import images

RECIPES = ("level3", "line", "quick")
#: Dead pairs, nothing but dead pairs, dead readouts, one dead qubit of seven, U1 to U3 twice, fractional gates, one
#: qubit, invented properties.
SOME = (
    "FakeMiami",
    "FakeKyoto",
    "FakeCusco",
    "FakeLagosV2",
    "FakeAlmadenV2",
    "FakeCambridgeV2",
    "FakeFractionalBackend",
    "FakeArmonkV2",
    "FakeNighthawk",
)


def model(num_qubits: int) -> QVC:
    """A QVC behind one rotation a qubit, so that compiling it costs next to nothing."""
    return QVC(QVCConfig(image_shape=(1, 1, num_qubits), num_classes=num_qubits, num_layers=2, encoding="angle"), 1)


def check(device: str, num_qubits: int) -> None:
    target = open_target(device, FakeEntry(kind="fake", device=device), num_qubits)
    if target.isa.num_qubits < num_qubits:
        return
    qvc, dead = model(num_qubits), "Kyoto" in device
    assert any("do not work" in note for note in target.notes) == dead
    batch = images(1).flatten()[:num_qubits].repeat(2)[:num_qubits].reshape(1, 1, 1, num_qubits)
    for name in RECIPES[:1] + RECIPES[2:] if dead else RECIPES:
        isa = compile_for(qvc.circuit(), target, load_recipe(name), name)
        values = qvc.encoding.angles(batch).numpy()[:, [parameter.index for parameter in isa.parameters]]
        costs = plan(build_workload(isa, values, target=device, shots=10), target)
        # 27 gates that all work leave more than a hundredth, a single one that does not leaves nothing.
        assert (costs.gate_survival < 0.01) == dead, (device, name, costs.gate_survival)
        assert costs.readout_survival > 0.01
        assert any("do not work" in line for line in costs.assumptions) == dead
        assert target.noise_model(isa) is not None


@pytest.mark.parametrize("device", SOME)
def test_some_devices(device: str) -> None:
    check(device, 4)


@pytest.mark.parametrize("device", ["FakeMiami", "FakeManhattanV2"])
def test_ten_qubits_on_devices_with_many_dead_pairs(device: str) -> None:
    check(device, 10)


@pytest.mark.slow
@pytest.mark.parametrize("device", fake_devices())
def test_every_device(device: str) -> None:
    for num_qubits in (4, 10):
        check(device, num_qubits)
