"""A training state as bytes and back: tensors in safetensors, everything else as JSON in its header."""

import json
from dataclasses import asdict
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from qaml_qiskit.errors import InputError
from qaml_qiskit.models.training import EpochRecord, TrainingState

_GROUPS = ("model", "best")


def dump_state(state: TrainingState) -> bytes:
    """The bytes of a state that :meth:`Trainer.snapshot` gave."""
    tensors = {f"{group}/{name}": tensor for group in _GROUPS for name, tensor in getattr(state, group).items()}
    for index, moments in state.optimizer.items():
        tensors |= {f"optimizer/{index}/{name}": tensor for name, tensor in moments.items()}
    header = {
        "epoch": state.epoch,
        "step": state.step,
        "seen": state.seen,
        "loss_sum": state.loss_sum,
        "correct": state.correct,
        "history": [asdict(record) for record in state.history],
    }
    # Names that share memory (a TorchConnector's weights have two) must not share it in the file.
    copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    return save(copies, {"state": json.dumps(header)})


def load_state(data: bytes) -> TrainingState:
    """The inverse of :func:`dump_state`. Executes no code.

    Raises:
        InputError: the bytes are no such state.
    """
    try:
        header = json.loads(_metadata(data)["state"])
        history = [EpochRecord(**record) for record in header.pop("history")]
        state = TrainingState(**header, history=history)
        for name, tensor in load(data).items():
            _place(state, name.split("/"), tensor)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "cannot continue the training",
            got="a corrupt checkpoint",
            expected="a checkpoint as training writes it",
            remedy="delete the checkpoint to train from the start",
        ) from error
    return state


def _place(state: TrainingState, path: list[str], tensor: Tensor) -> None:
    match path:
        case ["model" | "best" as group, name]:
            getattr(state, group)[name] = tensor
        case ["optimizer", index, name]:
            state.optimizer.setdefault(int(index), {})[name] = tensor
        case _:
            raise ValueError(f"unknown tensor {'/'.join(path)}")


def _metadata(data: bytes) -> dict[str, Any]:
    """The header's metadata: eight bytes of length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    return dict(json.loads(data[8 : 8 + length])["__metadata__"])
