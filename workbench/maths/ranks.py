"""Orders, and how far two of them agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def ranks(values: ArrayLike) -> np.ndarray:
    """Ranks along the last axis, 1 for the highest; ties share the mean of their places. (..., M) to (..., M).

    Example:
        >>> ranks([70.0, 72.0, 71.0, 71.0]).tolist()
        [4.0, 1.0, 2.5, 2.5]
    """
    values = np.asarray(values, np.float64)
    above = (values[..., None, :] > values[..., :, None]).sum(-1)
    level = (values[..., None, :] == values[..., :, None]).sum(-1)
    return above + (level + 1) / 2


def kendall(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """Kendall's tau-b along the last axis: 1 for the same order, -1 for the reverse, NaN where one side has ties only.

    Formula: over all pairs i < j, ``sum sign(a_i - a_j) sign(b_i - b_j)`` over the root of the product of the numbers of
    pairs that are not tied in a and in b (Kendall 1945).

    Args:
        first: (..., M) numbers.
        second: (..., M), of a shape that goes with it.

    Raises:
        ValueError: fewer than two numbers, or different numbers of them.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape[-1:] != second.shape[-1:] or first.shape[-1] < 2:
        raise ValueError(f"orders of shapes {first.shape} and {second.shape}: both need the same number, two or more")
    left, right = np.triu_indices(first.shape[-1], 1)
    a = np.sign(first[..., left] - first[..., right])
    b = np.sign(second[..., left] - second[..., right])
    untied = (a**2).sum(-1) * (b**2).sum(-1)
    return np.divide((a * b).sum(-1), np.sqrt(untied), out=np.full(untied.shape, np.nan), where=untied > 0)
