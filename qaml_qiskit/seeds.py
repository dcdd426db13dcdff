"""Seeds that every library takes."""

from typing import Annotated

from pydantic import Field

from qaml_qiskit.errors import InputError

#: One more than the largest seed: Aer takes no more than 63 bits, numpy and Qiskit take no negative ones.
_LIMIT = 2**63

#: A seed as a field of a configuration.
Seed = Annotated[int, Field(ge=0, lt=_LIMIT)]


def check_seed(seed: int) -> int:
    """The seed itself.

    Raises:
        InputError: no integer from 0 to 2⁶³ − 1.
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= seed.__index__() < _LIMIT:
        raise InputError(
            "this is no seed",
            got=repr(seed),
            expected="an integer from 0 to 2⁶³ − 1",
            remedy="choose another seed",
        )
    return seed.__index__()


def derived_seed(seed: int, number: int) -> int:
    """A seed of its own for every step of a seeded work, again from 0 to 2⁶³ − 1.

    Args:
        seed: of the whole.
        number: of the step, from 0.
    """
    return (seed * 1_000_003 + number) % _LIMIT
