"""What every number that enters a statistic must be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def finite(values: ArrayLike, name: str = "values", dimensions: tuple[int, ...] = (1,)) -> np.ndarray:
    """The values as a float64 array of one of the allowed numbers of dimensions.

    Raises:
        ValueError: another shape, nothing at all, or NaN or infinity among them; the message uses the name.
    """
    try:
        array = np.asarray(_detached(values))
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} cannot be made an array of numbers: {error}") from error
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        raise ValueError(f"{name} have masked values; leave these out or fill them")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be real numbers, but are of type {array.dtype}")
    array = array.astype(np.float64)
    if array.ndim not in dimensions or not array.size:
        allowed = " or ".join(str(d) for d in dimensions)
        raise ValueError(f"{name} of shape {array.shape}: need {allowed} dimension(s) and at least one value")
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name}: {bad.sum()} of {array.size} not finite, the first is {array[where]} at {where}")
    return array


def coverage(level: float) -> float:
    """The level of an interval.

    Raises:
        ValueError: not in (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level = {level} must lie between 0 and 1, such as 0.95")
    return level


def _detached(values: Any) -> Any:
    """A tensor without its gradient, on the CPU; anything else as it is."""
    return values.detach().cpu() if hasattr(values, "detach") else values
