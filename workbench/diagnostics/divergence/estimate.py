"""An estimate of the divergence, with the side on which it errs.

Reading it: an estimate is never shown without its side; where a floor is known, what is above it counts.
When it misleads: an estimate that can only be too small cannot certify a bound from above.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from workbench.records.interval import Interval
from workbench.statistics.intervals import critical

BELOW = "lower bound: outputs show no more than the weights do (data processing)"
UNSURE = "no certain side: compression lowers it, few seeds raise it; judge it against its floor"
CHOSEN = "exact for Gaussians around the weights whose width we choose; no estimate of what training does"
READOUT = "exact for the two linear readouts; blind to what the nets do beyond them"
MEANING = {
    "pred_seed": BELOW,
    "pred_pairs": "upper side of pred_seed: averaging over seeds only lowers it (convexity)",
    "func_gauss": UNSURE,
    "param_isotropic": CHOSEN,
    "param_swag": "no certain side: the spread of the last steps stands for that of training",
    "param_sgld": "no certain side: correlations of weights are left out, and a chain that has not mixed is too narrow",
    "param_laplace": CHOSEN,
    "linear_exact": READOUT,
}


@dataclass(frozen=True)
class Estimate:
    """One estimate in nats.

    Attributes:
        value: with an interval over seeds, or over samples where there is one seed only.
        floor: what two groups of teachers give; NaN where there is one teacher.
        parts: of which it consists, and what else is known.
        warnings: what weakens it.
    """

    value: Interval
    floor: float = float("nan")
    parts: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def jackknife(
    statistic: Callable[[np.ndarray, np.ndarray], float], students: int, teachers: int, level: float = 0.95
) -> Interval:
    """A statistic of two groups of seeds, with the interval of leaving out one seed after the other.

    A group of one seed adds nothing to the interval; without a group of two there are no bounds.

    Args:
        statistic: of the kept students' and the kept teachers' numbers.
        students: how many there are.
        teachers: likewise.
        level: nominal coverage.
    """
    everyone = np.arange(students), np.arange(teachers)
    value, variance = float(statistic(*everyone)), 0.0
    for group, count in enumerate((students, teachers)):
        if count > 1:
            left = [statistic(*_without(everyone, group, k)) for k in range(count)]
            variance += (count - 1) / count * float(np.square(left - np.mean(left)).sum())
    fewest = min((count for count in (students, teachers) if count > 1), default=1)
    if fewest < 2:
        return Interval(value, np.nan, np.nan, 1, "none", level)
    half = float(critical(fewest, level)) * variance**0.5
    return Interval(value, value - half, value + half, max(students, teachers), "t", level)


def halves(count: int, splits: int = 10, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random divisions of some seeds into two groups of equal size."""
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(count) for _ in range(splits)]
    return [(order[: count // 2], order[count // 2 : 2 * (count // 2)]) for order in orders]


def _without(everyone: tuple[np.ndarray, np.ndarray], group: int, position: int) -> list[np.ndarray]:
    return [np.delete(kept, position) if k == group else kept for k, kept in enumerate(everyone)]
