"""What an ansatz can be called; for requests, which do not wait for Qiskit."""

from typing import Literal

#: Where the CZ of a layer are. ``ladder``: on every bond of the line, the benchmark's (West et al. 2023, figure 1d).
#: ``brickwork``: on every second bond, even ones in the first layer, odd ones in the next; the circuit ends with a wall
#: of rotations, because a CZ just before the readout of Z changes nothing. For the same number of CZ it has nearly
#: twice as many angles that matter: behind every CZ there is a fresh rotation on both of its qubits.
Ansatz = Literal["ladder", "brickwork"]
