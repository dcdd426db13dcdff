"""What readouts read, what their heads make of it, and which classes and observables they refuse."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qaml_qiskit.circuits import READOUTS, QubitReadout, Readout, ZString, read_observables
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import LinearHead
from tests.tolerances import DIFFERENT, VALUE


def test_the_rightmost_letter_is_qubit_0() -> None:
    assert read_observables(("ZIIZ", "IZII", "ZZZZ"), 4) == ((0, 3), (2,), (0, 1, 2, 3))
    # As written in one word with spaces behind the commas.
    assert read_observables(("ZIIZ", " IZII"), 4) == ((0, 3), (2,))


@pytest.mark.parametrize(
    ("observables", "message"),
    [
        (("ZXIZ",), r"observable 'ZXIZ': got the letter X; .*Rotate the basis at the end of the ansatz"),
        (("ziiz",), "got the letter i; expected I and Z"),
        (("ZI-Z",), "got the letter -"),
        (("ZIZ",), r"'ZIZ': got 3 letters; expected 4, one for each qubit; the rightmost is qubit 0"),
        (("",), "got 0 letters; expected 4"),
        (("IIII",), "got the identity, which is 1 for every image; expected at least one Z"),
        (("ZIII", "IZII", "ZIII"), "'ZIII': got the same observable twice"),
        (("Z\x1b[31m",), "the letter"),
        (("ZI Z",), "the letter ' '"),
    ],
)
def test_observables_that_cannot_be_read(observables: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        READOUTS["linear"](3, 4, observables)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["qubits", "single", "linear-zz"])
def test_observables_of_a_readout_that_has_its_own(name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"the readout {name} has products.* got 2 observables; expected none"
    ):
        READOUTS[name](2, 3, ("ZII", "IZI"))


@pytest.mark.parametrize(
    ("name", "classes", "qubits", "observables", "message"),
    [
        ("qubits", 7, 6, (), "7 classes on 6 qubits.*--readout linear"),
        ("qubits", 2, 1, (), "2 classes on 1 qubit;.*--readout single"),
        ("single", 3, 4, (), "readout single: got 3 classes; expected two"),
        ("parity", 3, 4, (), "readout parity: got 3 classes; expected two"),
        ("parity", 3, 2, ("ZZ",), "got 3 classes; expected two"),
        ("parity", 3, 2, ("ZZ", "IZ"), "got 3 classes and 2 observables; expected 3 observables"),
        ("linear", 1, 2, (), "got 1 class; expected at least two"),
        ("linear", 3, 1, (), r"more outputs than its features.* 3 classes from 1 average .* 2 outcomes; .*at most 2"),
        ("linear", 5, 3, ("ZZI", "IZZ", "ZIZ"), "5 classes from 3 averages of products of Z, which have 4 outcomes"),
        ("linear-zz", 5, 2, (), "5 classes from 3 averages of products of Z, which have 4 outcomes"),
    ],
)
def test_classes_that_do_not_fit(
    name: str, classes: int, qubits: int, observables: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        READOUTS[name](classes, qubits, observables)


def test_what_each_reads() -> None:
    single, parity = READOUTS["single"](2, 3, ()), READOUTS["parity"](2, 3, ())
    assert (single.strings, single.qubits, single.bits) == (((0,),), (0,), ((0,),))
    assert (parity.strings, parity.qubits) == (((0, 1, 2),), (0, 1, 2))
    for each in (single, parity):
        assert (each.head.logits(np.array([[0.5]])) == [[0.5, -0.5]]).all()
    chosen = READOUTS["parity"](2, 3, ("ZIZ", "ZII"))
    assert (chosen.strings, chosen.qubits, chosen.bits) == (((0, 2), (2,)), (0, 2), ((0, 1), (1,)))
    assert (chosen.head.matrix == np.eye(2)).all()
    assert READOUTS["linear"](10, 4, ()).strings == ((0,), (1,), (2,), (3,))
    assert READOUTS["linear-zz"](10, 4, ()).strings == ((0,), (1,), (2,), (3,), (0, 1), (1, 2), (2, 3))


@pytest.mark.parametrize(
    ("name", "observables", "reads"),
    [
        ("qubits", (), True),
        ("parity", ("IZ", "ZI"), True),
        ("parity", ("ZI", "IZ"), False),
        ("parity", ("IZ", "ZZ"), False),
        ("single", (), False),
        # Its head is that of qubits until it is trained.
        ("linear", (), False),
    ],
)
def test_which_read_a_qubit_a_class(name: str, observables: tuple[str, ...], reads: bool) -> None:
    assert READOUTS[name](2, 2, observables).reads_classes == reads


@given(st.sampled_from(["linear", "linear-zz"]), st.integers(2, 30), st.integers(1, 10))
def test_a_linear_head_starts_with_a_direction_of_its_own_for_every_class(name: str, classes: int, qubits: int) -> None:
    if classes > 2**qubits:
        with pytest.raises(ConfigurationError, match=f"{2**qubits} outcomes"):
            READOUTS[name](classes, qubits, ())
        return
    matrix = READOUTS[name](classes, qubits, ()).head.matrix
    products = matrix @ matrix.T
    assert np.abs(np.diag(products) - 1).max() < VALUE[torch.float64]
    assert (products - 2 * np.eye(classes)).max() < 1 - DIFFERENT


class Muddled(QubitReadout):
    """A part from elsewhere that says what cannot be."""

    name = "muddled"

    @property
    def strings(self) -> tuple[ZString, ...]:
        return ((1, 0), (0,))


class Narrow(QubitReadout):
    """Another one."""

    name = "narrow"

    @property
    def head(self) -> LinearHead:
        return LinearHead(np.eye(3), np.zeros(3))


@pytest.mark.parametrize("part", [Muddled, Narrow])
def test_a_readout_that_does_not_add_up(part: type[Readout]) -> None:
    with pytest.raises(ConfigurationError, match=f"the readout {part.name} does not add up"):
        part(2, 3)
