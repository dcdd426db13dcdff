"""Readouts of every kind on small QVCs, and their logits by Qiskit."""

from collections.abc import Sequence

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp, Statevector

from qaml_qiskit.circuits import ZString
from qaml_qiskit.models import QVC, QVCConfig

#: Of three qubits, by what each is for.
CASES: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "qubits": ("qubits", 3, ()),
    "single": ("single", 2, ()),
    "parity": ("parity", 2, ()),
    "strings": ("parity", 3, ("ZIZ", "IZZ", "ZII")),
    "linear": ("linear", 5, ()),
    "linear over strings": ("linear", 3, ("ZZZ", "IZI")),
    "linear-zz": ("linear-zz", 6, ()),
}


def config(
    name: str, image_shape: tuple[int, int, int] = (1, 2, 4), num_layers: int = 2, **fields: object
) -> QVCConfig:
    """A configuration of one of :data:`CASES`."""
    readout, classes, observables = CASES[name]
    values = {"image_shape": image_shape, "num_classes": classes, "num_layers": num_layers, **fields}
    return QVCConfig.model_validate({**values, "readout": readout, "observables": observables})


def model(name: str, seed: int = 3, **fields: object) -> QVC:
    """A QVC of one of :data:`CASES`, with a head as training may leave it where it is trained."""
    return shaken(QVC(config(name, **fields), seed))  # type: ignore[arg-type]


def shaken(qvc: QVC) -> QVC:
    """The QVC, with a trained head somewhere else than where it starts."""
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for name, parameter in qvc.named_parameters():
            if name.startswith("head"):
                parameter += torch.randn(parameter.shape, generator=generator)
    return qvc


def images(count: int = 4, image_shape: tuple[int, int, int] = (1, 2, 4)) -> torch.Tensor:
    """Shape (count, C, H, W)."""
    return torch.rand(count, *image_shape, generator=torch.Generator().manual_seed(5)) * 0.9 + 0.05


@st.composite
def configs(draw: st.DrawFn) -> QVCConfig:
    """Any readout with any classes and observables that fit one to four qubits."""
    qubits = draw(st.integers(1, 4))
    letters = st.text("IZ", min_size=qubits, max_size=qubits).filter(lambda text: "Z" in text)
    observables: tuple[str, ...] = ()
    name = draw(st.sampled_from(["qubits", "single", "parity", "linear", "linear-zz"]))
    if name in ("parity", "linear") and draw(st.booleans()):
        observables = tuple(draw(st.lists(letters, min_size=1, max_size=5, unique=True)))
    if name == "qubits":
        classes = draw(st.integers(2, max(qubits, 2)))
        qubits = max(qubits, classes)
    elif name == "single" or (name == "parity" and len(observables) <= 1):
        classes = 2
    elif name == "parity":
        classes = len(observables)
    else:
        classes = draw(st.integers(2, 2 if observables else 2**qubits))
    return QVCConfig(
        image_shape=(1, 1, 2**qubits), num_classes=classes, num_layers=draw(st.integers(1, 3)), readout=name,
        observables=observables, ansatz=draw(st.sampled_from(["ladder", "brickwork"])),
    )  # fmt: skip


def pauli(string: ZString, num_qubits: int) -> SparsePauliOp:
    """The product of Z as Qiskit's operator."""
    return SparsePauliOp("".join("Z" if qubit in string else "I" for qubit in reversed(range(num_qubits))))


def head_logits(qvc: QVC, averages: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits from the averages, by the head's numbers."""
    head = qvc.head_for(torch.zeros((), dtype=torch.float64))
    return averages @ head.matrix.detach().numpy().T + head.offset.detach().numpy()


def exact_logits(qvc: QVC, pictures: torch.Tensor) -> NDArray[np.float64]:
    """Logits, shape (N, m), from Qiskit's expectation values of the readout's strings, one state after the other."""
    rows = []
    for state in qvc.encoding.state(pictures.double()).numpy():
        final = Statevector(state).evolve(qvc.ansatz())
        rows.append(averages_of(final, qvc.readout.strings))
    return head_logits(qvc, np.array(rows))


def averages_of(final: Statevector, strings: Sequence[ZString]) -> list[float]:
    """The averages of the strings."""
    return [float(final.expectation_value(pauli(string, final.num_qubits)).real) for string in strings]
