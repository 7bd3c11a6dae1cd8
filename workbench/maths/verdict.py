"""Is a student better than its control, worse, the same, or do the seeds not tell?

How it is measured: arm and control are paired by seed, and the mean of their differences is judged against the
smallest effect worth having. One interval decides and is shown: Student's t interval of the mean difference, at a level
adjusted for the m arms of the call (``multiple.holm_errors``), so that it excludes 0 where the Holm-adjusted p value of
the paired t test is below ``1 - level``, and only there. In this order:

1. ``no verdict``: fewer than 3 seeds, or the same difference in all seeds, which leaves no spread to judge it by.
2. ``identical``: arm and control have the same score in every seed.
3. ``equivalent``: two one-sided tests (Schuirmann 1987), also after Holm's correction; that is, the interval at level
   ``1 - 2 (1 - level)`` (90 % beside 95 %), adjusted likewise, lies inside (-smallest effect, +smallest effect).
4. ``better`` or ``worse``: the interval excludes 0, and the estimate is at least the smallest effect.
5. ``not distinguishable``: everything else, a difference that is real but may be too small to matter included; the
   sentence then says so.

When it misleads: seeds that share a teacher or a test set speak for that teacher and that test set only. On a small test
set scores lie on a coarse grid (in simulations with 50 to 1,000 test samples false verdicts stayed between 4 and 6 %).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from workbench.maths.intervals import (
    FEWEST,
    UNBOUNDED,
    Bounds,
    critical,
    differences,
    mean_interval,
    moments,
    of_differences,
)
from workbench.records.interval import Interval
from workbench.records.verdict import Comparison, Judgement

MOST_SEEDS = 1000


def compare(
    arm: ArrayLike,
    control: ArrayLike,
    *,
    smallest_effect: float = 0.5,
    level: float = 0.95,
    against: str = "labels only",
) -> Comparison:
    """One arm against its control; see ``compare_all``."""
    return compare_all({"arm": arm}, control, smallest_effect=smallest_effect, level=level, against=against)["arm"]


def compare_all(
    arms: Mapping[str, ArrayLike],
    control: ArrayLike,
    *,
    smallest_effect: float = 0.5,
    level: float = 0.95,
    against: str = "labels only",
) -> dict[str, Comparison]:
    """Every arm against one control, with Holm's correction across the arms.

    Args:
        arms: (n,) scores by arm, higher is better, in the order of the control's seeds.
        control: (n,) scores.
        smallest_effect: in the unit of the scores; the default is half a point, so accuracies must be in percent.
        level: of the intervals; 1 - level is the significance of the tests.
        against: name of the control, for the sentence.

    Raises:
        ValueError: lengths differ, a score is not finite, the smallest effect is not positive, or the level is not
            in (0.5, 1).
    """
    pairs = {name: (scores, control) for name, scores in arms.items()}
    return compare_pairs(pairs, smallest_effect=smallest_effect, level=level, against=against)


def compare_pairs(
    pairs: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    smallest_effect: float = 0.5,
    level: float = 0.95,
    against: str = "labels only",
    bounds: Bounds = UNBOUNDED,
) -> dict[str, Comparison]:
    """Every arm against a control of its own, over seeds of its own, with Holm's correction across the arms.

    Args:
        pairs: by arm, its (n,) scores and the (n,) scores of its control for the same seeds.
        smallest_effect: as in ``compare_all``.
        level: likewise.
        against: name of the control, for the sentence.
        bounds: lowest and highest possible score; intervals of differences stay within their distance.

    Raises:
        ValueError: as ``compare_all``.
    """
    if not 0 < smallest_effect < np.inf:
        raise ValueError(f"smallest_effect = {smallest_effect} must be positive, such as 0.5 points of accuracy")
    if not 0.5 < level < 1:
        raise ValueError(f"level = {level} must lie between 0.5 and 1, such as 0.95")
    found = {name: differences(scores, control, name, against) for name, (scores, control) in pairs.items()}
    unequal = adjusted_intervals(found, level=level, bounds=bounds)
    equal = equivalence_intervals(found, smallest_effect, level=level, bounds=bounds)
    arms = max(1, sum(not np.isnan(each.p) for each in unequal.values()))
    rules = smallest_effect, arms, against
    return {name: _comparison(values, unequal[name], equal[name], *rules) for name, values in found.items()}


class Adjusted(NamedTuple):
    """A mean difference that was tested together with others.

    Attributes:
        interval: of the mean, adjusted for all tests of the call.
        p: of the paired t test.
        p_adjusted: the same after Holm's correction.
    """

    interval: Interval
    p: float
    p_adjusted: float


def adjusted_intervals(
    found: Mapping[str, np.ndarray], *, level: float = 0.95, bounds: Bounds = UNBOUNDED
) -> dict[str, Adjusted]:
    """Intervals of several mean differences, (n,) each, that exclude 0 where Holm's adjusted p < 1 - level, and only there.

    Args:
        found: paired differences by name.
        level: that all intervals together are meant to hold at.
        bounds: lowest and highest possible score; a difference lies within plus and minus their distance.
    """
    raw = [paired_p_value(values) for values in found.values()]
    intervals = _intervals(found, holm_errors(raw, 1 - level), level, bounds)
    return {
        name: Adjusted(interval, p, adjusted)
        for (name, interval), p, adjusted in zip(intervals.items(), raw, holm(raw).tolist(), strict=True)
    }


def equivalence_intervals(
    found: Mapping[str, np.ndarray], smallest_effect: float, *, level: float = 0.95, bounds: Bounds = UNBOUNDED
) -> dict[str, Interval]:
    """The intervals of two one-sided tests each, which lie within the smallest effect where Holm's procedure says so."""
    raw = [equivalence_p_value(values, smallest_effect) for values in found.values()]
    return _intervals(found, 2 * holm_errors(raw, 1 - level), _equivalence_level(level), bounds)


