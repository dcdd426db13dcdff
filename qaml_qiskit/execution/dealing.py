"""Which row of values runs on which tile, execution by execution."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

#: ``dealt``: every image runs on one tile, one after the other in turn; ``all``: on every tile.
TileImages = Literal["dealt", "all"]


@dataclass(frozen=True)
class Dealing:
    """What stands side by side in the executions of a job.

    Attributes:
        rows: of the values, by execution and tile, shape (E, T).
        counts: whether they count. The last executions of a job are filled up by images that ran before; what these say
            again is thrown away. Shape (E, T).
    """

    rows: NDArray[np.intp]
    counts: NDArray[np.bool_]

    def of_tile(self, tile: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The executions in which a tile runs what counts, and the rows that it runs there."""
        executions = np.flatnonzero(self.counts[:, tile])
        return executions, self.rows[executions, tile]

    @property
    def surplus(self) -> int:
        """How often a tile runs what does not count."""
        return int((~self.counts).sum())


def deal(start: int, stop: int, *, draws: int = 1, tiles: int = 1, images: TileImages = "dealt") -> Dealing:
    """Deal the rows of a job to tiles.

    Image i of the job runs on tile i mod T, with all of its draws; or every image on every tile.

    Args:
        start: the job's first row.
        stop: the row behind its last one; whole images.
        draws: J, rows of an image.
        tiles: T.
        images: which of the two.
    """
    rows = np.arange(start, stop).reshape(-1, draws)
    if images == "all":
        every = np.repeat(rows.reshape(-1, 1), tiles, axis=1)
        return Dealing(every, np.ones(every.shape, dtype=np.bool_))
    places = np.arange(-(-len(rows) // tiles) * tiles).reshape(-1, tiles)
    # (groups, T, J): a group of images side by side, one of their draws after the other.
    dealt = rows[places % max(1, len(rows))].transpose(0, 2, 1).reshape(-1, tiles)
    return Dealing(dealt, np.repeat(places < len(rows), draws, axis=0))


def executions_of(rows: int, *, draws: int = 1, tiles: int = 1, images: TileImages = "dealt") -> int:
    """E, how often the joint circuit runs, in units of the shots, for so many rows of a job."""
    return rows if images == "all" else -(-(rows // draws) // tiles) * draws
