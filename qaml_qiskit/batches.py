"""Batches of numbers as tensors, checked in one way for every function that takes them."""

from collections.abc import Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, SequentialSampler
from torch.utils.data import Dataset as TorchDataset

from qaml_qiskit.errors import InputError
from qaml_qiskit.labels import check_labels
from qaml_qiskit.memory import check_memory

#: Examples that are read at a time where no loader says.
_READ = 256


def as_tensor(values: object, what: str) -> Tensor:
    """A tensor as it is, or an array as a tensor of the same numbers.

    Args:
        values: a tensor, or an array of numbers; arrays that are read-only, reversed or of foreign byte order are
            copied.
        what: it is, for the message.

    Raises:
        InputError: anything else.
    """
    if isinstance(values, Tensor):
        return values
    if isinstance(values, np.ndarray) and values.dtype.kind in "biufc":
        native = values.dtype.newbyteorder("=")
        return torch.from_numpy(np.require(values, dtype=native, requirements=("C", "W")))
    raise InputError(
        f"{what} cannot be used",
        got=f"an array of {values.dtype}" if isinstance(values, np.ndarray) else f"a {type(values).__name__}",
        expected="a tensor or an array of numbers",
        remedy="convert with torch.as_tensor",
    )


def example_batch(values: object) -> Tensor:
    """Feature vectors or images of any shape (N, ...) as a tensor; N may be 0, whole numbers become floating-point.

    Args:
        values: a tensor or an array.

    Raises:
        InputError: anything else, or numbers without a batch axis.
    """
    batch = as_tensor(values, "the examples")
    if batch.dim() < 2:
        raise InputError(
            "the examples cannot be used",
            got=f"shape {tuple(batch.shape)}",
            expected="shape (N, ...): a batch axis, then what one example consists of",
            remedy="add a batch axis, for example with features[None]",
        )
    return batch if batch.is_floating_point() or batch.is_complex() else batch.to(torch.get_default_dtype())


def real_batch(values: object) -> Tensor:
    """As :func:`example_batch`, of real numbers.

    Raises:
        InputError: as there, or complex numbers.
    """
    batch = example_batch(values)
    if batch.is_complex():
        raise InputError(
            "the examples cannot be used",
            got=f"numbers of type {batch.dtype}",
            expected="real numbers",
            remedy="pass images or real feature vectors",
        )
    return batch


def read_examples(source: "DataLoader[Any] | TorchDataset[Any]") -> tuple[Tensor, Tensor]:
    """All examples of a ``DataLoader``, or of torch's ``Dataset``, and their labels, as two tensors.

    They are read once, so that a training goes on bit for bit where it stopped, whatever the loader shuffles; what it
    draws at random, such as augmented images, is drawn once, too. A loader that shuffles or walks through all of its
    data set is read in the data set's order, the last batch included; one that chooses, in its own.

    Args:
        source: gives pairs of an example and a label, or batches of them.

    Raises:
        InputError: something else than pairs of tensors of one shape, or no example.
        ConfigurationError: the examples do not fit into the memory.
    """
    batches = _whole_loader(source)
    parts: list[tuple[Tensor, Tensor]] = []
    for batch in batches:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            got = f"a {type(batch).__name__}" + (f" of {len(batch)}" if isinstance(batch, tuple | list) else "")
            raise _not_pairs(got)
        images, labels = as_tensor(batch[0], "the examples"), as_tensor(batch[1], "the labels")
        if not labels.dim() or not images.dim():
            raise _not_pairs("examples without a batch axis")
        if not parts:
            _check_room(source, images)
        elif images.shape[1:] != parts[0][0].shape[1:]:
            raise _not_pairs(f"examples of shapes {tuple(parts[0][0].shape[1:])} and {tuple(images.shape[1:])}")
        parts.append((images, labels.flatten() if labels.dim() == 2 and labels.shape[1] == 1 else labels))
    if not parts:
        raise _not_pairs("no example")
    return torch.cat([images for images, _ in parts]), torch.cat([labels for _, labels in parts])


