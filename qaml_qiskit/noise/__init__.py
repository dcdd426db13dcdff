"""Named noise models on native gates. Knows strengths and Aer, not targets or images."""

from qaml_qiskit.noise.models import BASIS_GATES as BASIS_GATES
from qaml_qiskit.noise.models import NoiseSpec as NoiseSpec
from qaml_qiskit.noise.models import check_touches as check_touches
