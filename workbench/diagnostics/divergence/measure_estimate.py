"""An estimate of the divergence, with the side on which it errs.

Reading it: an estimate is never shown without its side. Few seeds make any divergence of two groups too large: two groups of
one party differ as well. Where an estimate is debiased, that much, its floor, has been taken off.
When it misleads: an estimate that can only be too small cannot certify a bound from above.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from workbench.maths.intervals import FEWEST, critical
from workbench.records.interval import Interval

OUTPUTS = "no certain side at few seeds, and may be below 0; at very many a lower bound (data processing)"
UNSURE = "no certain side: compression lowers it, covariances of few seeds raise it"
CHOSEN = "exact for Gaussians around the weights whose width we choose; no estimate of what training does"
READOUT = "exact for the two linear readouts; blind to what the nets do beyond them"
MEANING = {
    "pred_seed": OUTPUTS,
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
        floor: what two groups of one party give, each as large as those that are compared; NaN where neither party has two
            seeds.
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

    A group of one seed adds nothing to the interval; there are no bounds if a larger one has fewer than ``FEWEST`` seeds.

    Args:
        statistic: of the kept students' and the kept teachers' numbers.
        students: how many there are.
        teachers: likewise.
        level: nominal coverage.
    """
    everyone = np.arange(students), np.arange(teachers)
    value, variance = float(statistic(*everyone)), 0.0
    fewest = min((count for count in (students, teachers) if count > 1), default=1)
    if fewest < FEWEST:
        return Interval(value, np.nan, np.nan, max(students, teachers), "none", level)
    for group, count in enumerate((students, teachers)):
        if count > 1:
            left = [statistic(*_without(everyone, group, k)) for k in range(count)]
            variance += (count - 1) / count * float(np.square(left - np.mean(left)).sum())
    half = float(critical(fewest, level)) * variance**0.5
    return Interval(value, value - half, value + half, max(students, teachers), "t", level)


Distance = Callable[[np.ndarray, np.ndarray], float]
"""Of two groups of seeds, given by their rows among all students and, behind them, all teachers."""


class Apart(NamedTuple):
    """A distance between parties beside that within them, for groups of one size.

    Attributes:
        across: mean distance of groups of students from groups of teachers.
        within: mean distance of two groups of one party, half of each party's; NaN where neither has two seeds.
    """

    across: float
    within: float

    @property
    def beyond(self) -> float:
        """What the parties differ by beyond the luck of the seeds: 0 on average if both are drawn alike."""
        return self.across - (0.0 if np.isnan(self.within) else self.within)


def apart(distance: Distance, students: np.ndarray, teachers: np.ndarray, orders: Sequence[np.ndarray]) -> Apart:
    """A distance of students from teachers, beside that of groups of one party which are as large.

    Groups have ``(n - 1) // 2`` seeds, n the seeds of the smaller party that has several, so that leaving one out keeps
    their size; at least one.

    Args:
        distance: of two groups.
        students: rows of the students that take part.
        teachers: likewise.
        orders: random orders of all rows; each makes two groups of either party.
    """
    fewest = min((len(rows) for rows in (students, teachers) if len(rows) > 1), default=2)
    size = max(1, (fewest - 1) // 2)
    across, within = [], []
    for order in orders:
        parties = [order[np.isin(order, rows)] for rows in (students, teachers)]
        groups = [[rows] if len(rows) < 2 else [rows[:size], rows[size : 2 * size]] for rows in parties]
        across.append(np.mean([distance(s, t) for s in groups[0] for t in groups[1]]))
        pairs = [each for each in groups if len(each) == 2]
        within.append(sum((distance(a, b) + distance(b, a)) / 4 for a, b in pairs) if pairs else np.nan)
    return Apart(float(np.mean(across)), float(np.mean(within)))


def debiased(distance: Distance, students: int, teachers: int, *, splits: int, seed: int) -> Estimate:
    """What students and teachers differ by beyond the luck of the seeds, with the interval of the jackknife.

    Args:
        distance: of two groups.
        students: how many there are.
        teachers: likewise.
        splits: random divisions into groups.
        seed: of these.
    """
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(students + teachers) for _ in range(splits)]

    def of(s: np.ndarray, t: np.ndarray) -> Apart:
        return apart(distance, s, t + students, orders)

    value = jackknife(lambda s, t: of(s, t).beyond, students, teachers)
    whole = of(np.arange(students), np.arange(teachers))
    return Estimate(value, whole.within, {"same_size": whole.across})


def _without(everyone: tuple[np.ndarray, np.ndarray], group: int, position: int) -> list[np.ndarray]:
    return [np.delete(kept, position) if k == group else kept for k, kept in enumerate(everyone)]
