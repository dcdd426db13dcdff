"""Deployments keep the circuit that they prepared."""

import pickle

import numpy as np
import pytest
import torch

from qaml_qiskit.compute import Compute
from qaml_qiskit.deployments import Deployment, deploy
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import Products
from qaml_qiskit.models import QVC, QVCConfig
from tests.integration.small import deployed, images, strong_readout
from tests.tolerances import VALUE


@pytest.fixture(scope="module")
def device() -> Deployment:
    return deployed(strong_readout())


def test_frequencies_are_the_transform_of_all_products(device: Deployment) -> None:
    size = len(device.circuit.read)
    every = [tuple(bit for bit in range(size) if number >> bit & 1) for number in range(1, 2**size)]
    told: list[int] = []
    found = device.frequencies(images(), told.append)
    assert told == [1] * len(images())
    assert found.shape == (len(images()), 2**size)
    assert np.abs(found.sum(1) - 1).max() < VALUE[torch.float64]
    index = np.arange(2**size)
    signs = np.stack([np.prod([1 - 2 * (index >> bit & 1) for bit in string], axis=0) for string in every], axis=1)
    assert np.abs(found @ signs - device.moments(images(), every)).max() < VALUE[torch.float32]


def test_without_readout_errors_is_as_a_noise_without_them(device: Deployment) -> None:
    strings = Products.of_bits(len(device.circuit.read)).strings
    values = device.values(images())
    perfect = device.circuit.without_readout_errors().expectations(values, strings, Compute(), lambda steps: None)
    found = device.moments(images(), strings, readout_errors=False)
    assert np.array_equal(found, perfect.numpy())
    assert not np.allclose(found, device.moments(images(), strings))


def test_images_in_pieces_are_as_all_together(device: Deployment) -> None:
    strings = device.qvc.readout.bits
    whole = device.moments(images(), strings)
    for kept in (device, pickle.loads(pickle.dumps(device))):
        pieces = [kept.moments(images()[start : start + 2], strings, rows=len(images())) for start in range(0, 6, 2)]
        assert np.array_equal(np.concatenate(pieces), whole)


def test_a_prepared_circuit_is_kept_and_gives_its_memory_back(device: Deployment) -> None:
    circuit = device.circuit
    prepared = circuit.prepared(Compute())
    assert circuit.prepared(Compute()) is prepared
    assert circuit.prepared(Compute(precision="double")) is not prepared
    before = device.moments(images(), device.qvc.readout.bits)
    circuit.release()
    assert circuit.prepared(Compute()) is prepared
    assert np.array_equal(device.moments(images(), device.qvc.readout.bits), before)


def test_bitstrings_need_a_circuit_that_prepares_the_image() -> None:
    ideal = deploy(QVC(QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=1), 0))
    with pytest.raises(ConfigurationError, match="no circuit that prepares the image"):
        ideal.frequencies(torch.rand(1, 1, 2, 2))
