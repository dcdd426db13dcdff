"""Named noise models on native gates. Knows strengths and Aer, not targets or images.

>>> from qaml_qiskit.circuits import Brickwork
>>> from qaml_qiskit.noise import LAYER_END, named_noise
>>> spec = named_noise("amplitude-damping", 0.001, placement="layer")
>>> compiled = transpile(Brickwork(10, 24).circuit(LAYER_END))  # doctest: +SKIP
>>> circuit, model = spec.attach(compiled)  # doctest: +SKIP
"""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.noise.aer_model import without_readout_errors as without_readout_errors
    from qaml_qiskit.noise.checks import BASIS_GATES as BASIS_GATES
    from qaml_qiskit.noise.checks import check_touches as check_touches
    from qaml_qiskit.noise.device import device_noise as device_noise
    from qaml_qiskit.noise.device import device_notes as device_notes
    from qaml_qiskit.noise.device import device_repairs as device_repairs
    from qaml_qiskit.noise.device import restrict as restrict
    from qaml_qiskit.noise.flips import add_flips as add_flips
    from qaml_qiskit.noise.kinds import NoiseInfo as NoiseInfo
    from qaml_qiskit.noise.layers import LAYER_END as LAYER_END
    from qaml_qiskit.noise.models import NoiseSpec as NoiseSpec
    from qaml_qiskit.noise.named import named_noise as named_noise
    from qaml_qiskit.noise.names import NOISES as NOISES
    from qaml_qiskit.noise.names import NoiseName as NoiseName
    from qaml_qiskit.noise.names import Placement as Placement
    from qaml_qiskit.noise.scaled import scaled_noise as scaled_noise
    from qaml_qiskit.noise.strengths import Repair as Repair

load_lazily(__name__)
