"""A cost that is paid once against a saving that comes back: how often it must come back, or that nobody can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from workbench.maths.checks import finite
from workbench.maths.intervals import FEWEST, critical, moments, t_interval
from workbench.records.interval import Interval

NO_SEEDS = f"no break-even demonstrated: fewer than {FEWEST} seeds"
NOT_SHOWN = "no break-even demonstrated: what is saved may be nothing"
UNKNOWN = "not known: an energy is missing"
NEVER = "never: it saves nothing"
SHOWN = "demonstrated"


@dataclass(frozen=True)
class Balance:
    """A cost that is paid once against a saving that comes back each time.

    Attributes:
        once: paid once.
        saved: each time; negative where nothing is saved.
        times: how often it takes, infinite where nothing is saved; without bounds where none are demonstrated.
        verdict: ``demonstrated``, or why not.
    """

    once: Interval
    saved: Interval
    times: Interval
    verdict: str


def balance(once: ArrayLike, plain: ArrayLike, distilled: ArrayLike) -> Balance:
    """When ``once`` is paid back by ``plain - distilled``, from one number per seed each.

    Args:
        once: (n,) energies.
        plain: (n,) energies of the dearer way, paired by position.
        distilled: (n,) energies of the cheaper way.

    Returns:
        A balance whose numbers are missing where an energy is.

    Raises:
        ValueError: lengths differ, or nothing was given.
    """
    paid, dear, cheap = (np.asarray(given, np.float64) for given in (once, plain, distilled))
    if not len(paid) == len(dear) == len(cheap):
        raise ValueError(f"{len(paid)}, {len(dear)} and {len(cheap)} energies: one of each per seed")
    if len(paid) and np.isnan(paid + dear - cheap).any():
        missing = Interval(math.nan, math.nan, math.nan, len(paid), "none")
        return Balance(missing, missing, missing, UNKNOWN)
    saved, ratio = t_interval(dear - cheap), fieller_interval(paid, dear - cheap)
    low, high = (saved.mean, saved.mean) if saved.method == "tied" else (saved.low, saved.high)
    if saved.n < FEWEST:
        verdict = NO_SEEDS
    elif high <= 0:
        verdict = NEVER
    else:
        verdict = SHOWN if low > 0 else NOT_SHOWN
    times = replace(ratio.clipped(0.0, math.inf), mean=ratio.mean if saved.mean > 0 else math.inf)
    if verdict != SHOWN:
        times = replace(times, low=math.nan, high=math.nan, method="none" if saved.n < FEWEST else "unbounded")
    return Balance(t_interval(paid), saved, times, verdict)


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
