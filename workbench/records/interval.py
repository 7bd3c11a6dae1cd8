"""An estimate with the range that a stated share of repetitions would cover."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from workbench.records.wording import estimate


@dataclass(frozen=True)
class Interval:
    """An estimate and its two-sided interval.

    Attributes:
        mean: the estimate; for a share of samples, that share.
        low: lower bound, NaN where there is none (one value).
        high: upper bound, likewise.
        n: values (seeds, samples) behind it.
        method: how the bounds were found. There are none (NaN) for ``none`` (too few values, or nothing known), ``tied``
            (all values are equal, so that there is no spread to estimate from) and ``unbounded`` (every interval of
            this level reaches infinity).
        level: nominal coverage in (0, 1).
    """

    mean: float
    low: float
    high: float
    n: int
    method: Literal["t", "wilson", "percentile", "none", "tied", "unbounded"]
    level: float = 0.95

    def excludes(self, value: float) -> bool:
        """Whether the value lies outside; False where there are no bounds."""
        return self.low > value or self.high < value

    def within(self, bound: float) -> bool:
        """Whether all of it lies strictly between ``-bound`` and ``bound``; False where there are no bounds."""
        return -bound < self.low and self.high < bound

    def clipped(self, low: float, high: float) -> Interval:
        """The same with bounds cut to [low, high], where the estimated quantity is known to lie.

        The quantity itself is never cut off, so the coverage stays what it was.
        """
        return replace(self, low=_cut(self.low, low, high), high=_cut(self.high, low, high))

    def mirrored(self) -> Interval:
        """The interval of the negated quantity."""
        return replace(self, mean=-self.mean, low=-self.high, high=-self.low)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None for a missing bound."""
        return {name: None if value != value else value for name, value in asdict(self).items()}

    def __str__(self) -> str:
        """Estimate, level and bounds: ``1.9 (95 % interval 0.8 to 3)``, or why there are no bounds."""
        return estimate(self)


def _cut(bound: float, low: float, high: float) -> float:
    return bound if math.isnan(bound) else min(max(bound, low), high)
