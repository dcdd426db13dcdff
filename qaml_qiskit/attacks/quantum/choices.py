"""Search over one choice a component."""

import itertools
from collections.abc import Callable, Sequence

#: Choice 0 leaves a component honest.
Choice = tuple[int, ...]

#: Up to so many combinations are tried all.
EXHAUSTIVE = 4096

_SWEEPS = 4


def worst_choice(
    score: Callable[[Choice], tuple[int, float]],
    options: int,
    places: int,
    components: int | None,
    starts: Sequence[Choice] = (),
    exhaustive: int = EXHAUSTIVE,
) -> Choice:
    """The choice with the highest score that was found.

    Few combinations are tried all. Otherwise one component after the other takes the choice that is best given the
    others, until nothing changes, from the honest choice and from every one of ``starts``.

    Args:
        score: higher is worse for the victim.
        options: choices a component, numbered from 0, honest.
        places: how many components there are.
        components: how many may be changed; None for all.
        starts: further points to start from.
        exhaustive: try all combinations up to this number.
    """
    allowed = places if components is None else min(components, places)
    if options**places <= exhaustive:
        every = itertools.product(range(options), repeat=places)
        return max((choice for choice in every if _changed(choice) <= allowed), key=score)
    honest = (0,) * places
    ends = [_swept(score, options, start, allowed) for start in (honest, *starts) if _changed(start) <= allowed]
    return max(ends, key=score)


def _swept(score: Callable[[Choice], tuple[int, float]], options: int, start: Choice, allowed: int) -> Choice:
    choice = start
    for _ in range(_SWEEPS):
        before = choice
        for place in range(len(choice)):
            tried = [(*choice[:place], option, *choice[place + 1 :]) for option in range(options)]
            choice = max((one for one in tried if _changed(one) <= allowed), key=score)
        if choice == before:
            break
    return choice


def _changed(choice: Choice) -> int:
    return sum(option != 0 for option in choice)
