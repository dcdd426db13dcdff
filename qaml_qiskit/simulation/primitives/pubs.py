"""What a sampler and an estimator take alike: seeds, PUBs, and the values of a PUB."""

from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qaml_qiskit.errors import InputError
from qaml_qiskit.formats import said
from qaml_qiskit.seeds import check_seed

Pub = TypeVar("Pub", SamplerPub, EstimatorPub)

#: Of a primitive: a generator gives a seed a run, None fresh ones.
Seed = int | np.random.Generator | None


def run_seed(seed: Seed) -> int:
    """The seed of a run: the given one, one that a generator draws, or a fresh one.

    Raises:
        InputError: no integer from 0 to 2⁶³ − 1.
    """
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**63))
    if seed is None:
        fresh = np.random.SeedSequence().entropy
        assert isinstance(fresh, int)
        return fresh
    return check_seed(seed)


def coerced_pubs(kind: type[Pub], pubs: Iterable[Any], default: float | None) -> list[Pub]:
    """PUBs in the form of Qiskit's classes, with shots or a precision where they do not say their own.

    Raises:
        InputError: what is none.
    """
    try:
        return [kind.coerce(pub, default) for pub in pubs]
    except (TypeError, ValueError) as error:
        raise InputError(
            "cannot run what was given",
            got=said(error),
            expected="a list of PUBs: circuits with what goes with them, and how many shots, or which precision",
            remedy="correct the PUB",
        ) from error


def pub_values(pub: SamplerPub | EstimatorPub) -> NDArray[np.float64]:
    """The values of a PUB as rows, shape (N, P), in the order of the circuit's parameters.

    Raises:
        InputError: values that are no finite numbers.
    """
    values = pub.parameter_values
    rows = np.asarray(values.as_array(pub.circuit.parameters), dtype=np.float64)
    rows = rows.reshape(int(np.prod(values.shape, dtype=int)), pub.circuit.num_parameters)
    if not np.isfinite(rows).all():
        raise InputError(
            "cannot run the circuit",
            got="values of parameters that are no finite numbers",
            expected="finite angles",
            remedy="check the values of the circuit's parameters",
        )
    return rows
