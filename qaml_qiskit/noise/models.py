"""Noise with strengths, turned into Aer noise models on the native gates of compiled circuits.

Aer applies noise only to the gates that a model names and is silent about all others, so the models here name the
native gates of IBM's devices, and :func:`check_touches` refuses a model that would leave a circuit untouched.
"""

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator
from qiskit.circuit import QuantumCircuit
from qiskit_aer.noise import NoiseModel, QuantumError, ReadoutError, depolarizing_error

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise import channels
from qaml_qiskit.noise.checks import BASIS_GATES, ONE_QUBIT_GATES, TWO_QUBIT_GATES, check_touches
from qaml_qiskit.noise.layers import (
    CROSSTALK,
    GLOBAL_DEPOLARIZING,
    LAYER_END,
    LAYER_NOISE,
    Pair,
    count_layers,
    insert_markers,
)
from qaml_qiskit.noise.names import Placement
from qaml_qiskit.noise.strengths import (
    Angle,
    Depolarizing,
    Other,
    OverRotation,
    Probability,
    ReadoutErrors,
    ThermalRelaxation,
)


class NoiseSpec(BaseModel):
    """Which noise, how strong, and where. Several noises are applied one after the other, in the order of the fields.

    Noise placed by ``gate`` follows every native gate, on each of the gate's qubits. Noise placed by ``layer`` acts
    once on each qubit after each layer; each must end in a barrier with the label :data:`LAYER_END`. Readout errors act
    on measurements in both cases.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    placement: Placement = "gate"
    over_rotation: OverRotation = OverRotation()
    depolarizing: Depolarizing = Depolarizing()
    amplitude_damping: Probability = 0.0
    """Probability γ that |1⟩ decays to |0⟩, on each qubit of each gate."""
    bit_flip: Probability = 0.0
    """Probability of an X, on each qubit of each gate."""
    phase_damping: Probability = 0.0
    """λ: off-diagonal elements shrink by √(1 − λ), on each qubit of each gate."""
    thermal_relaxation: ThermalRelaxation = ThermalRelaxation()
    others: tuple[Other, ...] = ()
    """Noises that were registered with Kraus operators, on each qubit of each gate."""
    crosstalk: Angle = 0.0
    """Angle θ of exp(−iθ/2·ZZ): after a two-qubit gate between each of its qubits and that qubit's other neighbours;
    placed by layer, on every neighbouring pair. Needs :meth:`prepare`."""
    global_depolarizing: Probability = 0.0
    """p of (1 − p)ρ + p·1/2ⁿ on the whole register, once a gate or layer: every ⟨Z_k⟩ times (1 − p)^uses. It is put at
    the end of the circuit, before the readout. Needs :meth:`prepare`."""
    readout: ReadoutErrors = ReadoutErrors()

    @model_validator(mode="after")
    def _fits_placement(self) -> "NoiseSpec":
        rotation, relaxation = self.over_rotation, self.thermal_relaxation
        if self.placement == "gate":
            misplaced = {"thermal_relaxation.layer": relaxation.layer}
        else:
            misplaced = {
                "depolarizing.two_qubit": self.depolarizing.two_qubit,
                "over_rotation.two_qubit": rotation.two_qubit,
                "over_rotation.fraction": rotation.fraction,
                "gate times of thermal_relaxation": max(relaxation.gate_times),
            }
        if found := [name for name, value in misplaced.items() if value]:
            raise ValueError(f"for noise placed by {self.placement}: no {', '.join(found)}")
        return self

    @model_serializer(mode="wrap")
    def _without_no_others(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As before there were others, where there are none: runs are recognised by what is written."""
        written: dict[str, Any] = handler(self)
        if not self.others:
            del written["others"]
        return written

    @property
    def needs_markers(self) -> bool:
        """Whether circuits must go through :meth:`prepare` for all of this noise to act."""
        return self._needs_layers or bool(self.crosstalk or self.global_depolarizing)

    def notes(self) -> tuple[str, ...]:
        """What was repaired, a sentence each; empty where everything is as given."""
        repair = self.thermal_relaxation.repair
        return (str(repair),) if repair else ()

    def attach(
        self, circuit: QuantumCircuit, pairs: Collection[Pair] | None = None
    ) -> tuple[QuantumCircuit, NoiseModel]:
        """A compiled circuit and this noise, ready for Aer or the exact engine: prepared, built and checked.

        Args:
            circuit: compiled to native gates; its layers marked where the noise is placed by layer.
            pairs: neighbouring qubits for crosstalk; None for those that a gate of the circuit couples.

        Returns:
            The circuit with markers, which computes the same without noise, and the noise model for it.

        Raises:
            ConfigurationError: as :meth:`prepare`, or the noise touches no gate of the circuit.
        """
        prepared = self.prepare(circuit, pairs)
        model = self.build(prepared)
        check_touches(model, prepared)
        return prepared, model

    def prepare(self, circuit: QuantumCircuit, pairs: Collection[Pair] | None = None) -> QuantumCircuit:
        """A copy of a compiled circuit with markers where noise acts that no gate carries; see :meth:`attach`.

        Raises:
            ConfigurationError: no layers are marked where the noise needs them, the circuit was prepared before, or
                ``pairs`` names qubits that it does not have.
        """
        if not self.needs_markers:
            return circuit
        by_layer = self.placement == "layer"
        if by_layer and not count_layers(circuit):
            raise ConfigurationError(
                "noise by layer needs to know the layers",
                got="a circuit without marked layers",
                expected="a labelled barrier after each layer",
                remedy=f"let the ansatz put barriers labelled {LAYER_END} there, before compiling",
            )
        return insert_markers(
            circuit,
            noise_after_layers=by_layer and bool(self._by_layer()),
            crosstalk_after=(("barrier",) if by_layer else TWO_QUBIT_GATES) if self.crosstalk else (),
            at_end=bool(self.global_depolarizing),
            pairs=pairs,
        )

    def build(self, circuit: QuantumCircuit | None = None) -> NoiseModel:
        """The Aer noise model, on :data:`ONE_QUBIT_GATES`, :data:`TWO_QUBIT_GATES` and the markers.

        Args:
            circuit: the prepared circuit; needed by ``global_depolarizing``, which counts its gates or layers.

        Raises:
            ConfigurationError: global depolarising without a circuit, or noise so weak that Aer would leave it out.
        """
        model = NoiseModel(basis_gates=list(BASIS_GATES))
        for label, errors in self._errors():
            if errors:
                model.add_all_qubit_quantum_error(_kept(channels.compose(errors), label), [label])
        if self.global_depolarizing:
            share = channels.global_depolarizing(self.global_depolarizing, self._uses(circuit))
            model.add_all_qubit_quantum_error(share, [GLOBAL_DEPOLARIZING])
        if self.readout.p10 or self.readout.p01:
            p10, p01 = self.readout.p10, self.readout.p01
            model.add_all_qubit_readout_error(ReadoutError([[1 - p10, p10], [p01, 1 - p01]]))
        return model

    @property
    def _needs_layers(self) -> bool:
        return self.placement == "layer" and bool(self._by_layer() or self.crosstalk or self.global_depolarizing)

    def _errors(self) -> Iterator[tuple[str, list[QuantumError]]]:
        """Labels or names of instructions, and their errors in time order."""
        if self.placement == "layer":
            yield LAYER_NOISE, self._by_layer()
        else:
            for gates, width in ((ONE_QUBIT_GATES, 1), (TWO_QUBIT_GATES, 2)):
                for gate in gates:
                    yield gate, self._after(gate, width)
        if self.crosstalk:
            yield CROSSTALK, [channels.zz_rotation(self.crosstalk)]

    def _after(self, gate: str, width: int) -> list[QuantumError]:
        rotation = channels.over_rotation(self.over_rotation, gate, width)
        strength = self.depolarizing.one_qubit if width == 1 else self.depolarizing.two_qubit
        errors = [rotation] if rotation is not None else []
        errors += [depolarizing_error(strength, width)] if strength else []
        time = self.thermal_relaxation.time(gate, width)
        return errors + [channels.on_each_qubit(channel, width) for channel in self._local(time)]

    def _by_layer(self) -> list[QuantumError]:
        angle, strength = self.over_rotation.one_qubit, self.depolarizing.one_qubit
        errors = [channels.x_rotation(angle)] if angle else []
        errors += [depolarizing_error(strength, 1)] if strength else []
        return errors + self._local(self.thermal_relaxation.layer)

    def _local(self, time: float) -> list[QuantumError]:
        local = channels.local_channels(self.amplitude_damping, self.bit_flip, self.phase_damping)
        local += [channels.relaxation(self.thermal_relaxation, time)] if time else []
        return local + [channels.kraus(other.name, other.kraus) for other in self.others]

    def _uses(self, circuit: QuantumCircuit | None) -> int:
        if circuit is None:
            raise ConfigurationError(
                "global depolarising needs the circuit",
                got="no circuit",
                expected="the prepared circuit, whose gates or layers are the channel's uses",
                remedy="call attach with the compiled circuit, or use depolarizing, which acts gate by gate",
            )
        gates = ONE_QUBIT_GATES + TWO_QUBIT_GATES
        uses = count_layers(circuit) if self.placement == "layer" else sum(each.name in gates for each in circuit.data)
        if not uses:
            raise ConfigurationError(
                "global depolarising has nothing to act on",
                got=f"a circuit without {'marked layers' if self.placement == 'layer' else 'native gates'}",
                expected=f"at least one of {', '.join(gates)}, or of the marked layers",
                remedy="compile the circuit first, and mark its layers before that",
            )
        return uses


def _kept(error: QuantumError, label: str) -> QuantumError:
    """Aer leaves errors out of a model that it takes for the identity, and says nothing."""
    if error.ideal():
        raise ConfigurationError(
            "this noise is too weak for Aer",
            got=f"an error after {label} that Aer takes for none",
            expected="strengths of 1e-7 or more",
            remedy="choose a larger strength, or 0 for none",
        )
    return error
