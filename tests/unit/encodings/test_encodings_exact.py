"""The exact encoding, and the one way to a circuit that all encodings have."""

import pytest
import torch
from qiskit.quantum_info import Statevector, state_fidelity

from qaml_qiskit.encodings import AngleEncoding, ApproximateEncoding, Encoding, ExactEncoding, MultiplexedEncoding
from qaml_qiskit.errors import ConfigurationError
from tests.tolerances import VALUE

ENCODINGS: tuple[Encoding, ...] = (
    ExactEncoding(4),
    ExactEncoding(4, "gray"),
    MultiplexedEncoding(4),
    ApproximateEncoding(4, 2),
    AngleEncoding(4),
)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda each: each.name)
def test_every_encoding_gives_the_circuit_of_an_image(encoding: Encoding, generator: torch.Generator) -> None:
    shape = (1, 2, 2) if encoding.name == "angle" else (1, 4, 4)
    image = torch.randn(shape, generator=generator, dtype=torch.float64)  # signs as well
    state = Statevector(encoding.circuit_for(image)).data
    wanted = encoding.state(image[None])[0].numpy()
    assert state_fidelity(Statevector(state), wanted) == pytest.approx(1, abs=VALUE[torch.float64])


def test_the_exact_encoding_has_no_common_circuit() -> None:
    encoding = ExactEncoding(3)
    for request in (lambda: encoding.circuit, lambda: encoding.parameters, lambda: encoding.angles(torch.ones(1, 8))):
        with pytest.raises(ConfigurationError, match="no circuit of free angles"):
            request()


def test_the_exact_encodings_fidelity_is_one() -> None:
    assert ExactEncoding(3).fidelity(torch.rand(2, 8)).tolist() == [1.0, 1.0]
