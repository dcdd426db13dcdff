"""Device, precision and engine: every one of them changes what is computed with, or is refused before."""

import pytest
import torch

from qaml_qiskit.compute import Compute
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, QVCConfig, predict
from qaml_qiskit.simulation import chosen_kernel, computing
from qaml_qiskit.simulation.native import load_kernel
from tests.tolerances import VALUE

kernel_built = pytest.mark.skipif(load_kernel() is None, reason="no compiled kernel")


def logits(compute: Compute) -> torch.Tensor:
    config = QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=4)
    images = torch.rand((4, 1, 2, 4), generator=torch.Generator().manual_seed(0))
    with computing(compute):
        return predict(compute.placed(QVC(config, 1)), compute.placed(images))


def test_double_precision_computes_with_more_digits() -> None:
    single, double = logits(Compute()), logits(Compute(precision="double"))
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    scale = double.abs().max()
    assert 0 < (single - double).abs().max() / scale < VALUE[torch.float32]


@kernel_built
def test_a_simulator_is_chosen_inside_the_block_alone() -> None:
    with computing(Compute(simulator="torch")):
        assert chosen_kernel() is None
    with computing(Compute(simulator="kernel")):
        assert chosen_kernel() is not None
    assert chosen_kernel() is not None
    both = [logits(Compute(simulator=simulator, precision="double")) for simulator in ("kernel", "torch")]
    assert (both[0] - both[1]).abs().max() < VALUE[torch.float64] * both[0].abs().max()


@pytest.mark.parametrize("device", ["cuda:99", "warp-drive"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(ConfigurationError, match=f"no such device here: got '{device}'; expected cpu"):
        logits(Compute(device=device))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"precision": "half"}, "no such precision"),
        ({"simulator": "kernle"}, "kernel"),
        ({"simulator": "kernel", "device": "cuda:0"}, "does not run on 'cuda:0'"),
    ],
)
def test_what_no_machine_has_is_refused_at_once(fields: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Compute(**fields)  # type: ignore[arg-type]


def test_a_kernel_that_was_not_built_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qaml_qiskit.simulation.choice.load_kernel", lambda: None)
    with (
        pytest.raises(ConfigurationError, match="built without a C\\+\\+ compiler"),
        computing(Compute(simulator="kernel")),
    ):
        pass


def test_only_what_differs_from_the_defaults_is_recorded() -> None:
    assert Compute().record() == {}
    assert Compute(precision="double", simulator="torch").record() == {
        "compute": {"precision": "double", "simulator": "torch"}
    }
