"""How numbers, shares and differences are written where people read them.

Three significant digits at most (counts are whole), a word where a number is missing or infinite, and the direction of a
difference as a word beside its size: never ``-3 more`` and never ``nan``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

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


def listed(parts: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; nothing for nothing."""
    *first, last = [*parts] or [""]
    return f"{', '.join(first)} and {last}" if first else last
