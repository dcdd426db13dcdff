"""Exact expectation values under noise, as a V2 primitive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextvars import copy_context
from functools import cache
from itertools import product
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, EstimatorPubLike, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers import DataBin
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit_aer.noise import NoiseModel

from qaml_qiskit.errors import InputError
from qaml_qiskit.formats import short
from qaml_qiskit.simulation.heisenberg.lowering import NoisyCircuit, lower
from qaml_qiskit.simulation.heisenberg.memory import check_fits, memory_needed
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.heisenberg.propagation import light_cone, propagate
from qaml_qiskit.simulation.heisenberg.readout import zero_state
from qaml_qiskit.simulation.measurements import final_measurements
from qaml_qiskit.simulation.primitives.components import Component, components
from qaml_qiskit.simulation.primitives.pubs import Seed, coerced_pubs, pub_values, run_seed

#: What each letter of an observable is a sum of: weights of Pauli matrices, in the order I, X, Z, Y of the vectors.
_LETTERS: dict[str, dict[int, float]] = {
    "I": {0: 1.0},
    "X": {1: 1.0},
    "Z": {2: 1.0},
    "Y": {3: 1.0},
    **{
        letter: {0: 0.5, pauli: sign}
        for pauli, pair in ((1, "+-"), (2, "01"), (3, "rl"))
        for letter, sign in zip(pair, (0.5, -0.5), strict=True)
    },
}
#: A Pauli string: the letters' places in I, X, Z, Y by qubit, without I.
_String = tuple[tuple[int, int], ...]


class ExactEstimator(BaseEstimatorV2):
    """Expectation values of circuits under noise: coefficients of the propagated state in the Pauli basis, exactly.

    As in Aer's own estimator, readout errors and errors on ``measure`` are none of it: nothing is measured. What is
    measured at the end of a circuit is left out. Qubits that no gate connects are propagated by themselves.

    Args:
        noise_model: an Aer noise model; None for no noise.
        seed: of the noise that a precision asks for; see :class:`~.sampler.ExactSampler`.
        default_precision: where neither the PUB nor :meth:`run` says one: the standard deviation of the Gaussian noise
            that is added, as shots would have it. With 0 values are exact.
        dtype: float64, or float32.
        memory_limit: bytes that a propagation may need; the free memory if None.
    """

    def __init__(
        self,
        noise_model: NoiseModel | None = None,
        *,
        seed: Seed = None,
        default_precision: float = 0.0,
        dtype: torch.dtype = torch.float64,
        memory_limit: int | None = None,
    ) -> None:
        self._noise, self._seed, self._precision = noise_model, seed, default_precision
        self._dtype, self._limit = dtype, memory_limit

    @property
    def default_precision(self) -> float:
        """The precision where nothing else is said."""
        return self._precision

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Estimate PUBs.

        Args:
            pubs: circuits with observables, sums of products of Pauli matrices and of projectors 0, 1, +, −, r and l,
                and arrays of parameter values; both are broadcast.
            precision: of every PUB that does not say its own.

        Raises:
            ConfigurationError: a circuit that the engine cannot follow; see :meth:`.ExactSampler.run`.
            InputError: what is no PUB, values that are no finite numbers, or a precision below 0.
        """
        precision = self._precision if precision is None else precision
        if not isinstance(precision, Real) or not 0 <= precision < np.inf:
            raise InputError(
                "cannot estimate with this precision",
                got=short(precision),
                expected="a number of at least 0, the standard deviation of what is added",
                remedy="give a precision of 0 for exact values",
            )
        coerced = coerced_pubs(EstimatorPub, pubs, precision)
        for pub in coerced:
            final_measurements(pub.circuit)
            pub_values(pub)
        # Jobs run in a thread of their own, by the simulator that is chosen in this one.
        job = PrimitiveJob(copy_context().run, self._run, coerced, run_seed(self._seed))
        job._submit()
        return job

    def _run(self, pubs: list[EstimatorPub], seed: int) -> PrimitiveResult[PubResult]:
        found = [self._estimate(pub, np.random.SeedSequence([seed, number])) for number, pub in enumerate(pubs)]
        return PrimitiveResult(found, metadata={"version": 2})

    def _estimate(self, pub: EstimatorPub, seed: np.random.SeedSequence) -> PubResult:
        circuit, values = pub.circuit, pub_values(pub)
        rows = np.broadcast_to(np.arange(len(values)).reshape(pub.parameter_values.shape), pub.shape)
        observables: Any = np.broadcast_to(np.asarray(pub.observables), pub.shape)
        sums = {index: _strings(observables[index]) for index in np.ndindex(pub.shape)}
        wanted = {string for terms in sums.values() for string in terms}
        known = _Expectations(circuit, self._noise, wanted, self._dtype, self._limit)
        evs, row = np.zeros(pub.shape), -1
        found: Mapping[_String, float] = {}
        for index in sorted(sums, key=lambda index: int(rows[index])):
            if rows[index] != row:
                row = int(rows[index])
                found = known.at(values[row])
            evs[index] = sum(weight * found[string] for string, weight in sums[index].items())
        if pub.precision > 0:
            evs = np.asarray(np.random.default_rng(seed).normal(evs, pub.precision))
        data = DataBin(evs=evs, stds=np.full(pub.shape, pub.precision), shape=pub.shape)
        return PubResult(data, metadata={"target_precision": pub.precision, "circuit_metadata": circuit.metadata})


