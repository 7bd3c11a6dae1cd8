"""What a constructor's annotations say about a number, so that sliders, flags and checks appear by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Range:
    """Inclusive bounds and a slider step for a number, used as ``Annotated[float, Range(0.5, 20, 0.5)]``."""

    low: float
    high: float
    step: float

    def check(self, name: str, value: float) -> None:
        """Refuse a value outside the bounds.

        Raises:
            ValueError: ``value`` is not a number in [low, high].
        """
        if not self.low <= value <= self.high:
            raise ValueError(f"{name} = {value} is outside [{self.low:g}, {self.high:g}]")


@dataclass(frozen=True)
class Limit:
    """A mathematical limit of a number that has no slider, used as ``Annotated[float, POSITIVE]``.

    Attributes:
        words: what a number must be, as error messages say it.
        holds: whether a number is.
    """

    words: str
    holds: Callable[[float], bool]

    def check(self, name: str, value: float) -> None:
        """Refuse a value beyond the limit.

        Raises:
            ValueError: ``value`` is beyond the limit.
        """
        if not self.holds(value):
            raise ValueError(f"{name} = {value} must be {self.words}")


POSITIVE = Limit("positive", lambda value: value > 0)
NOT_NEGATIVE = Limit("0 or more", lambda value: value >= 0)
AT_LEAST_ONE = Limit("1 or more", lambda value: value >= 1)
Seed = Annotated[int, NOT_NEGATIVE]
