"""What numbers are computed with: a device, a precision, and a simulator."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from qaml_qiskit.errors import ConfigurationError, unknown_name

if TYPE_CHECKING:
    import torch

Precision = Literal["single", "double"]
#: The compiled kernel, torch operations, or the kernel where it can serve and torch elsewhere.
Simulator = Literal["auto", "kernel", "torch"]
#: How a sweep finds ⟨Z⟩: exactly, or with Aer by density matrices, random state vectors or drawn shots.
SweepEngine = Literal["exact", "aer-density", "aer-trajectories", "aer-sampler"]

#: A module or a tensor of torch.
Placed = TypeVar("Placed", bound=Any)

_CHOICES: dict[str, tuple[str, ...]] = {"precision": get_args(Precision), "simulator": get_args(Simulator)}


@dataclass(frozen=True)
class Compute:
    """Where models and images lie and with how many digits; :func:`qaml_qiskit.simulation.computing` puts it to work.

    Attributes:
        device: a device of torch, such as ``cpu`` or ``cuda:0``.
        precision: ``single`` for float32 weights and images, ``double`` for float64.
        simulator: of circuits: ``kernel`` (on ``cpu`` only), ``torch``, or ``auto``.

    Raises:
        ConfigurationError: a precision or a simulator that does not exist, or a kernel on another device.
    """

    device: str = "cpu"
    precision: Precision = "single"
    simulator: Simulator = "auto"

    def __post_init__(self) -> None:
        """Refuse what no machine has."""
        for name, choices in _CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise unknown_name(f"there is no such {name}", value, choices)
        if self.simulator == "kernel" and self.device != "cpu":
            raise ConfigurationError(
                f"the compiled kernel does not run on {self.device!r}",
                got="the simulator 'kernel'",
                expected="the device 'cpu'",
                remedy="use the simulator 'auto' or 'torch'",
            )

    def check_device(self) -> None:
        """Raise ConfigurationError where this machine does not have the device."""
        import torch

        try:
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            known = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
            raise ConfigurationError(
                "there is no such device here",
                got=repr(self.device),
                expected=", ".join(known),
                remedy="choose one of these, or mend the driver if it should be there",
            ) from error

    @property
    def dtype(self) -> "torch.dtype":
        """Of weights and images."""
        import torch

        return torch.float64 if self.precision == "double" else torch.float32

    def placed(self, what: Placed) -> Placed:
        """A model, which is moved itself, or a tensor of images, on the device and in the precision."""
        placed: Placed = what.to(device=self.device, dtype=self.dtype)
        return placed

    def record(self) -> dict[str, Any]:
        """What differs from the defaults, as ``compute``, for a run's configuration: other numbers make another run."""
        defaults = {field.name: field.default for field in fields(self)}
        chosen = {name: value for name, value in asdict(self).items() if value != defaults[name]}
        return {"compute": chosen} if chosen else {}


#: The processor, in single precision.
DEFAULT_COMPUTE = Compute()

_TRUSTING: ContextVar[bool] = ContextVar("qaml_trusting", default=False)


@contextmanager
def trusting(trust: bool = True) -> Iterator[None]:
    """Do not look at the values of tensors that lie on another device than the CPU, in this thread or task only.

    To look at a value, the processor waits until the device has done all that it was told. Inner loops, whose weights
    and images were looked at before, run in such a block; what goes wrong in one shows in its results, which are looked
    at behind it.

    Args:
        trust: False to look again, inside of another block.
    """
    token = _TRUSTING.set(trust)
    try:
        yield
    finally:
        _TRUSTING.reset(token)


def can_look_at(tensor: "torch.Tensor") -> bool:
    """Whether a check may read a tensor's values: it has some, and nobody is kept waiting who asked not to be."""
    kind = tensor.device.type
    return kind == "cpu" or (kind != "meta" and not _TRUSTING.get())
