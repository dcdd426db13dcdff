"""A device's own noise, and qubits with a T2 that cannot be."""

from copy import deepcopy

import pytest
from qiskit.providers import QubitProperties
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import Target
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeFez, FakeManilaV2, FakeOslo, FakeTorino

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise import device_noise, device_notes, device_repairs, restrict
from qaml_qiskit.noise.aer_model import local_errors, local_readout_errors


def with_times(*times: tuple[float | None, float | None]) -> Target:
    return Target(num_qubits=len(times), qubit_properties=[QubitProperties(t1=t1, t2=t2) for t1, t2 in times])


def test_is_the_model_that_aer_makes_of_the_backend() -> None:
    target = restrict(FakeOslo().target, [1, 3, 5])
    backend = GenericBackendV2(3)
    backend._target = target
    assert device_noise(target) == NoiseModel.from_backend(backend)


def test_some_qubits_alone() -> None:
    device = FakeOslo()
    whole, small = NoiseModel.from_backend(device), device_noise(device.target, [3, 5])
    assert set(small.noise_qubits) == {0, 1}
    for name, (mine, theirs) in {"sx": ((1,), (5,)), "cx": ((0, 1), (3, 5))}.items():
        assert local_errors(small)[name][mine] == local_errors(whole)[name][theirs]
    assert local_readout_errors(small)[(0,)] == local_readout_errors(whole)[(3,)]


def test_repairs_of_devices_are_said() -> None:
    torino, fez = FakeTorino().target, FakeFez().target
    assert [repair.qubit for repair in device_repairs(torino)] == [23, 44, 61, 65, 86]
    assert device_notes(torino) == (
        "T2 of qubits 23, 44, 61, 65, 86 is longer than 2·T1, which is impossible: 2·T1 taken for each",
    )
    assert device_notes(torino, [0, 1, 2]) == ()
    (note,) = device_notes(fez)
    assert note.startswith("T2 of qubit 87 is 56.84 µs and 2·T1 is 54.3 µs")


def test_the_repair_is_what_aer_does() -> None:
    """Qubit 86 of FakeTorino has T2 = 20·T1: the model is that of a device with T2 = 2·T1."""
    target = restrict(FakeTorino().target, [86])
    (repair,) = device_repairs(target)
    repaired = restrict(target, [0])
    repaired.qubit_properties = [QubitProperties(t1=repair.t1, t2=repair.used)]
    assert device_repairs(repaired) == ()
    assert device_noise(target) == device_noise(repaired)


@pytest.mark.parametrize("times", [(0.0, 1e-5), (-1e-5, 1e-5), (1e-5, float("nan"))])
def test_times_that_are_none_are_refused(times: tuple[float, float]) -> None:
    with pytest.raises(ConfigurationError, match=r"qubit 1 of the device has no usable T[12]"):
        device_noise(with_times((1e-5, 1e-5), times))


def test_missing_times_are_no_repair() -> None:
    assert device_repairs(with_times((None, 1e-5), (1e-5, None), (1e-5, 2e-5))) == ()


@pytest.mark.parametrize("silent", [(1,), (0, 1, 2, 3, 4)])
def test_a_readout_error_that_is_not_known_is_none_and_said(silent: tuple[int, ...]) -> None:
    target = deepcopy(FakeManilaV2().target)
    for qubit in silent:
        target["measure"][(qubit,)].error = None
    model = device_noise(target)
    known = {qubit for (qubit,) in local_readout_errors(model)}
    assert known == set(range(5)) - set(silent)
    named = ", ".join(map(str, silent))
    assert f"does not say how often qubits {named} are read wrongly" in device_notes(target)[0]
    assert device_notes(target, [3, 1])[0].startswith("the device does not say")
