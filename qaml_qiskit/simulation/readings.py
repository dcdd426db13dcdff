"""What is read at the end of a circuit."""

#: Z of a qubit, or the product of Z of several.
Reading = int | tuple[int, ...]
#: Products of Z, each as the wires or qubits whose Z are multiplied.
Strings = tuple[tuple[int, ...], ...]


def qubits_of(reading: Reading) -> tuple[int, ...]:
    """The qubits whose Z are multiplied."""
    return reading if isinstance(reading, tuple) else (reading,)
