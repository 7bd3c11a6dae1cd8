"""An estimate with the range that a stated share of repetitions would cover."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Interval:
    """An estimate and its two-sided interval.

    Attributes:
        mean: the estimate; for a share of samples, that share.
        low: lower bound, NaN where there is none (one value).
        high: upper bound, likewise.
        n: values (seeds, samples) behind it.
        method: how the bounds were found; ``none`` where one value allows none.
        level: nominal coverage in (0, 1).
    """

    mean: float
    low: float
    high: float
    n: int
    method: Literal["t", "bca", "wilson", "percentile", "basic", "none"]
    level: float = 0.95

    def excludes(self, value: float) -> bool:
        """Whether the value lies outside; False where there are no bounds."""
        return self.low > value or self.high < value

    def within(self, bound: float) -> bool:
        """Whether all of it lies strictly between ``-bound`` and ``bound``; False where there are no bounds."""
        return -bound < self.low and self.high < bound

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None for a missing bound."""
        return {name: None if value != value else value for name, value in asdict(self).items()}

    def __str__(self) -> str:
        """Estimate, level and bounds: ``1.9 (95 % interval 0.8 to 3)``."""
        if math.isnan(self.low):
            return f"{self.mean:.4g} (one value, no interval)"
        return f"{self.mean:.4g} ({100 * self.level:g} % interval {self.low:.4g} to {self.high:.4g})"
