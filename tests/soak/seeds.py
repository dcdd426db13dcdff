"""The size of the soak and its seeds, in one place: a tenth of every list runs by default, the rest is ``slow``."""

from collections.abc import Iterable

import numpy as np
import pytest

#: Of every random choice; another one is another soak of the same size.
SEED = 12
#: One case in so many runs by default.
SHARE = 10
#: Chains of kills for each command; a chain kills a command, on its way back perhaps again, and lets it finish.
CHAINS = 40
#: Sequences of commands against a service with random faults.
SEQUENCES = 160
#: Mutations of each file format that is read, in so many blocks.
MUTATIONS, BLOCKS = 2000, 10


def generator(*numbers: int) -> np.random.Generator:
    """The source of one case's randomness: the same for the same numbers."""
    return np.random.default_rng([SEED, *numbers])


def cases(names: Iterable[str], count: int) -> list[object]:
    """Parameters (name, number) of pytest, ``count`` a name: of each ten the first without a mark, the others slow."""
    return [
        pytest.param(name, number, id=f"{name}-{number}", marks=[pytest.mark.slow] if number % SHARE else [])
        for name in names
        for number in range(count)
    ]
