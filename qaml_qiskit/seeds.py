"""Seeds that every library takes."""

from typing import Annotated

from pydantic import Field

from qaml_qiskit.errors import InputError

#: Aer takes 63 bits, numpy and Qiskit take no negative seeds. Half of that, because seeds derived from one by adding to
#: it must be seeds too.
SEEDS = 2**62

#: A seed as a field of a configuration.
Seed = Annotated[int, Field(ge=0, lt=SEEDS)]


def check_seed(seed: int) -> int:
    """The seed itself, given or derived.

    Raises:
        InputError: no integer from 0 to 2⁶³ − 1.
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= seed.__index__() < 2 * SEEDS:
        raise InputError(
            "this is no seed",
            got=repr(seed),
            expected="an integer from 0 to 2⁶³ − 1",
            remedy="choose another seed",
        )
    return seed.__index__()


def derived_seed(seed: int, number: int) -> int:
    """A seed of its own for every step of a seeded work.

    Args:
        seed: of the whole.
        number: of the step, from 0.
    """
    return (seed * 1_000_003 + number) % (2 * SEEDS)
