"""Observables as users write them: Pauli strings of I and Z."""

from collections.abc import Sequence

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import ZString
from qaml_qiskit.text import printable, shortened

#: A message shows this much of what was written.
_SHOWN = 80


def read_observables(observables: Sequence[str], num_qubits: int) -> tuple[ZString, ...]:
    """The qubits of every observable.

    Args:
        observables: such as ``ZIIZ``; in Qiskit's order, whose rightmost letter is qubit 0.
        num_qubits: n.

    Raises:
        ConfigurationError: another length than n, other letters than I and Z, no Z at all, or the same twice.
    """
    strings = tuple(_read(observable.strip(), num_qubits) for observable in observables)
    for place, string in enumerate(strings):
        if string in strings[:place]:
            raise _refusal(observables[place], "the same observable twice", "each observable once", "leave one out")
    return strings


def _read(observable: str, num_qubits: int) -> ZString:
    others = sorted(set(observable) - set("IZ"))
    if others:
        raise _refusal(
            observable,
            f"the letter {printable(others[0]) or ascii(others[0])}",
            "I and Z, the only ones that shots in the computational basis tell",
            "rotate the basis at the end of the ansatz: X is Z behind a Hadamard",
        )
    if len(observable) != num_qubits:
        raise _refusal(
            observable,
            f"{len(observable)} letters",
            f"{num_qubits}, one for each qubit; the rightmost is qubit 0",
            "give a letter for every qubit",
        )
    string = tuple(qubit for qubit, letter in enumerate(reversed(observable)) if letter == "Z")
    if not string:
        raise _refusal(observable, "the identity, which is 1 for every image", "at least one Z", "leave it out")
    return string


def _refusal(observable: str, got: str, expected: str, remedy: str) -> ConfigurationError:
    shown = shortened(printable(observable), _SHOWN)
    return ConfigurationError(f"cannot read the observable '{shown}'", got=got, expected=expected, remedy=remedy)
