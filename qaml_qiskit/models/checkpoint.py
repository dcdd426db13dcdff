"""A training state as bytes and back: tensors in safetensors, everything else as JSON in its header."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict

from safetensors.torch import load, save
from torch import Tensor

from qaml_qiskit.formats import damaged, object_of
from qaml_qiskit.models.training_state import EpochRecord, TrainingState

_GROUPS = ("model", "best")
_COUNTS = ("epoch", "step", "seen", "correct")


def dump_state(state: TrainingState, owner: str = "") -> bytes:
    """The bytes of a state that :meth:`Trainer.snapshot` gave.

    Args:
        state: to be kept.
        owner: whose state it is; :func:`load_state` takes it back for the same owner only.
    """
    tensors = {f"{group}/{name}": tensor for group in _GROUPS for name, tensor in getattr(state, group).items()}
    for index, moments in state.optimizer.items():
        tensors |= {f"optimizer/{index}/{name}": tensor for name, tensor in moments.items()}
    header = json.dumps(
        {
            "epoch": state.epoch,
            "step": state.step,
            "seen": state.seen,
            "loss_sum": state.loss_sum,
            "correct": state.correct,
            "history": [asdict(record) for record in state.history],
        }
    )
    # Names that share memory (a TorchConnector's weights have two) must not share it in the file.
    copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    return save(copies, {"state": header, "digest": _digest(owner, header, copies)})


def load_state(data: bytes, owner: str = "", source: str = "the checkpoint") -> TrainingState:
    """The inverse of :func:`dump_state`. Executes no code.

    Args:
        data: the bytes.
        owner: whose state it has to be.
        source: where the bytes come from, for the message.

    Raises:
        DamagedFileError: the bytes are no such state, were changed, or belong to somebody else.
    """
    try:
        metadata = _metadata(data)
        header, tensors = str(metadata["state"]), load(data)
        # Earlier versions wrote no digest.
        if metadata.get("digest", _digest(owner, header, tensors)) != _digest(owner, header, tensors):
            raise ValueError("a checkpoint that was changed, or belongs to another training")
        fields = json.loads(header)
        history = [EpochRecord(**record) for record in fields.pop("history")]
        state = TrainingState(**fields, history=history)
        if any(type(getattr(state, name)) is not int or getattr(state, name) < 0 for name in _COUNTS):
            raise ValueError("counts that are no numbers")
        for name, tensor in tensors.items():
            _place(state, name.split("/"), tensor)
    except Exception as error:  # safetensors, JSON and the dataclasses raise what they stumble over
        raise damaged(
            source,
            str(error) if type(error) is ValueError else "a corrupt checkpoint",
            "a checkpoint as this training wrote it",
            "delete the checkpoint to train from the start",
        ) from error
    return state


def _digest(owner: str, header: str, tensors: Mapping[str, Tensor]) -> str:
    """Of everything in a checkpoint."""
    found = hashlib.sha256(f"{owner}\0{header}".encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        found.update(tensor.numpy().tobytes())
    return found.hexdigest()


def _place(state: TrainingState, path: list[str], tensor: Tensor) -> None:
    match path:
        case ["model" | "best" as group, name]:
            getattr(state, group)[name] = tensor
        case ["optimizer", index, name]:
            state.optimizer.setdefault(int(index), {})[name] = tensor
        case _:
            raise ValueError(f"unknown tensor {'/'.join(path)}")


def _metadata(data: bytes) -> dict[str, str]:
    """The header's metadata: eight bytes of length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    return dict(object_of(data[8 : 8 + length], "the header")["__metadata__"])
