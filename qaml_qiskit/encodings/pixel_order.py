"""What a pixel order can be called; for requests, which do not wait for torch."""

from typing import Literal

#: ``flat``: channels, rows and columns flattened, zeros behind. ``gray``: see ``pixel_positions``.
PixelOrder = Literal["flat", "gray"]
