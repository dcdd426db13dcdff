"""backends.yaml: the named places where a classifier can run, read strictly."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator
from qiskit_ibm_runtime import fake_provider

from qaml_qiskit.errors import ConfigurationError, nearest, perhaps, unknown_name
from qaml_qiskit.execution.names import FILE_NAME, backends_file
from qaml_qiskit.execution.options import Engine, PrimitiveOptions
from qaml_qiskit.formats import first_problem, short, yaml_of
from qaml_qiskit.noise import NoiseSpec

Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Place(_Strict):
    @property
    def is_hardware(self) -> bool:
        """Whether running there costs QPU time."""
        return False


class _Entry(_Place):
    options: PrimitiveOptions = PrimitiveOptions()

    @property
    def primitive_options(self) -> PrimitiveOptions:
        """What is asked of the primitive beside shots."""
        return self.options


class SimulatedEntry(_Entry):
    """What is simulated: by the exact engine, or by Aer; None for the exact one where it applies, and otherwise Aer."""

    # Entries of runs before there was a choice have none.
    engine: Annotated[Engine | None, Field(exclude_if=lambda engine: engine is None)] = None


class _Fractional(_Entry):
    #: Whether the device's gates RX(θ) and RZZ(θ) can be used; see :mod:`qaml_qiskit.execution.compilation.fractional`.
    fractional: Annotated[bool, Field(exclude_if=lambda fractional: not fractional)] = False


class IdealEntry(SimulatedEntry):
    """A perfect device: any connectivity, no noise but that of a finite number of shots."""

    kind: Literal["ideal"]


class AerEntry(SimulatedEntry, _Fractional):
    """An all-to-all device with named noise after every native gate."""

    kind: Literal["aer"]
    noise: NoiseSpec

    @field_validator("noise")
    @classmethod
    def _on_gates(cls, noise: NoiseSpec) -> NoiseSpec:
        if noise.needs_markers:
            raise ValueError("noise that gates carry: placement gate, no crosstalk, no global_depolarizing")
        return noise


class FakeEntry(SimulatedEntry, _Fractional):
    """A snapshot of an IBM device that ships with qiskit-ibm-runtime."""

    kind: Literal["fake"]
    device: str

    @field_validator("device")
    @classmethod
    def _known(cls, device: str) -> str:
        known = fake_devices()
        if device not in known:
            near = nearest(device, known) or known[:3]
            raise ValueError(
                f"one of the {len(known)} snapshots that ship with qiskit-ibm-runtime, such as {', '.join(near)}"
            )
        return device


class SnapshotEntry(SimulatedEntry, _Fractional):
    """A real device as it was when a run was submitted to it: the ``snapshot`` folder of that run, simulated."""

    kind: Literal["snapshot"]
    folder: str


class IBMEntry(_Fractional):
    """A real device, by its name on IBM Quantum Platform."""

    kind: Literal["ibm"]
    device: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

    @property
    def is_hardware(self) -> bool:
        """Always."""
        return True


class ProviderEntry(_Place):
    """A backend of any vendor with a Qiskit provider.

    Attributes:
        factory: ``package.module:function``; the function returns a ``BackendV2``.
        options: keyword arguments of the function. ``{env: NAME}`` stands for the value of an environment variable,
            which is looked up when the backend is opened and kept nowhere.
        simulated: whether nothing is paid for, and jobs need not outlive the process.
    """

    kind: Literal["provider"]
    factory: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]
    options: dict[str, JsonValue] = {}
    simulated: bool = False

    @property
    def is_hardware(self) -> bool:
        """Unless the entry says that it is simulated."""
        return not self.simulated

    @property
    def primitive_options(self) -> PrimitiveOptions:
        """None: those are of the Runtime's primitives."""
        return PrimitiveOptions()


TargetEntry = Annotated[
    IdealEntry | AerEntry | FakeEntry | SnapshotEntry | IBMEntry | ProviderEntry, Field(discriminator="kind")
]

_KINDS: dict[str, type[BaseModel]] = {
    "ideal": IdealEntry,
    "aer": AerEntry,
    "fake": FakeEntry,
    "snapshot": SnapshotEntry,
    "ibm": IBMEntry,
    "provider": ProviderEntry,
}


class Catalogue(_Strict):
    """The entries of one backends.yaml by name."""

    targets: dict[str, TargetEntry]

    def entry(self, name: str) -> TargetEntry:
        """The entry called ``name``; ConfigurationError with the known names when there is none."""
        if name not in self.targets:
            remedy = f"choose one of these, or add an entry to {FILE_NAME}"
            raise unknown_name("there is no such target", name, self.targets, remedy=remedy)
        return self.targets[name]


def fake_devices() -> list[str]:
    """Class names of the device snapshots that the installed qiskit-ibm-runtime ships."""
    return sorted(
        name
        for name, value in vars(fake_provider).items()
        if name.startswith("Fake") and isinstance(value, type) and "Provider" not in name
    )


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the targets.

    Args:
        path: the file to read; by default the one that :func:`qaml_qiskit.execution.names.backends_file` finds.

    Raises:
        ConfigurationError: the file is missing, is not YAML, or an entry does not fit; the message names the file,
            the entry, the field and the known values.
    """
    return parse_yaml(*backends_file(path), Catalogue)


def parse_yaml(text: str | bytes, source: str, model: type[Model]) -> Model:
    """Parse YAML text that came from ``source`` into a strict schema; the error names what does not fit."""
    content = yaml_of(text.encode() if isinstance(text, str) else text, source)
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        raise _explain(error, source, model) from error


def _explain(error: ValidationError, source: str, model: type[BaseModel]) -> ConfigurationError:
    """The first problem of a validation error, as one line."""
    detail, expected = first_problem(error)
    # The discriminator's value appears in the path of a tagged union; it is not a key of the file.
    kinds = tuple(_KINDS)
    place = [str(part) for i, part in enumerate(detail["loc"]) if not (i == 2 and part in kinds)]
    got, remedy = short(detail["input"]), "correct the entry"
    if detail["type"] == "extra_forbidden":
        known = _known_fields(model, detail["loc"])
        got, expected = f"the unknown field {place[-1]!r}", f"one of the fields {', '.join(known)}"
        remedy = perhaps(place[-1], known, remedy, count=1)
    elif detail["type"] == "union_tag_invalid":
        got, expected = f"kind {detail['ctx']['tag']!r}", f"kind: one of {detail['ctx']['expected_tags']}"
    elif detail["type"] == "union_tag_not_found":
        got, expected = "no kind", f"kind: one of {', '.join(kinds)}"
    elif detail["type"] == "missing":
        got, expected = "no such field", f"a field {place[-1]!r}"
    others = error.error_count() - 1
    return ConfigurationError(
        f"{source}: {'.'.join(place) or 'the whole file'} does not fit",
        got=got,
        expected=expected,
        remedy=remedy + (f" ({others} more problem{'s' * (others > 1)} after it)" if others else ""),
    )


def _known_fields(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The fields of the (possibly nested) model in which an unknown field was met."""
    current: type[BaseModel] = model
    for part in location[:-1]:
        if part in _KINDS:
            current = _KINDS[str(part)]
        elif part in current.model_fields:
            annotation = current.model_fields[str(part)].annotation
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                current = annotation
    return list(current.model_fields)
