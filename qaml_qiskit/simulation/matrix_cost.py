"""When a batch is better multiplied by the circuit's matrix than run through its layers."""

from __future__ import annotations

from qaml_qiskit.simulation.program import Program
from qaml_qiskit.simulation.pullback import Wanted

#: The matrix has to save so many multiply-adds, below which a step is over before it pays to think about it …
_SAVED = 2**27
#: … and so many times what it costs itself: neither way is as fast as it is counted.
_MARGIN = 1.25
#: Beside the compiled kernel a multiply-add of a matrix product takes so many times as long as one of a layer.
_SLOWER = 2.5


def matrix_pays(program: Program, batch: int, wanted: Wanted, *, is_complex: bool, kernel: bool) -> bool:
    """Whether 2ⁿ runs of the circuit and products with its matrix cost less than a run for every sample, by count.

    Args:
        program: the program.
        batch: samples.
        wanted: gradients that a backward pass may ask for.
        is_complex: whether the samples are.
        kernel: whether the layers run in the compiled kernel.
    """
    size = 2**program.num_qubits
    if batch <= size:
        return False
    # A real wall and a diagonal on complex numbers; undone once for the adjoint, and once more beside it for the state.
    forth = program.num_walls * (2 * program.num_qubits + 4) * size
    layers = batch * forth * (3 if wanted.angles else 2 if wanted.inputs else 1)
    product = batch * size * size * (4 if is_complex else 2) * (_SLOWER if kernel else 1)
    matrix = size * forth * (3 if wanted.angles else 1) + product * (1 + wanted.inputs + wanted.angles)
    return layers > _MARGIN * matrix and layers - matrix > _SAVED
