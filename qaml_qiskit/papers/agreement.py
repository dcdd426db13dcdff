"""Whether what was measured agrees with a number that a paper gives."""

import math
from dataclasses import replace

from qaml_qiskit.evaluation import Estimated, cohens_h, critical, published_share
from qaml_qiskit.papers.compared import Compared, figure_of
from qaml_qiskit.papers.draft import (
    Draft,
    away,
    capital,
    decided,
    finite,
    shown,
    side_of,
    span,
    undecidable,
    with_compared,
)
from qaml_qiskit.papers.judgement import Interval
from qaml_qiskit.papers.observation import Observation
from qaml_qiskit.papers.schema import Published

#: Agreement of shares within more than this to either side says too little to be called one.
WIDEST_AGREEMENT = 0.1
#: Papers have test images from so many to so many.
_FEWEST_IMAGES, _MOST_IMAGES = 20, 10**7
#: Of counts that are the same.
_ROUNDING = 1e-9


def agrees(draft: Draft, found: Observation, published: Published) -> Draft:
    """A claim that what was found is the published number, within the interval of the difference.

    The two are independent: nobody knows which images a paper counted. Where several of our trainings are there, their
    spread is taken for that of the paper's, too, which is another training.
    """
    compared = figure_of(found)
    if compared.estimated is None:
        return replace(undecidable(draft, compared), difference=finite(compared.value - published.value))
    if compared.is_certain and published.images is None:
        return _same_count(draft, compared, published.value)
    ours = _and_another_training(compared.estimated, found)
    is_share = 0 <= published.value <= 1
    images = published.images
    if images is None and is_share and _differs(ours, published.value, _FEWEST_IMAGES):
        images = _FEWEST_IMAGES
    difference = replace(
        compared,
        value=compared.value - published.value,
        estimated=_difference(ours, published.value, images),
        test="intervals of two independent figures",
        effect=cohens_h(compared.value, published.value) if is_share and compared.images else None,
        effect_name="Cohen's h" if is_share and compared.images else None,
    )
    side, p = side_of(difference, 0.0)
    told = with_compared(draft, difference, None if images is None else p)
    size = f"ours is {away(told.difference)} ({span(told.difference_interval)})"
    if side == 0:
        return _agreement(told, size, is_share=is_share, known=published.images is not None)
    if images is None:
        return decided(told, "cannot be decided", _unknown_size(size, ours, published.value), rejects=False)
    least = "" if published.images else f", even if the paper's number were a share of {images} images only"
    return decided(told, "does not hold", f"{capital(size)}{least}")


def _same_count(draft: Draft, compared: Compared, published: float) -> Draft:
    """Of figures that nothing random is in."""
    same = math.isclose(compared.value, published, rel_tol=_ROUNDING)
    told = with_compared(
        draft, replace(compared, value=compared.value - published, estimated=Estimated.certain(0.0)), None
    )
    told = replace(told, difference_interval=None)
    why = f"{shown(compared.value)} against {shown(published)}"
    return decided(told, "holds" if same else "does not hold", why, rejects=False)


def _difference(ours: Estimated, published: float, images: int | None) -> Estimated:
    return ours.minus(Estimated.certain(published) if images is None else published_share(published, images))


def _differs(ours: Estimated, published: float, images: int) -> bool:
    low, high = _difference(ours, published, images).interval
    return low > 0 or high < 0


def _and_another_training(ours: Estimated, found: Observation) -> Estimated:
    """Ours for a comparison with one training of somebody else's."""
    if not found.spread or ours.is_certain:
        return ours
    spread, degrees = found.spread, len(found.values) - 1

    def ends(alpha: float) -> Interval:
        half = critical(alpha, degrees) * spread
        return -half, half

    return ours.minus(Estimated(0.0, ends))


def _agreement(draft: Draft, size: str, *, is_share: bool, known: bool) -> Draft:
    low, high = draft.difference_interval or (0.0, 0.0)
    if is_share and (high - low) / 2 > WIDEST_AGREEMENT:
        why = f"{capital(size)}: within so wide an interval nearly anything would agree"
        return decided(draft, "cannot be decided", why, rejects=False)
    unknown = "" if known else "; the paper gives no sample size, so its number is taken as it stands"
    return decided(draft, "holds", f"Agrees within the interval: {size}{unknown}", rejects=False)


def _unknown_size(size: str, ours: Estimated, published: float) -> str:
    """What cannot be said without the paper's sample size."""
    start = f"{capital(size)}, which is beyond our interval, but the paper gives no sample size"
    if not 0 <= published <= 1:
        return f"{start}, so the error of its own number is not known"
    if not _differs(ours, published, _MOST_IMAGES):
        return start
    few, many = _FEWEST_IMAGES, _MOST_IMAGES
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if _differs(ours, published, middle) else (middle, many)
    return f"{start}: it is a difference if the number is a share of {many} images or more"