class _Expectations:
    """Averages of Pauli strings at the end of a circuit, by its components."""

    def __init__(
        self,
        circuit: QuantumCircuit,
        noise: NoiseModel | None,
        strings: set[_String],
        dtype: torch.dtype,
        memory_limit: int | None,
    ) -> None:
        self._strings, self._dtype, self._limit = strings, dtype, memory_limit
        support = sorted({qubit for string in strings for qubit, _ in string})
        bare = circuit.copy_empty_like()
        for instruction in circuit.data:
            if instruction.operation.name != "measure":
                bare.append(instruction)
        self._parts, self._table = components(bare, support), NoiseTable(noise)

    def at(self, values: NDArray[np.float64]) -> dict[_String, float]:
        """Of every string at one row of values: the product of what it is on each component."""
        found = dict.fromkeys(self._strings, 1.0)
        for part in self._parts:
            pieces = {string: tuple(each for each in string if each[0] in part.qubits) for string in self._strings}
            averages = self._of_part(part, values[part.columns], {*pieces.values()})
            for string, piece in pieces.items():
                found[string] *= averages[piece]
        return found

    def _of_part(self, part: Component, values: NDArray[np.float64], pieces: set[_String]) -> dict[_String, float]:
        # Nothing is read: no readout errors, and no errors of measurements.
        whole = lower(part.circuit.assign_parameters(values), self._table, (), check_noise=False)
        cone = light_cone(NoisyCircuit(whole.num_qubits, whole.channels, part.qubits, ()), ())
        device = torch.device("cpu")
        needed = memory_needed(len(cone.digit), 0, self._dtype, num_inputs=0)
        check_fits(needed, self._limit, len(cone.digit), device)
        start = zero_state(cone.num_digits)
        (vectors,) = propagate(cone, start, backwards=False, dtype=self._dtype, device=device, progress=None)
        ordered = sorted(pieces)
        places = [sum(vectors.strides[cone.digit[qubit]] * pauli for qubit, pauli in piece) for piece in ordered]
        numbers = vectors.numbers[0, torch.tensor(places, dtype=torch.int64)]
        return dict(zip(ordered, numbers.tolist(), strict=True))


def _strings(observable: Mapping[str, float]) -> dict[_String, float]:
    """A sum of products of letters as weights of Pauli strings."""
    found: dict[_String, float] = {}
    for letters, weight in observable.items():
        for string, factor in _expanded(letters):
            found[string] = found.get(string, 0.0) + factor * float(weight)
    return found


@cache
def _expanded(letters: str) -> tuple[tuple[_String, float], ...]:
    return tuple(_terms(letters))


def _terms(letters: str) -> Iterator[tuple[_String, float]]:
    # The last letter is of qubit 0.
    for chosen in product(*(_LETTERS[letter].items() for letter in reversed(letters))):
        string = tuple((qubit, pauli) for qubit, (pauli, _) in enumerate(chosen) if pauli)
        yield string, float(np.prod([factor for _, factor in chosen]))
