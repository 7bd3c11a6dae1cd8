"""Formulas for oracles in plain Python numbers, as one would write them on a board."""

from __future__ import annotations

import math
from collections.abc import Sequence

Row = Sequence[float]


def softmax(row: Row, temperature: float = 1.0) -> list[float]:
    powers = [math.e ** (z / temperature) for z in row]
    return [power / sum(powers) for power in powers]


def kl(p: Row, q: Row) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def cross_entropy(row: Row, label: int) -> float:
    """0 where there is no label."""
    return 0.0 if label < 0 else -math.log(softmax(row)[label])


def dot(a: Row, b: Row) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def length(a: Row) -> float:
    return math.sqrt(dot(a, a))


def unit(a: Row) -> list[float]:
    return [x / length(a) for x in a]


def huber(a: float, b: float) -> float:
    gap = abs(a - b)
    return gap - 0.5 if gap > 1 else 0.5 * gap**2
