"""How numbers, shares, differences and intervals are written where people read them.

Three significant digits at most (counts are whole), a word where a number is missing or infinite, and the direction of a
difference as a word beside its size: never ``-3 more`` and never ``nan``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.records.interval import Interval

Write = Callable[[float], str]
DIGITS = 3
UNKNOWN, INFINITE = "not known", "infinite"


def number(value: float) -> str:
    """Three significant digits, in full from 0.0001 up to below 10,000,000; ``not known`` for NaN."""
    if not math.isfinite(value):
        return UNKNOWN if math.isnan(value) else f"{'minus ' if value < 0 else ''}{INFINITE}"
    if value == 0:
        return "0"
    rounded = float(f"{value:.{DIGITS}g}")
    if not 1e-4 <= abs(rounded) < 1e7:
        return f"{value:.{DIGITS}g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
    return f"{rounded:,.0f}" if abs(rounded) >= 1000 else f"{rounded:.{DIGITS}g}"


def signed(value: float) -> str:
    """The same with its sign: ``+1.9``; zero has none."""
    return f"+{number(value)}" if value > 0 and math.isfinite(value) else number(value)


def percent(share: float) -> str:
    """A share in percent: ``74.2%``; one that is nearly all or nearly nothing is not rounded to all or nothing."""
    if not math.isfinite(share):
        return UNKNOWN
    if 0.9995 <= share < 1:
        return "more than 99.9%"
    return "less than 0.1%" if 0 < share < 0.001 else f"{number(100 * share)}%"


def points(difference: float) -> str:
    """A difference of shares in points, signed: ``+4.5``."""
    return signed(100 * difference)


def plural(amount: int, noun: str) -> str:
    """``1 sample``, ``2,000 samples``."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def between(low: float, high: float, write: Write = number) -> str:
    """A range, ``0.8 to 3``; ends that are written alike are written once."""
    first, last = write(low), write(high)
    return first if first == last else f"{first} to {last}"


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


def listed(parts: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; nothing for nothing."""
    *first, last = [*parts] or [""]
    return f"{', '.join(first)} and {last}" if first else last
