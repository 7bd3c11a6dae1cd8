"""Intervals of a mean over few seeds that were all tested on the same samples.

The uncertainty has two sources, other seeds and other samples, which all seeds share; drawing samples anew for every seed
would average the luck of the test set away. A bootstrap that draws seeds covers too little where there are few: of
3 seeds it cannot reach beyond the lowest and the highest, between which the mean lies in 75 % of the cases.

Formula: variance = s^2 + v with s^2 the squared standard error over seeds and v the variance of the estimate over resampled
    samples; bounds at mean -+ t sqrt(variance), t of (S - 1) (variance / s^2)^2 degrees of freedom (Satterthwaite), since v
    is known much better than s^2. What seeds and samples do together is in both, so that the interval is wide rather than
    narrow. In simulations of accuracies with 3 to 5 seeds it covers 0.91 to 0.98; where the seeds of a recipe range from
    failure to success the distribution over seeds is skewed, and that of their disagreement covers 0.85 to 0.89.
"""

from __future__ import annotations

import numpy as np

from workbench.maths.intervals import FEWEST, critical
from workbench.maths.resampling import MOST_UNDEFINED
from workbench.records.interval import Interval

KNOWN = 1e6
"""Degrees of freedom beyond which Student's t is the normal distribution."""


def crossed_interval(estimate: float, by_seed: np.ndarray, drawn: np.ndarray, n: int, level: float = 0.95) -> Interval:
    """Of a mean over S seeds on N samples; without bounds below ``FEWEST`` seeds or where the mean is undefined.

    Args:
        estimate: the mean.
        by_seed: (S,) the value of each seed, or the pseudo-values of a jackknife over seeds.
        drawn: (R,) the mean over the same seeds and resampled samples; NaN where it is undefined.
        n: samples.
        level: nominal coverage in (0, 1).
    """
    seeds, known = len(by_seed), drawn[np.isfinite(drawn)]
    if seeds < FEWEST or not np.isfinite(estimate) or len(known) < (1 - MOST_UNDEFINED) * len(drawn):
        return Interval(float(estimate), np.nan, np.nan, n, "none", level)
    of_seeds, of_samples = float(np.var(by_seed, ddof=1)) / seeds, float(known.var())
    total = of_seeds + of_samples
    if total <= 0:
        return Interval(float(estimate), np.nan, np.nan, n, "tied", level)
    freedom = min((seeds - 1) * (total / of_seeds) ** 2, KNOWN) if of_seeds else KNOWN
    half = float(critical(freedom + 1, level)) * total**0.5
    return Interval(float(estimate), float(estimate) - half, float(estimate) + half, n, "t", level)
