"""The named noises: one strength each, for sweeps."""

from pydantic import ValidationError

from qaml_qiskit.formats import first_problem
from qaml_qiskit.noise.models import NoiseSpec
from qaml_qiskit.noise.names import NOISES, NoiseName, Placement, check_noise, out_of_range


def named_noise(name: NoiseName, strength: float, placement: Placement = "gate") -> NoiseSpec:
    """One noise of one strength; :data:`NOISES` says what the strength means and where the noise acts.

    Args:
        name: of :data:`NOISES`.
        strength: from 0, which is no noise, to the noise's largest.
        placement: after every gate or after every layer. Readout errors are the same in both.

    Raises:
        ConfigurationError: an unknown name or placement, or a strength out of range.
    """
    check_noise(name, strength, placement)
    if not strength:
        return NoiseSpec(placement=placement)
    info, strength = NOISES[name], float(strength)
    fields = info.fields(strength, placement) if info.fields else {"others": [{"name": name, "strength": strength}]}
    try:
        return NoiseSpec.model_validate({"placement": placement, **fields})
    except ValidationError as error:
        raise out_of_range(name, strength, first_problem(error)[1]) from error