def _intervals(
    found: Mapping[str, np.ndarray], errors: np.ndarray, level: float, bounds: Bounds
) -> dict[str, Interval]:
    """At an error rate each, and labelled with the level they have together."""
    made = zip(found.items(), errors.tolist(), strict=True)
    span = of_differences(bounds)
    return {name: replace(mean_interval(values, 1 - error, span), level=level) for (name, values), error in made}


def paired_p_value(values: np.ndarray) -> float:
    """Two-sided p of the paired t test for (n,) differences; 1 where all are 0.

    NaN (not tested) below 3 differences, and where all are equal but not 0: they show no spread to test against.
    """
    from scipy.special import stdtr

    n = len(values)
    mean, sd = moments(values)
    if n < FEWEST or (sd == 0 and mean != 0):
        return np.nan
    return float(2 * stdtr(n - 1, -abs(mean) * n**0.5 / sd)) if sd else 1.0


def equivalence_p_value(values: np.ndarray, smallest_effect: float) -> float:
    """The larger p of the two one-sided t tests that the mean of (n,) differences lies within the smallest effect.

    NaN (not tested) below 3 differences, and where all are equal.
    """
    from scipy.special import stdtr

    n = len(values)
    mean, sd = moments(values)
    if n < FEWEST or sd == 0:
        return np.nan
    return float(stdtr(n - 1, (abs(mean) - smallest_effect) * n**0.5 / sd))


def seeds_to_decide(
    mean: float, sd: float, n: int, *, smallest_effect: float, level: float = 0.95, arms: int = 1
) -> int | None:
    """The smallest number of seeds above n that would give a verdict if mean and deviation stayed as they are.

    With it the t interval excludes 0 by a large enough estimate, or the equivalence interval fits. Several arms are
    counted as Bonferroni does, which Holm never exceeds. A draw of that size decides about every second time: luck
    may ask for more. None beyond ``MOST_SEEDS``.
    """
    counts = np.arange(max(n + 1, FEWEST), MOST_SEEDS + 1)
    error = sd / np.sqrt(counts)
    apart = (abs(mean) >= smallest_effect) & (abs(mean) > critical(counts, 1 - (1 - level) / arms) * error)
    equal = abs(mean) + critical(counts, _equivalence_level(1 - (1 - level) / arms)) * error < smallest_effect
    enough = counts[apart | equal]
    return int(enough[0]) if len(enough) else None


def _comparison(
    values: np.ndarray, found: Adjusted, narrow: Interval, smallest_effect: float, arms: int, against: str
) -> Comparison:
    verdict = _judge(found.interval, narrow, smallest_effect)
    mean, sd = moments(values)
    more = None
    if verdict == "not distinguishable":
        level = found.interval.level
        more = seeds_to_decide(mean, sd, len(values), smallest_effect=smallest_effect, level=level, arms=arms)
    return Comparison(
        found.interval, narrow, found.p, found.p_adjusted, sd, smallest_effect, verdict, more, against, arms
    )


def _judge(shown: Interval, narrow: Interval, smallest_effect: float) -> Judgement:
    if shown.method == "tied" and shown.mean == 0:
        return "identical"
    if shown.method in ("none", "tied"):
        return "no verdict"
    if narrow.within(smallest_effect):
        return "equivalent"
    if shown.excludes(0) and abs(shown.mean) >= smallest_effect:
        return "better" if shown.mean > 0 else "worse"
    return "not distinguishable"


def _equivalence_level(level: float) -> float:
    return 1 - 2 * (1 - level)


def holm(p_values: ArrayLike) -> np.ndarray:
    """Holm's step-down adjusted p values (1979), (m,), which hold the chance of any false alarm at the level.

    Formula: sorted upwards, ``adjusted_i = max over j <= i of min(1, (m - j + 1) p_j)``. NaN (not tested) stays NaN
    and does not count in m.

    Raises:
        ValueError: a p value outside [0, 1].
    """
    p_values = np.asarray(p_values, np.float64)
    tested = p_values[~np.isnan(p_values)]
    if ((tested < 0) | (tested > 1)).any():
        raise ValueError(f"p values must lie in [0, 1], got {tested.min():g} to {tested.max():g}")
    order = np.argsort(tested, kind="stable")
    adjusted = np.empty_like(tested)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(tested[order] * np.arange(len(tested), 0, -1)))
    result = np.full_like(p_values, np.nan)
    result[~np.isnan(p_values)] = adjusted
    return result


def holm_errors(p_values: ArrayLike, error: float = 0.05) -> np.ndarray:
    """The error rate of each test, (m,), at which it decides as Holm's procedure does for all of them: for intervals.

    Formula: ``error / m`` (Bonferroni), which bounds the chance that any of the m intervals misses by ``error``. A test
    that only a later step of Holm's rejects, since its p value is not below ``error / m``, has the error of that step,
    ``error / (m - k)`` where k p values are smaller. So ``p < holm_errors(p)`` wherever ``holm(p) < error``, and only
    there. In those intervals alone the joint error is that of the test of 0; each still covers at least as often as
    ``1 - error`` says. NaN (not tested) does not count in m and has the error of the others.

    Raises:
        ValueError: as ``holm``.
    """
    p_values = np.asarray(p_values, np.float64)
    m = max(1, int((~np.isnan(p_values)).sum()))
    smaller = (p_values[None, :] < p_values[:, None]).sum(axis=1)
    late = (holm(p_values) < error) & (p_values >= error / m)
    return np.where(late, error / (m - smaller), error / m)
