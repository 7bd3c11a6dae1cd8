"""Intervals for means over seeds, for paired differences and for shares of samples.

Means have Student's t interval at every number of values. Simulated coverage of nominal 95 % intervals, t beside the
bias-corrected and accelerated bootstrap (BCa), which is therefore not used:

    values    normal         uniform        exponential    log-normal (sd 0.5)
    10        0.94, 0.89     0.94, 0.93     0.90, 0.88     0.92, 0.87
    40        0.95, 0.94     0.94, 0.94     0.93, 0.93     0.94, 0.93
    160       0.95, 0.95     0.95, 0.94     0.95, 0.94     0.95, 0.94

Few values of a very skewed quantity are covered less often: 0.84 for 10 log-normal values of sd 1, 0.94 for 160.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from workbench.maths.checks import coverage, finite
from workbench.records.interval import Interval

FEWEST = 3
"""Number of values (seeds) below which a mean has no interval and a comparison no verdict."""

Bounds = tuple[float, float]
UNBOUNDED: Bounds = (-np.inf, np.inf)


def mean_interval(values: ArrayLike, level: float = 0.95, bounds: Bounds = UNBOUNDED) -> Interval:
    """Interval for the mean of a few independent values, such as one score per seed: that of ``t_interval``, cut to bounds.

    Args:
        values: (n,) finite numbers, n >= 1.
        level: nominal coverage in (0, 1).
        bounds: lowest and highest possible value, such as (0, 100) for an accuracy in percent.

    Raises:
        ValueError: nothing, a table, NaN or infinity was given, or the level is not in (0, 1).
    """
    return t_interval(values, level).clipped(*bounds)


def t_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """``mean -+ t(n - 1) sd / sqrt(n)`` for (n,) values.

    There are no bounds (NaN) below ``FEWEST`` values (method ``none``) and where all values are equal (``tied``): then
    nothing is known of their spread.

    Raises:
        ValueError: as ``mean_interval``.
    """
    values = np.sort(finite(values))  # so that the order does not change the last digit of the sums
    mean, sd = moments(values)
    n = len(values)
    if n < FEWEST or sd == 0:
        return Interval(mean, np.nan, np.nan, n, "none" if n < FEWEST else "tied", coverage(level))
    half = float(critical(n, level)) * sd / n**0.5
    return Interval(mean, mean - half, mean + half, n, "t", level)


def paired_difference(arm: ArrayLike, control: ArrayLike, level: float = 0.95, bounds: Bounds = UNBOUNDED) -> Interval:
    """Interval for the mean of arm minus control, (n,) each and paired by position (same seed, same place).

    Args:
        arm: scores.
        control: scores.
        level: nominal coverage in (0, 1).
        bounds: lowest and highest possible score; a difference lies within plus and minus their distance.

    Raises:
        ValueError: the lengths differ, or as ``mean_interval``.
    """
    return mean_interval(differences(arm, control), level, of_differences(bounds))


def of_differences(bounds: Bounds) -> Bounds:
    """Bounds of the difference of two scores that have these bounds."""
    return bounds[0] - bounds[1], bounds[1] - bounds[0]


def proportion_interval(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval (1927) for a share of n samples, such as an accuracy on a test set.

    Formula: ``(p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)``.

    Raises:
        ValueError: not 0 <= successes <= n with n >= 1, or the level is not in (0, 1).
    """
    from scipy.special import ndtri

    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes in {n} samples: need 0 <= successes <= samples and one sample or more")
    z = float(ndtri((1 + coverage(level)) / 2))
    share, grown = float(successes / n), 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / grown
    half = z * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5 / grown
    low = 0.0 if successes == 0 else centre - half  # exact where the formula leaves rounding
    high = 1.0 if successes == n else centre + half
    return Interval(share, low, high, int(n), "wilson", level)


def wilson_bounds(shares: np.ndarray, counts: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of ``proportion_interval`` for whole arrays of shares and numbers of samples; NaN where there are none."""
    from scipy.special import ndtri

    z = float(ndtri((1 + coverage(level)) / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        centre, spread = shares + z**2 / (2 * counts), np.maximum(shares * (1 - shares), 0) / counts
        half, grown = z * np.sqrt(spread + z**2 / (4 * counts**2)), 1 + z**2 / counts
        low, high = (centre - half) / grown, (centre + half) / grown
    return np.where(shares == 0, 0.0, low), np.where(shares == 1, 1.0, high)


def share_interval(hits: float, n: float) -> Interval:
    """The same for counts that may be sums of weights; nothing is known (NaN) of a share of no samples."""
    if not n:
        return Interval(np.nan, np.nan, np.nan, 0, "none")
    return proportion_interval(round(hits), round(n))


def differences(arm: ArrayLike, control: ArrayLike, name: str = "arm", against: str = "control") -> np.ndarray:
    """Arm minus control, (n,), without the noise that subtracting decimals leaves (90.3 - 89.8 is 0.5 here).

    Raises:
        ValueError: the lengths differ, or a score is not finite; the message uses both names.
    """
    first, second = finite(arm, f"scores of {name!r}"), finite(control, f"scores of {against!r}")
    if len(first) != len(second):
        raise ValueError(f"{name!r} has {len(first)} scores and {against!r} has {len(second)}: pairs need one per seed")
    largest = max(np.abs(first).max(), np.abs(second).max())
    decimals = 12 - int(np.ceil(np.log10(largest))) if largest > 0 else 12
    return np.round(first - second, decimals)


def moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and sample standard deviation of (n,) values: exact where all are equal, NaN deviation for one value."""
    if values.min() == values.max():
        return float(values[0]), 0.0 if len(values) > 1 else np.nan
    return float(values.mean()), float(values.std(ddof=1))


def critical(n: float | np.ndarray, level: float) -> np.ndarray:
    """Two-sided critical value of Student's t for the mean of n values, any shape."""
    from scipy.special import stdtrit

    return stdtrit(np.asarray(n) - 1.0, (1 + coverage(level)) / 2)
