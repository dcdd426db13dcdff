"""Runs of many small operations that are recorded once and replayed, so that a GPU does not wait for Python."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from torch import Tensor

#: What is recorded: from tensors to tensors, by operations on their device alone.
Run = Callable[..., tuple[Tensor, ...]]

#: Recordings that are kept; what was not used for longest goes …
_KEPT = 16
#: … and is recorded again only when it was met so often, since to record takes as long as many runs.
_AGAIN = 32
#: What is met may be forgotten when there is so much of it.
_MET = 1024
#: Larger inputs, in bytes, are not recorded: their operations take longer than Python does to launch them.
_BYTES = 2**28


@dataclass(frozen=True)
class Recording:
    """A run with tensors of its own.

    Attributes:
        inputs: what it reads, overwritten before every replay.
        outputs: where its results lie after a replay.
        replay: does it again.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    replay: Callable[[], None]


Recorder = Callable[[Run, tuple[Tensor, ...]], Recording]


class Replays:
    """Recordings by what is run and the shapes it is run with.

    What is met for the first time is computed as it comes, the second time it is recorded, and from then on replayed.
    What cannot be recorded is always computed as it comes.

    Args:
        record: makes a recording.
        kept: how many are kept.
    """

    def __init__(self, record: Recorder, kept: int = _KEPT) -> None:
        self._record, self._kept = record, kept
        self._recordings: OrderedDict[Hashable, Recording] = OrderedDict()
        # How often each must still be met before it is recorded; None for what cannot be.
        self._waiting: OrderedDict[Hashable, int | None] = OrderedDict()
        self._lock = threading.Lock()

    def run(self, what: Hashable, run: Run, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The run's results, in tensors that belong to the caller.

        Args:
            what: names the run together with the inputs' shapes, types, devices and streams.
            run: the run itself.
            inputs: its arguments.
        """
        if sum(each.nbytes for each in inputs) > _BYTES or _inside_a_recording(inputs):
            return run(*inputs)
        key = (what, *(_kind(each) for each in inputs))
        with self._lock:
            recording = self._recording(key, run, inputs)
            if recording is None:
                return run(*inputs)
            for mine, given in zip(recording.inputs, inputs, strict=True):
                mine.copy_(given)
            recording.replay()
            return tuple(each.clone() for each in recording.outputs)

    def _recording(self, key: Hashable, run: Run, inputs: tuple[Tensor, ...]) -> Recording | None:
        if key in self._recordings:
            self._recordings.move_to_end(key)
            return self._recordings[key]
        waiting = self._waiting.pop(key, 1)
        self._waiting[key] = waiting if waiting is None else waiting - 1
        while len(self._waiting) > _MET:
            self._waiting.popitem(last=False)
        if waiting is None or waiting > 0:
            return None
        try:
            self._recordings[key] = self._record(run, inputs)
        except RuntimeError:
            self._waiting[key] = None
            return None
        while len(self._recordings) > self._kept:
            self._waiting[self._recordings.popitem(last=False)[0]] = _AGAIN
        return self._recordings[key]


def _kind(tensor: Tensor) -> Hashable:
    stream = torch.cuda.current_stream(tensor.device).cuda_stream if tensor.is_cuda else 0
    return tuple(tensor.shape), tensor.dtype, tensor.device, stream


def _inside_a_recording(inputs: tuple[Tensor, ...]) -> bool:
    """Whether the caller is recording a CUDA graph itself."""
    return any(each.is_cuda for each in inputs) and torch.cuda.is_current_stream_capturing()


class CudaGraphs:
    """Records CUDA graphs of one device. They share their memory, since one runs after the other.

    Args:
        device: the device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, run: Run, inputs: tuple[Tensor, ...]) -> Recording:
        """Record a run that was computed at least once, so that nothing is left to be prepared.

        Raises:
            RuntimeError: it does something that cannot be recorded, or there is no memory.
        """
        # Also where the caller is in inference mode, whose tensors could not be overwritten elsewhere.
        with torch.cuda.device(self._device), torch.inference_mode(False), torch.no_grad():
            own, graph = tuple(each.detach().clone() for each in inputs), torch.cuda.CUDAGraph()
            before = torch.cuda.current_stream()
            try:
                with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                    outputs = run(*own)
            finally:
                # Where recording fails, torch stays on the stream of the recording.
                torch.cuda.set_stream(before)
        return Recording(own, outputs, graph.replay)


def record_in_place(run: Run, inputs: tuple[Tensor, ...]) -> Recording:
    """A recording that computes everything again, into the same tensors: the same path where there is no GPU."""
    with torch.inference_mode(False), torch.no_grad():
        own = tuple(each.detach().clone() for each in inputs)
        outputs = tuple(each.clone() for each in run(*own))

    def replay() -> None:
        for mine, found in zip(outputs, run(*own), strict=True):
            mine.copy_(found)

    return Recording(own, outputs, replay)