def _whole_loader(source: "DataLoader[Any] | TorchDataset[Any]") -> "DataLoader[Any]":
    """What gives every example once, in a fixed order where there is one."""
    if not isinstance(source, DataLoader):
        return DataLoader(source, batch_size=_READ)
    known = isinstance(source.sampler, SequentialSampler) or (
        isinstance(source.sampler, RandomSampler) and not source.sampler.replacement
    )
    if isinstance(source.dataset, IterableDataset) or source.batch_size is None or not known:
        return source
    return DataLoader(
        source.dataset,
        batch_size=source.batch_size,
        collate_fn=source.collate_fn,
        num_workers=source.num_workers,
        worker_init_fn=source.worker_init_fn,
        generator=source.generator,
    )


def _check_room(source: "DataLoader[Any] | TorchDataset[Any]", batch: Tensor) -> None:
    examples = source.dataset if isinstance(source, DataLoader) else source
    count = len(examples) if isinstance(examples, Sized) else 0
    # Both the parts and what they are put together to.
    needed = 2 * count * batch.nbytes // max(len(batch), 1)
    check_memory("cannot read the examples", needed, remedy="use fewer or smaller examples")


def _not_pairs(got: str) -> InputError:
    return InputError(
        "the examples of this loader cannot be read",
        got=got,
        expected="at least one pair of an example and its label, all examples of one shape",
        remedy="let its data set give (image, label)",
    )


def image_batch(images: object, image_shape: tuple[int, int, int] | None = None) -> Tensor:
    """The images as a tensor of shape (N, C, H, W); N may be 0.

    Whole numbers are refused, not converted: they are most often bytes, and 0 to 255 is not 0 to 1.

    Args:
        images: a tensor or an array.
        image_shape: the model's (C, H, W), where it is known.

    Raises:
        InputError: another shape, or numbers that are not floating-point.
    """
    batch = as_tensor(images, "the images")
    if batch.dim() != 4 or (image_shape is not None and tuple(batch.shape[1:]) != tuple(image_shape)):
        raise InputError(
            "the images do not fit the model",
            got=f"shape {tuple(batch.shape)}",
            expected=f"(N, {', '.join(map(str, image_shape or ('C', 'H', 'W')))})",
            remedy="use images of the size that the model was trained on",
        )
    return floating(batch)


def floating(batch: Tensor) -> Tensor:
    """The batch itself.

    Raises:
        InputError: its numbers are not real floating-point numbers.
    """
    if not batch.is_floating_point():
        raise InputError(
            "the images do not fit the model",
            got=f"pixels of type {batch.dtype}",
            expected="floating-point pixels from 0 to 1",
            remedy="convert them with .to(torch.float32), and divide bytes by 255",
        )
    return batch


def label_batch(labels: object, images: Tensor, num_classes: int | None = None) -> Tensor:
    """The labels as a tensor of 64-bit integers, shape (N,), beside the images.

    Args:
        labels: as for :func:`qaml_qiskit.labels.check_labels`; tensors of any device.
        images: that they belong to, shape (N, ...).
        num_classes: m, where it is known.

    Raises:
        InputError: as there.
    """
    given = labels.detach().cpu() if isinstance(labels, Tensor) else labels
    return torch.from_numpy(check_labels(given, len(images), num_classes)).to(images.device)


def check_said(logits: Tensor, name: str = "the model") -> Tensor:
    """The logits themselves.

    Raises:
        InputError: a logit is NaN, so that the image has no label.
    """
    unreadable = logits.isnan().any(dim=1)
    if bool(unreadable.any()):
        raise InputError(
            f"{name} says nothing of image {int(unreadable.nonzero()[0])}",
            got="logits that are NaN",
            expected="numbers",
            remedy="check the model's weights and the image",
        )
    return logits


def check_not_empty(batch: Tensor, what: str) -> None:
    """Raise InputError where there is no example, for what has no meaning then."""
    if not len(batch):
        raise InputError(
            f"cannot {what}", got="no image", expected="at least one image", remedy="pass at least one image"
        )
