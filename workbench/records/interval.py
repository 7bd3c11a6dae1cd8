"""An estimate with the range that a stated share of repetitions would cover."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from workbench.records.wording import Write, between, number, plural, signed


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

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """The inverse of ``to_dict``."""
        values: dict[str, Any] = {name: math.nan if value is None else value for name, value in found.items()}
        return cls(**values)

    def __str__(self) -> str:
        """Estimate, level and bounds: ``1.9 (95 % interval 0.8 to 3)``, or why there are no bounds."""
        return estimate(self)


def _cut(bound: float, low: float, high: float) -> float:
    return bound if math.isnan(bound) else min(max(bound, low), high)


def bounds(interval: Interval, write: Write = number, of: str = "") -> str:
    """Level and bounds, ``95 % interval 0.8 to 3``, or why there are none.

    Args:
        interval: the bounds; NaN where there are none.
        write: how a bound is written.
        of: what the interval is of, where that is not the number before it, such as ``of the difference``.
    """
    if interval.method == "tied":
        return f"identical in all {interval.n:,}"
    if interval.low == interval.high and math.isfinite(interval.low):
        return "no spread"
    if interval.method == "unbounded" or (math.isinf(interval.low) and math.isinf(interval.high)):
        return "no finite interval"
    if math.isnan(interval.low) or math.isnan(interval.high):
        return (
            f"{'one value' if interval.n == 1 else plural(interval.n, 'value')}, no interval"
            if interval.n
            else "no interval"
        )
    shown = between(interval.low, interval.high, write)
    shown = shown if " to " in shown else "narrower than the digits shown"
    return f"{number(100 * interval.level)} % interval{of and ' '}{of} {shown}"


def estimate(interval: Interval, write: Write = number) -> str:
    """Value and bounds: ``1.9 (95 % interval 0.8 to 3)``; without a value only the word for that."""
    value = write(interval.mean)
    return value if math.isnan(interval.mean) else f"{value} ({bounds(interval, write)})"


def compared(
    interval: Interval,
    noun: str,
    more: str = "more",
    fewer: str = "fewer",
    *,
    equal: str = "",
    write: Write = signed,
) -> str:
    """Size and direction of a difference: ``10 features fewer (95 % interval of the difference -17 to -3)``.

    Args:
        interval: of the difference.
        noun: what is counted, such as ``features`` or ``points``.
        more: word for a positive difference.
        fewer: word for a negative one.
        equal: words for none; ``as many <noun>`` if empty.
        write: how the difference is written, with its sign.
    """
    value = interval.mean
    if math.isnan(value):
        return f"an unknown difference in {noun}"
    head = (
        f"{write(abs(value)).lstrip('+')} {noun} {more if value > 0 else fewer}"
        if value
        else equal or f"as many {noun}"
    )
    return f"{head} ({bounds(interval, write, 'of the difference')})"
