"""Compiled circuits and the noise that they run under: native gates with a named noise, or a target with its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit, Qubit
from qiskit_aer.noise import NoiseModel
from torch import Tensor

from qaml_qiskit.circuits import NoiseLayerForm, classifier_circuit, is_noise_angle
from qaml_qiskit.compute import Compute
from qaml_qiskit.deployments import noise_layers
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import Products, ReadoutMap, ZString
from qaml_qiskit.execution import Target, compile_for, load_recipe, open_target, to_isa
from qaml_qiskit.execution.catalogue import IdealEntry
from qaml_qiskit.execution.circuits import active_qubits, compact
from qaml_qiskit.execution.compilation.layout import LineUsage
from qaml_qiskit.models import QVC
from qaml_qiskit.noise import LAYER_END, NoiseSpec, Placement, without_readout_errors
from qaml_qiskit.progress import Advance
from qaml_qiskit.simulation.heisenberg import NoisyObservables, PreparedCircuit, noisy_observables, readout_map
from qaml_qiskit.simulation.measurements import measured_qubits

#: Level 1 translates to native gates; there is no coupling map that would need more.
_RECIPE = "quick"


@dataclass(frozen=True)
class CircuitWithNoise:
    """A compiled circuit and its noise.

    Attributes:
        circuit: on its active qubits alone, unmeasured, with the markers that its noise sits on.
        noise: None for none.
        inputs: the qubit behind each qubit of the image's state, the least significant first; empty where the circuit
            prepares the image itself, from its parameters.
        read: the measured qubits, in the order of the readout.
        bits: the products of Z that the classifier is read from, each by the places of its qubits in ``read``; where
            there are none, Z of each qubit by itself.
        neighbours: pairs of qubits between which a named noise puts crosstalk; empty for a device's circuit.
        notes: what had to be repaired of the data that the noise is made from, in sentences.
    """

    circuit: QuantumCircuit
    noise: NoiseModel | None
    inputs: tuple[int, ...]
    read: tuple[int, ...]
    neighbours: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()
    bits: tuple[tuple[int, ...], ...] = ()

    @property
    def products(self) -> Products:
        """The products of Z that the classifier is read from."""
        size = len(self.read)
        return Products(self.bits, size) if self.bits else Products.of_bits(size)

    def sets(self, strings: Sequence[ZString]) -> list[tuple[int, ...]]:
        """The circuit's qubits of products that are given by classical bits."""
        return [tuple(self.read[bit] for bit in string) for string in strings]

    @property
    def strings(self) -> tuple[tuple[int, ...], ...]:
        """The products of Z that the classifier is read from, each by its qubits."""
        return tuple(self.sets(self.products.strings))

    def under(self, spec: NoiseSpec) -> "CircuitWithNoise":
        """The same circuit under a named noise, for circuits from :func:`native_circuit`.

        Raises:
            ConfigurationError: the noise touches no gate, or needs layers that are not marked.
        """
        # Those of the ansatz, also where the encoding couples qubits that lie further apart.
        circuit, model = spec.attach(self.circuit, self.neighbours)
        return replace(self, circuit=circuit, noise=model)

    def averaged(self, flips: Mapping[str, float], num_qubits: int) -> "CircuitWithNoise":
        """With the exact average over all draws of its noise layers; see :func:`.noise_layers.averaged`."""
        circuit, noise = noise_layers.averaged(self.circuit, self.noise, flips, num_qubits)
        return replace(self, circuit=circuit, noise=noise)

    def drawn(self, angles: NDArray[np.float64]) -> "CircuitWithNoise":
        """Behind one draw of its noise layers, angles of shape (L, n)."""
        return replace(self, circuit=noise_layers.drawn(self.circuit, angles))

    def observables(
        self, dtype: torch.dtype = torch.float32, device: str = "cpu", strings: Sequence[ZString] | None = None
    ) -> NoisyObservables:
        """Products of Z, carried back through the circuit and its noise; for circuits that an image's state enters.

        Args:
            dtype: of the observables.
            device: where they are computed.
            strings: the products, by classical bits; by default those that the classifier is read from.
        """
        sets = self.sets(self.products.strings if strings is None else strings)
        return noisy_observables(self.circuit, self.noise, sets, inputs=self.inputs, dtype=dtype, device=device)

    def expectations(
        self,
        values: NDArray[np.float64],
        strings: Sequence[ZString],
        compute: Compute,
        advance: Advance,
        *,
        readout_errors: bool = True,
        rows: int | None = None,
    ) -> Tensor:
        """Averages of products of Z, shape (N, number of products); for circuits that prepare their images.

        Args:
            values: of the circuit's parameters, shape (N, P).
            strings: the products, by classical bits.
            compute: where, and with how many digits.
            advance: told about every image.
            readout_errors: whether they are in it.
            rows: as for :meth:`.PreparedCircuit.expectations`.
        """
        sets = self.sets(strings)
        prepared = self.prepared(compute)
        return prepared.expectations(
            values, sets, lambda done, total: advance(1), rows=rows, readout_errors=readout_errors
        )

    def frequencies(self, values: NDArray[np.float64], compute: Compute, advance: Advance) -> Tensor:
        """How often every bitstring is read, shape (N, 2^n), the first measured qubit in the lowest bit.

        Args:
            values: of the circuit's parameters, shape (N, P).
            compute: where, and with how many digits.
            advance: told about every image.
        """
        return self.prepared(compute).frequencies(values, lambda done, total: advance(1))

    def prepared(self, compute: Compute) -> PreparedCircuit:
        """The circuit, prepared to be propagated; the same object whenever it is asked for."""
        key = compute.dtype, compute.device
        if key not in self._prepared:
            dtype, device = key
            self._prepared[key] = PreparedCircuit(self.circuit, self.noise, self.read, dtype=dtype, device=device)
        return self._prepared[key]

    def release(self) -> None:
        """Give back the memory that prepared circuits keep; see :meth:`.PreparedCircuit.release`."""
        for each in self._prepared.values():
            each.release()

    @cached_property
    def _prepared(self) -> dict[tuple[torch.dtype, str], PreparedCircuit]:
        """Those that were asked for."""
        return {}

    def without_readout_errors(self) -> "CircuitWithNoise":
        """The same, read perfectly."""
        return self if self.noise is None else replace(self, noise=without_readout_errors(self.noise))

    @property
    def columns(self) -> list[int]:
        """Which of the encoding's angles each parameter of the circuit is, in their order."""
        return parameter_columns(self.circuit)

    @property
    def readout(self) -> ReadoutMap:
        """The readout errors of the classes' qubits."""
        return readout_map(self.noise, self.read)


