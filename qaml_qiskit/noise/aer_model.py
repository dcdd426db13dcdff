"""The one module that reads what Aer keeps to itself: the tables of a noise model.

Aer can put errors into a model but has no public way to ask it for one, or to take one out. What is touched here is
checked first, so that an Aer that keeps its tables otherwise is named in a sentence instead of answering wrongly;
``tests/unit/noise/test_aer_model.py`` fails loudly then.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from qiskit_aer.noise import NoiseModel, QuantumError, ReadoutError

from qaml_qiskit.errors import ConfigurationError

try:
    from qiskit_aer.noise.errors.base_quantum_error import BaseQuantumError as BaseQuantumError
except ImportError:  # An Aer without it has no errors of other kinds either.
    BaseQuantumError = QuantumError

_EVERYWHERE, _LOCAL = "_default_quantum_errors", "_local_quantum_errors"
_READOUT, _LOCAL_READOUT = "_default_readout_error", "_local_readout_errors"
#: Which tables of a noise model are read, and what each must be.
TABLES: Mapping[str, Any] = {
    _EVERYWHERE: dict,
    _LOCAL: dict,
    _READOUT: (ReadoutError, type(None)),
    _LOCAL_READOUT: dict,
}
#: What gives the passes that insert errors of waiting.
PASSES = "_pass_manager"


def check_readable(model: NoiseModel) -> None:
    """Refuse a model whose tables are not where they are looked for.

    Raises:
        ConfigurationError: this version of Aer keeps them otherwise.
    """
    for name, kinds in TABLES.items():
        if not hasattr(model, name) or not isinstance(getattr(model, name), kinds):
            raise _changed(name, type(getattr(model, name, None)).__name__)
    if not callable(getattr(model, PASSES, None)):
        raise _changed(PASSES, "nothing that can be called")


def errors_everywhere(model: NoiseModel) -> Mapping[str, BaseQuantumError]:
    """The errors by instruction that hold on all qubits where there is no local one."""
    return _table(model, _EVERYWHERE)


def local_errors(model: NoiseModel) -> Mapping[str, Mapping[tuple[int, ...], BaseQuantumError]]:
    """The errors by instruction and qubits."""
    return _table(model, _LOCAL)


def readout_error(model: NoiseModel) -> ReadoutError | None:
    """The readout error of all qubits without one of their own."""
    return _table(model, _READOUT)


def local_readout_errors(model: NoiseModel) -> Mapping[tuple[int, ...], ReadoutError]:
    """The readout errors by qubits."""
    return _table(model, _LOCAL_READOUT)


def without_readout_errors(model: NoiseModel) -> NoiseModel:
    """The same noise, read perfectly."""
    check_readable(model)
    perfect = deepcopy(model)
    setattr(perfect, _READOUT, None)
    setattr(perfect, _LOCAL_READOUT, {})
    return perfect


def with_errors(
    model: NoiseModel,
    everywhere: Mapping[str, BaseQuantumError],
    local: Mapping[str, Mapping[tuple[int, ...], BaseQuantumError]],
) -> NoiseModel:
    """The same noise with other errors of the same gates; reading and waiting are as they were."""
    check_readable(model)
    changed = deepcopy(model)
    setattr(changed, _EVERYWHERE, dict(everywhere))
    setattr(changed, _LOCAL, {label: dict(own) for label, own in local.items()})
    return changed


def waiting_passes(model: NoiseModel) -> Any:
    """Aer's own PassManager, which inserts noise where a circuit waits; None where the model has none."""
    check_readable(model)
    return getattr(model, PASSES)()


def _table(model: NoiseModel, name: str) -> Any:
    check_readable(model)
    return getattr(model, name)


def _changed(name: str, found: str) -> ConfigurationError:
    try:
        installed = version("qiskit-aer")
    except PackageNotFoundError:
        installed = "unknown"
    return ConfigurationError(
        "cannot read Aer's noise models",
        got=f"qiskit-aer {installed}, whose models have {found} as {name}",
        expected=f"what qiskit-aer 0.17 and 0.18 keep in {name}",
        remedy="install the version of constraints.txt",
    )
