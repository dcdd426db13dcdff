"""Any shots of a circuit under a noise model, from its exact distribution, as a V2 primitive."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextvars import copy_context
from copy import copy

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import (
    BaseSamplerV2,
    PrimitiveJob,
    PrimitiveResult,
    SamplerPubLike,
    SamplerPubResult,
)
from qiskit.primitives.containers import BitArray, DataBin
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_aer.noise import NoiseModel

from qaml_qiskit.simulation.heisenberg import PreparedCircuit, readout_map
from qaml_qiskit.simulation.measurements import final_measurements
from qaml_qiskit.simulation.primitives.components import components
from qaml_qiskit.simulation.primitives.pubs import Seed, coerced_pubs, pub_values, run_seed

#: Frequencies that are computed at a time.
_FREQUENCIES = 2**20
#: Uniform numbers that are drawn at a time, so that memory does not grow with the shots.
_UNIFORM = 2**20


class ExactSampler(BaseSamplerV2):
    """Samples circuits under noise as often as asked, from their exact distributions.

    A circuit is propagated once for a row of parameter values, whatever the shots; these are independent draws from the
    distribution that comes out, readout errors included. Noise means what it means to Aer, which a sampler of Aer with
    the same model agrees with up to shot noise. Qubits that no gate connects are propagated by themselves.

    Results are those of Qiskit's :class:`~qiskit.primitives.StatevectorSampler`: a :class:`BitArray` a classical
    register, of the shape of the parameter values; bits that nothing is measured into are 0.

    Args:
        noise_model: an Aer noise model; None for no noise.
        seed: the same seed gives the same shots: every row of every PUB draws from a stream of its own. A generator
            gives a seed a run; None gives fresh ones.
        default_shots: where neither the PUB nor :meth:`run` says how many.
        dtype: float32, whose rounding no number of shots shows, or float64.
        memory_limit: bytes that a propagation may need; the free memory if None.
    """

    def __init__(
        self,
        noise_model: NoiseModel | None = None,
        *,
        seed: Seed = None,
        default_shots: int = 1024,
        dtype: torch.dtype = torch.float32,
        memory_limit: int | None = None,
    ) -> None:
        self._noise, self._seed, self._shots = noise_model, seed, default_shots
        self._dtype, self._limit = dtype, memory_limit
        # The circuits of the last run, which are often asked for again, and what they were then.
        self._known: list[tuple[QuantumCircuit, QuantumCircuit, _Prepared]] = []

    def seeded(self, seed: Seed) -> ExactSampler:
        """The same sampler with another seed; both know the circuits that one of them has prepared."""
        other = copy(self)
        other._seed = seed
        return other

    @property
    def default_shots(self) -> int:
        """Shots where nothing else is said."""
        return self._shots

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Sample PUBs.

        Args:
            pubs: circuits, each alone or with an array of parameter values of any shape.
            shots: of every PUB that does not say its own.

        Raises:
            ConfigurationError: a circuit that the engine cannot follow: more than
                :data:`~.components.EXACT_QUBITS` qubits that gates connect, an operation on a qubit that was measured,
                control flow, a gate on three qubits, or a readout error of several qubits.
            InputError: what is no PUB, values that are no finite numbers, or shots below 1.
        """
        coerced = coerced_pubs(SamplerPub, pubs, self._shots if shots is None else shots)
        if any(not pub.circuit.cregs for pub in coerced):
            warnings.warn(
                "One of your circuits has no output classical registers and so the result will be empty. Did you mean "
                "to add measurement instructions?",
                UserWarning,
                stacklevel=2,
            )
        for pub in coerced:
            pub_values(pub)
        seed = run_seed(self._seed)
        self._known[:] = [self._prepared(pub.circuit) for pub in coerced]
        prepared = [each for *_, each in self._known]
        # Jobs run in a thread of their own, by the simulator that is chosen in this one.
        job = PrimitiveJob(copy_context().run, self._run, coerced, prepared, seed)
        job._submit()
        return job

    def _prepared(self, circuit: QuantumCircuit) -> tuple[QuantumCircuit, QuantumCircuit, _Prepared]:
        # A circuit can be changed in place; then it is another one.
        for known in self._known:
            if known[0] is circuit and known[1].data == circuit.data:
                return known
        return circuit, circuit.copy(), _Prepared(circuit, self._noise, self._dtype, self._limit)

    def _run(
        self, pubs: Sequence[SamplerPub], prepared: Sequence[_Prepared], seed: int
    ) -> PrimitiveResult[SamplerPubResult]:
        found = [
            each.sample(pub, (seed, number)) for number, (each, pub) in enumerate(zip(prepared, pubs, strict=True))
        ]
        return PrimitiveResult(found, metadata={"version": 2})


