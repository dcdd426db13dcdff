"""The exact noisy engine as V2 primitives: any shots of a circuit under a noise model, from its exact distribution.

>>> from qaml_qiskit import ExactSampler
>>> sampler = ExactSampler(noise_model, seed=7)  # doctest: +SKIP
>>> bits = sampler.run([(circuit, values)], shots=1000).result()[0].data.meas  # doctest: +SKIP

They take the place of Qiskit's own primitives, and of Aer's, for circuits of up to twelve qubits a component that are
measured at their end.
"""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.simulation.primitives.estimator import ExactEstimator as ExactEstimator
    from qaml_qiskit.simulation.primitives.sampler import ExactSampler as ExactSampler
    from qaml_qiskit.simulation.primitives.sampler import check_exact as check_exact

load_lazily(__name__)
