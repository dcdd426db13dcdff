"""The named noises: one strength each, for sweeps."""

from typing import get_args

from pydantic import ValidationError

from qaml_qiskit.errors import ConfigurationError, unknown_name
from qaml_qiskit.formats import first_problem
from qaml_qiskit.noise.models import NoiseSpec
from qaml_qiskit.noise.names import NOISES, NoiseName, Placement


def named_noise(name: NoiseName, strength: float, placement: Placement = "gate") -> NoiseSpec:
    """One noise of one strength; :data:`NOISES` says what the strength means and where the noise acts.

    Args:
        name: of :data:`NOISES`.
        strength: from 0, which is no noise, to the noise's largest.
        placement: after every gate or after every layer. Readout errors are the same in both.

    Raises:
        ConfigurationError: an unknown name or placement, or a strength out of range.
    """
    info = NOISES[name]
    if placement not in get_args(Placement):
        raise unknown_name("there is no such placement", placement, get_args(Placement))
    if not 0 <= strength <= info.high:  # not a number fails this too
        raise _out_of_range(name, strength, f"0 to {info.high:.4g} ({info.strength})")
    if not strength:
        return NoiseSpec(placement=placement)
    strength = float(strength)
    fields = info.fields(strength, placement) if info.fields else {"others": [{"name": name, "strength": strength}]}
    try:
        return NoiseSpec.model_validate({"placement": placement, **fields})
    except ValidationError as error:
        raise _out_of_range(name, strength, first_problem(error)[1]) from error


def _out_of_range(name: str, strength: float, expected: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} noise cannot have this strength",
        got=f"{strength:g}",
        expected=expected,
        remedy="choose a strength in this range",
    )