def check_exact(circuit: QuantumCircuit, noise_model: NoiseModel | None) -> None:
    """Refuse a circuit that :class:`ExactSampler` could not sample, without propagating it.

    Raises:
        ConfigurationError: as :meth:`ExactSampler.run`.
    """
    measured = sorted({*final_measurements(circuit).values()})
    components(circuit, measured)
    if measured:
        readout_map(noise_model, measured)


class _Prepared:
    """A circuit with its noise, taken apart, and where its outcomes go."""

    def __init__(
        self, circuit: QuantumCircuit, noise: NoiseModel | None, dtype: torch.dtype, memory_limit: int | None
    ) -> None:
        bits = final_measurements(circuit)
        self._parts = components(circuit, sorted({*bits.values()}))
        self._sources = {
            qubit: (part, bit) for part, each in enumerate(self._parts) for bit, qubit in enumerate(each.qubits)
        }
        #: The qubits behind the bits of each register; None for a bit that nothing is measured into.
        self._registers = {
            register.name: [bits.get(circuit.find_bit(bit).index) for bit in register] for register in circuit.cregs
        }
        self._circuits = [
            PreparedCircuit(part.circuit, noise, part.qubits, dtype=dtype, memory_limit=memory_limit, check_noise=False)
            for part in self._parts
        ]

    def sample(self, pub: SamplerPub, seed: tuple[int, int]) -> SamplerPubResult:
        values = pub_values(pub)
        arrays = {
            name: np.zeros((len(values), pub.shots, -(-len(bits) // 8)), dtype=np.uint8)
            for name, bits in self._registers.items()
        }
        for row, distributions in enumerate(self._distributions(values)):
            rng = np.random.default_rng(np.random.SeedSequence([*seed, row]))
            outcomes = [_drawn(each, pub.shots, rng) for each in distributions]
            for name, bits in self._registers.items():
                arrays[name][row] = self._packed(outcomes, bits, pub.shots)
        data = {
            name: BitArray(array.reshape(*pub.shape, *array.shape[1:]), len(self._registers[name]))
            for name, array in arrays.items()
        }
        metadata = {"shots": pub.shots, "circuit_metadata": pub.circuit.metadata}
        return SamplerPubResult(DataBin(**data, shape=pub.shape), metadata=metadata)

    def _distributions(self, values: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.float64], ...]]:
        """Of every row the cumulated frequencies of each component's outcomes."""
        if not len(values):
            return
        widest = max((len(part.qubits) for part in self._parts), default=0)
        size = max(1, _FREQUENCIES >> widest)
        fixed = {
            index: self._cumulated(index, values[:1]) for index, part in enumerate(self._parts) if not len(part.columns)
        }
        for start in range(0, len(values), size):
            block = values[start : start + size]
            found = [
                np.broadcast_to(fixed[index], (len(block), fixed[index].shape[1]))
                if index in fixed
                else self._cumulated(index, block)
                for index in range(len(self._parts))
            ]
            for row in range(len(block)):
                yield tuple(each[row] for each in found)

    def _cumulated(self, index: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
        part = self._parts[index]
        frequencies = self._circuits[index].frequencies(values[:, part.columns]).numpy().astype(np.float64)
        sums = np.cumsum(frequencies, axis=1)
        return np.asarray(sums / sums[:, -1:])

    def _packed(
        self, outcomes: Sequence[NDArray[np.int64]], bits: Sequence[int | None], shots: int
    ) -> NDArray[np.uint8]:
        """The outcomes of a register as a BitArray has them: bit 0 in the last place of the last byte."""
        unpacked = np.zeros((shots, -(-len(bits) // 8) * 8), dtype=np.uint8)
        for place, qubit in enumerate(bits):
            if qubit is not None:
                part, bit = self._sources[qubit]
                unpacked[:, -1 - place] = (outcomes[part] >> bit) & 1
        return np.packbits(unpacked, axis=-1)


def _drawn(cumulated: NDArray[np.float64], shots: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Independent outcomes. A shot depends on one uniform number alone, so rounding of frequencies moves no other."""
    return np.concatenate(
        [
            np.searchsorted(cumulated, rng.random(min(_UNIFORM, shots - start)), side="right")
            for start in range(0, shots, _UNIFORM)
        ]
        or [np.zeros(0, dtype=np.int64)]
    )
