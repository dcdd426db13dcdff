"""Fingerprints of what a result depends on."""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def digest(tensor: "Tensor") -> str:
    """A fingerprint of a tensor's values: the first 16 hexadecimal digits of their SHA-256."""
    return hashlib.sha256(tensor.detach().cpu().numpy().tobytes()).hexdigest()[:16]
