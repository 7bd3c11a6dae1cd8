"""Is a student better than its control, worse, the same, or do the seeds not tell?

How it is measured: arm and control are paired by seed, and the mean of their differences is judged against the
smallest effect worth having. In this order:

1. ``no verdict``: fewer than 3 seeds.
2. ``equivalent``: two one-sided tests (Schuirmann 1987), that is, the interval at level ``1 - 2 (1 - level)`` (90 %
   beside 95 %) lies inside (-smallest effect, +smallest effect).
3. ``better`` or ``worse``: the paired t test is significant after Holm's correction for all arms of the call, the
   interval shown excludes 0, and the estimate is at least the smallest effect.
4. ``not distinguishable``: everything else, a difference that is real but may be too small to matter included; the
   sentence then says so.

The t interval is shown below 10 seeds and the BCa bootstrap from 10. The p value is the paired t test throughout, so
from 10 seeds a verdict needs both the t test (and t interval) and the bootstrap to agree.
When it misleads: seeds that share a teacher or a test set speak for that teacher and that test set only; on a
small test set scores lie on a coarse grid, and three equal differences, which count as certain, may be luck (in
simulations with 50 to 1,000 test samples false verdicts stayed between 4 and 6 %).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from workbench.records.interval import Interval
from workbench.records.verdict import Comparison, Judgement
from workbench.statistics.intervals import critical, differences, mean_interval, moments, t_interval
from workbench.statistics.multiple import holm

FEWEST_SEEDS = 3
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
) -> dict[str, Comparison]:
    """Every arm against a control of its own, over seeds of its own, with Holm's correction across the arms.

    Args:
        pairs: by arm, its (n,) scores and the (n,) scores of its control for the same seeds.
        smallest_effect: as in ``compare_all``.
        level: likewise.
        against: name of the control, for the sentence.

    Raises:
        ValueError: as ``compare_all``.
    """
    if not 0 < smallest_effect < np.inf:
        raise ValueError(f"smallest_effect = {smallest_effect} must be positive, such as 0.5 points of accuracy")
    if not 0.5 < level < 1:
        raise ValueError(f"level = {level} must lie between 0.5 and 1, such as 0.95")
    found = {name: differences(scores, control, name, against) for name, (scores, control) in pairs.items()}
    raw = [paired_p_value(values) for values in found.values()]
    return {
        name: _comparison(values, (p, adjusted), len(pairs), smallest_effect, level, against)
        for (name, values), p, adjusted in zip(found.items(), raw, holm(raw).tolist(), strict=True)
    }


def paired_p_value(values: np.ndarray) -> float:
    """Two-sided p of the paired t test for (n,) differences; NaN (not tested) below 3; 0 or 1 where all are equal."""
    from scipy.special import stdtr

    n = len(values)
    mean, sd = moments(values)
    if n < FEWEST_SEEDS:
        return np.nan
    if sd == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stdtr(n - 1, -abs(mean) * n**0.5 / sd))


def seeds_to_decide(
    mean: float, sd: float, n: int, *, smallest_effect: float, level: float = 0.95, arms: int = 1
) -> int | None:
    """The smallest number of seeds above n that would give a verdict if mean and deviation stayed as they are.

    With it the t interval excludes 0 by a large enough estimate, or the equivalence interval fits. Several arms are
    counted as Bonferroni does, which Holm never exceeds. A draw of that size decides about every second time: luck
    may ask for more. None beyond ``MOST_SEEDS``.
    """
    counts = np.arange(max(n + 1, FEWEST_SEEDS), MOST_SEEDS + 1)
    error = sd / np.sqrt(counts)
    apart = (abs(mean) >= smallest_effect) & (abs(mean) > critical(counts, 1 - (1 - level) / arms) * error)
    equal = abs(mean) + critical(counts, _equivalence_level(level)) * error < smallest_effect
    enough = counts[apart | equal]
    return int(enough[0]) if len(enough) else None


def _comparison(
    values: np.ndarray, p_values: tuple[float, float], arms: int, smallest_effect: float, level: float, against: str
) -> Comparison:
    p, adjusted = p_values
    shown, narrow = mean_interval(values, level), mean_interval(values, _equivalence_level(level))
    equal = narrow.within(smallest_effect) and t_interval(values, narrow.level).within(smallest_effect)
    verdict = _judge(shown, adjusted, smallest_effect, equal=equal)
    mean, sd = moments(values)
    more = None
    if verdict == "not distinguishable":
        more = seeds_to_decide(mean, sd, len(values), smallest_effect=smallest_effect, level=level, arms=arms)
    return Comparison(shown, narrow, p, adjusted, sd, smallest_effect, verdict, more, against)


def _judge(shown: Interval, p_adjusted: float, smallest_effect: float, *, equal: bool) -> Judgement:
    if shown.n < FEWEST_SEEDS:
        return "no verdict"
    if equal:
        return "equivalent"
    if p_adjusted < 1 - shown.level and shown.excludes(0) and abs(shown.mean) >= smallest_effect:
        return "better" if shown.mean > 0 else "worse"
    return "not distinguishable"


def _equivalence_level(level: float) -> float:
    return 1 - 2 * (1 - level)
