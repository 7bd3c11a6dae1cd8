"""A cost that is paid once against a saving that comes back: how often it must come back, or that nobody can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from workbench.maths.intervals import FEWEST, t_interval
from workbench.maths.ratio import fieller_interval
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
