"""What a constructor's annotations say about a number, so that sliders, flags and checks appear by themselves."""

from __future__ import annotations

from dataclasses import dataclass


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
