"""The models of the plan: trained once each, in folders of their own, and read back afterwards."""

from pathlib import Path
from typing import Any

import torch
import yaml

import qaml_qiskit as qaml
from qaml_qiskit.models import load_model

HERE = Path(__file__).parent
PLAN: dict[str, Any] = yaml.safe_load((HERE / "plan.yaml").read_text())
#: Ignored by git; a training that is there is not done again, one that was stopped goes on.
RUNS = HERE.parents[1] / "huang2023"


def options(name: str) -> dict[str, Any]:
    """The options of ``qaml train`` of a model; None takes back what another said."""
    return {key: value for key, value in _merged(name).items() if value is not None}


def _merged(name: str) -> dict[str, Any]:
    own = dict(PLAN["models"][name])
    merged: dict[str, Any] = {}
    for parent in own.pop("like", ()):
        merged |= _merged(parent)
    return merged | own


def folder(name: str, seed: int) -> Path:
    """Where a model is."""
    return RUNS / f"{name}-{seed}"


def trained(name: str, seed: int) -> torch.nn.Module:
    """A model of the plan, trained now if it was not."""
    out = folder(name, seed)
    if not (out / "metrics.json").is_file():
        lists = {key: tuple(value) for key, value in options(name).items() if isinstance(value, list)}
        qaml.train(**(options(name) | lists), seed=seed, out=out)
    return load_model(out).model.eval()
