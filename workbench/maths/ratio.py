"""The ratio of two means, whose interval knows that a denominator near zero says nothing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from workbench.maths.checks import finite
from workbench.maths.intervals import FEWEST, critical, moments
from workbench.records.interval import Interval


def fieller_interval(numerators: ArrayLike, denominators: ArrayLike, level: float = 0.95) -> Interval:
    """Fieller's interval (1954) for mean(numerators) / mean(denominators), (n,) each and paired by position.

    Formula: all ratios r at which ``mean(numerators - r denominators)`` does not differ from 0 by Student's t. Where
    the interval of the denominator covers 0 these ratios reach infinity, so that there is no finite interval: the bounds
    are NaN and the method is ``unbounded``. Ratios without any spread are ``tied``.

    Args:
        numerators: (n,), n >= 1.
        denominators: likewise.
        level: nominal coverage in (0, 1).

    Raises:
        ValueError: lengths differ, or values that are not finite.
    """
    above, below = finite(numerators, "numerators"), finite(denominators, "denominators")
    if len(above) != len(below):
        raise ValueError(f"{len(above)} numerators and {len(below)} denominators: they are pairs")
    n, (top, _), (bottom, _) = len(above), moments(above), moments(below)
    ratio = top / bottom if bottom else math.copysign(math.inf, top) if top else math.nan
    if n < FEWEST:
        return Interval(ratio, math.nan, math.nan, n, "none", level)
    covariance = np.atleast_2d(np.cov(above, below)) * float(critical(n, level)) ** 2 / n
    a = float(bottom**2 - covariance[1, 1])
    b, c = float(top * bottom - covariance[0, 1]), float(top**2 - covariance[0, 0])
    if a <= 0:
        return Interval(ratio, math.nan, math.nan, n, "unbounded", level)
    half = math.sqrt(max(0.0, b**2 - a * c))
    if not half:
        return Interval(ratio, math.nan, math.nan, n, "tied", level)
    return Interval(ratio, (b - half) / a, (b + half) / a, n, "t", level)
