"""What detectors that learn need of the images that were set aside."""

from torch import Tensor

from qaml_qiskit.errors import InputError


def check_learnable(name: str, count: int, least: int = 2) -> None:
    """Refuse to learn from too few images.

    Args:
        name: the detector's.
        count: images there are.
        least: images that it needs.

    Raises:
        InputError: fewer.
    """
    if count < least:
        raise InputError(
            f"the detector {name} cannot learn from so few validation images",
            got=f"{count} of them, that is half of what was set aside",
            expected=f"at least {least}",
            remedy="give more with --validation",
        )


def of_each_class(name: str, labels: Tensor, num_classes: int) -> list[Tensor]:
    """The places of the images of every class.

    Args:
        name: the detector's.
        labels: shape (N,).
        num_classes: m.

    Raises:
        InputError: a class of which there is no image.
    """
    places = [(labels == label).nonzero().flatten() for label in range(num_classes)]
    empty = [label for label, mine in enumerate(places) if not len(mine)]
    if empty:
        raise InputError(
            f"the detector {name} learns what images of every class are like",
            got=f"{len(labels)} validation images, none of class {empty[0]}",
            expected="at least one of every class in the half that is learned from",
            remedy="give more with --validation",
        )
    return places