def check_measured_last(circuit: QuantumCircuit) -> None:
    """Raise ConfigurationError where something acts on a qubit that was measured."""
    measured: set[Qubit] = set()
    for instruction in circuit.data:
        if instruction.name != "barrier" and measured.intersection(instruction.qubits):
            raise ConfigurationError(
                "the circuit goes on after a measurement",
                got=f"'{instruction.name}' on a qubit that was already measured",
                expected="measurements at the end",
                remedy="remove the measurement in the middle",
            )
        if instruction.name == "measure":
            measured.update(instruction.qubits)


def native_circuit(model: QVC, placement: Placement, *, with_encoding: bool) -> CircuitWithNoise:
    """The model in native gates, any two qubits connected, without noise; its noise layers are marked.

    Args:
        model: the QVC.
        placement: of the noise to come; for noise by layer, layers are marked.
        with_encoding: whether the circuit prepares the image, too.

    Raises:
        ConfigurationError: noise by layer, for an ansatz without layers.
    """
    target = open_target("native", IdealEntry(kind="ideal"), model.config.num_qubits)
    marked: NoiseLayerForm | None = None if model.config.noise_layers is None else "markers"
    ansatz = model.ansatz(LAYER_END if placement == "layer" else None, marked)
    whole = model.encoding.circuit.compose(ansatz) if with_encoding else ansatz
    isa = to_isa(whole, target.isa, load_recipe(_RECIPE))
    inputs = () if with_encoding else tuple(range(model.config.num_qubits))
    neighbours, readout = model.config.build_ansatz().neighbours, model.readout
    return CircuitWithNoise(isa, None, inputs, readout.qubits, neighbours, bits=readout.bits)


def device_circuit(
    model: QVC, target: Target, recipe: str, *, with_encoding: bool, weights: LineUsage | None = None
) -> CircuitWithNoise:
    """The model compiled for a target, under the target's own noise; the angles of its noise layers are free.

    Raises:
        ConfigurationError: the circuit cannot be compiled for the target.
    """
    n = model.config.num_qubits
    encoding = model.encoding.circuit if with_encoding else QuantumCircuit(n)
    free: NoiseLayerForm | None = None if model.config.noise_layers is None else "angles"
    whole = classifier_circuit(encoding, model.ansatz(noise_layers=free), model.readout)
    isa = compile_for(whole, target, load_recipe(recipe), recipe, weights)
    # Without a coupling map nothing is laid out.
    layout = isa.layout.initial_index_layout(filter_ancillas=True) if isa.layout else range(n)
    return on_active_qubits(isa, target, model.readout.bits, () if with_encoding else layout)


def on_active_qubits(
    isa: QuantumCircuit, target: Target, bits: tuple[tuple[int, ...], ...], entering: Sequence[int] = ()
) -> CircuitWithNoise:
    """A circuit that was compiled for a target, under the target's own noise.

    Args:
        isa: measured at its end.
        target: whose noise it is.
        bits: the products of Z that are read, by classical bits.
        entering: the physical qubits that an image's state enters, the least significant first.

    Raises:
        ConfigurationError: something acts on a qubit that was measured.
    """
    check_measured_last(isa)
    active = active_qubits(isa)
    # A qubit of the image's state on which no gate is left still carries its part of the state.
    idle = [qubit for qubit in entering if qubit not in active]
    place = {qubit: index for index, qubit in enumerate((*active, *idle))}
    read = tuple(place[qubit] for qubit in measured_qubits(isa))
    small = compact(isa).remove_final_measurements(inplace=False)
    small.add_bits([Qubit() for _ in idle])
    inputs = tuple(place[qubit] for qubit in entering)
    return CircuitWithNoise(small, target.noise_model(isa), inputs, read, notes=target.noise_notes(isa), bits=bits)


def parameter_columns(circuit: QuantumCircuit) -> list[int]:
    """Which of the encoding's angles each parameter of a circuit is, in their order; noise layers' are left out."""
    return [each.index for each in circuit.parameters if not is_noise_angle(each)]


def parameter_values(
    circuit: QuantumCircuit, angles: NDArray[np.float64], drawn: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Values of a circuit's parameters in their order, shape (N, P).

    Args:
        circuit: compiled.
        angles: of the encoding, shape (N, A).
        drawn: of the noise layers, shape (N, L·n), where the circuit has them free.
    """
    columns = [
        drawn[:, each.index] if drawn is not None and is_noise_angle(each) else angles[:, each.index]
        for each in circuit.parameters
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((len(angles), 0))
