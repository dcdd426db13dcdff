"""In which order sweeps run, and where the digits lie while they do.

Two digits lie inside the rows of the vector, where sweeps cannot reach them; exchanges bring them out. Sweeps are
gathered into turns that touch only a few digits, so that each turn runs tile by tile in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from qaml_qiskit.simulation.heisenberg.sweeps import Sweep

#: Digits inside a row; 4² numbers are one cache line in single precision.
ROW_DIGITS = 2
#: Digits of a tile, those of the row among them: 4⁸ numbers are 256 KiB in single precision.
TILE_DIGITS = 8
#: How far an exchange looks ahead for the digits that are needed last.
_HORIZON = 256


@dataclass(frozen=True)
class Exchange:
    """Two digits change places.

    Attributes:
        inside: a place of the row, 0 or 1.
        outside: a place that counts rows.
    """

    inside: int
    outside: int


@dataclass(frozen=True)
class Turn:
    """What runs on a tile before the next tile.

    Attributes:
        places: the tile's places that count rows.
        actions: sweeps, with the places of their lower and higher digit, and exchanges.
    """

    places: frozenset[int]
    actions: tuple[Exchange | tuple[Sweep, int, int], ...]


class Schedule:
    """Orders sweeps greedily. Iterate over it once for the turns.

    Args:
        sweeps: in an order in which they may run.
        num_digits: at least 4.
        turns: in which turn each digit comes into a tile for the first time, if that is known: the later, the higher it
            lies.

    Attributes:
        place: where each digit lies; after the iteration, where it ends.
    """

    def __init__(self, sweeps: Sequence[Sweep], num_digits: int, turns: Sequence[int] | None = None) -> None:
        self._sweeps = sweeps
        self._next = 0  # of those that no turn has looked at
        self._waiting: list[Sweep] = []  # looked at and left for a later turn
        order = sorted(range(num_digits), key=self._urgency(()))
        self.place = [0] * num_digits
        outside = sorted(order[ROW_DIGITS:], key=lambda digit: (turns[digit] if turns else 0, digit))
        for place, digit in enumerate([*order[:ROW_DIGITS], *outside]):
            self.place[digit] = place

    @classmethod
    def growing(cls, sweeps: Sequence[Sweep], num_digits: int) -> tuple[Schedule, list[int]]:
        """A schedule for a product of single digits, most of which may come into play late.

        Returns:
            The schedule, and how many of the lowest places its first turns need: what lies above them is still a
            product. Later turns need all.
        """
        trial, first, count = cls(sweeps, num_digits), dict[int, int](), 0
        for turn in trial:
            for digit, place in enumerate(trial.place):
                if place < ROW_DIGITS or place in turn.places:
                    first.setdefault(digit, count)
            count += 1
            if len(first) == num_digits:
                break
        turns = [first.get(digit, count) for digit in range(num_digits)]
        return cls(sweeps, num_digits, turns), [sum(each <= turn for each in turns) for turn in range(count)]

    @classmethod
    def at_home(cls, sweeps: Sequence[Sweep], num_digits: int) -> list[Turn]:
        """Turns at whose start and end every digit lies at the place of its number."""
        schedule = cls(sweeps, num_digits)
        schedule.place = list(range(num_digits))
        turns = list(schedule)
        back = tuple(schedule._exchanges_home())
        room = TILE_DIGITS - ROW_DIGITS
        for first in range(0, len(back), room):
            now = back[first : first + room]
            turns.append(Turn(frozenset(each.outside for each in now), now))
        return turns

    def _exchanges_home(self) -> Iterator[Exchange]:
        digits = [0] * len(self.place)
        for digit, place in enumerate(self.place):
            digits[place] = digit

        def exchange(inside: int, outside: int) -> Exchange:
            digits[inside], digits[outside] = digits[outside], digits[inside]
            return Exchange(inside, outside)

        while True:
            for inside in range(ROW_DIGITS):
                while digits[inside] >= ROW_DIGITS:
                    yield exchange(inside, digits[inside])
            # What is not at home lies in the other place of the row, or in a circle outside.
            away = next((place for place, digit in enumerate(digits) if digit != place), None)
            if away is None:
                return
            yield exchange(0, away if away >= ROW_DIGITS else ROW_DIGITS)
            if away < ROW_DIGITS:
                yield exchange(1, ROW_DIGITS)
                yield exchange(0, ROW_DIGITS)

    def __iter__(self) -> Iterator[Turn]:
        while self._waiting or self._next < len(self._sweeps):
            digits, chosen = self._choose()
            places = frozenset(self.place[digit] for digit in digits if self.place[digit] >= ROW_DIGITS)
            yield Turn(places, tuple(self._actions(digits, chosen)))

    def _inside(self) -> set[int]:
        return {digit for digit, place in enumerate(self.place) if place < ROW_DIGITS}

    def _choose(self) -> tuple[set[int], list[Sweep]]:
        """Sweeps in their order, until every digit of a full tile waits for a sweep that does not fit into it."""
        digits, blocked = self._inside(), set[int]()
        room = min(TILE_DIGITS, len(self.place))
        chosen: list[Sweep] = []
        waiting, self._waiting = self._waiting, []
        for position in range(len(waiting) + len(self._sweeps) - self._next):
            if len(digits) == room and digits <= blocked:
                self._waiting += waiting[position:]
                break
            if position < len(waiting):
                sweep = waiting[position]
            else:
                sweep = self._sweeps[self._next]
                self._next += 1
            pair = {sweep.low, sweep.high}
            if blocked.isdisjoint(pair) and len(digits | pair) <= room:
                digits |= pair
                chosen.append(sweep)
            else:
                blocked |= pair
                self._waiting.append(sweep)
        others = (digit for digit in range(len(self.place)) if digit not in digits)
        return digits | set(islice(others, room - len(digits))), chosen

    def _actions(self, digits: set[int], sweeps: list[Sweep]) -> Iterator[Exchange | tuple[Sweep, int, int]]:
        """All sweeps that need no digit of the row, then exchanges, and again."""
        while sweeps:
            blocked, later = self._inside(), list[Sweep]()
            for sweep in sweeps:
                pair = {sweep.low, sweep.high}
                if blocked.isdisjoint(pair):
                    yield sweep, self.place[sweep.low], self.place[sweep.high]
                else:
                    blocked |= pair
                    later.append(sweep)
            sweeps = later
            if sweeps:
                yield from self._exchanges(digits, sweeps)

    def _exchanges(self, digits: set[int], sweeps: list[Sweep]) -> Iterator[Exchange]:
        """Move the digits into the row that are needed last."""
        inside = self._inside()
        wanted = set(sorted(sorted(digits, key=lambda digit: digit not in inside), key=self._urgency(sweeps))[:2])
        for leaving, coming in zip(sorted(inside - wanted), sorted(wanted - inside), strict=True):
            yield Exchange(self.place[leaving], self.place[coming])
            self.place[leaving], self.place[coming] = self.place[coming], self.place[leaving]

    def _urgency(self, sweeps: Sequence[Sweep]) -> Callable[[int], int]:
        """Minus the position at which a digit is needed next."""
        coming = [*sweeps, *self._waiting, *islice(self._sweeps, self._next, self._next + _HORIZON)]
        first: dict[int, int] = {}
        for position, sweep in enumerate(coming):
            first.setdefault(sweep.low, position)
            first.setdefault(sweep.high, position)
        return lambda digit: -first.get(digit, len(coming))
