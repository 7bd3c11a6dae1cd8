"""Further scores of one's own: what they are, and what a study found of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval
from workbench.records.verdict import Comparison


@checked_arguments
@dataclass(frozen=True)
class Measure:
    """A named score beside the task's own.

    Args:
        function: (models, setting, seed) -> float, called once at the end of a run, without gradients; ``models`` are copies
            of the deployed models by party, in evaluation mode on the processor. It may read the setting's test data.
        unit: of the value, as it is printed; empty for none.
        higher_is_better: the direction.
        bounds: lowest and highest possible value, in which intervals stay.
        smallest_effect: the least difference worth having; None withholds the verdict ``equivalent``.

    Raises:
        TypeError: the function cannot be called.
        ValueError: the unit is no text, the bounds are not two ascending numbers, or the smallest effect is not positive.
    """

    function: Callable[..., float]
    unit: str = ""
    higher_is_better: bool = True
    bounds: tuple[float, float] = (-math.inf, math.inf)
    smallest_effect: float | None = None

    def __post_init__(self) -> None:
        """Refuses what cannot be a measure."""
        checked_bounds(self.bounds)
        if self.smallest_effect is not None and not 0 < self.smallest_effect < math.inf:
            raise ValueError(f"smallest_effect = {self.smallest_effect} must be positive, or None")

    def about(self) -> dict[str, Any]:
        """Everything but the function, as plain values; None for a bound that there is not."""
        bounds = [bound if math.isfinite(bound) else None for bound in self.bounds]
        return {
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "bounds": bounds,
            "smallest_effect": self.smallest_effect,
        }


def checked_bounds(bounds: Any) -> tuple[float, float]:
    """The lowest and the highest possible value.

    Raises:
        ValueError: they are not two ascending numbers.
    """
    try:
        low, high = (float(bound) for bound in bounds)
    except (TypeError, ValueError):
        low = high = math.nan
    if not low < high:
        raise ValueError(f"bounds = {bounds!r} must be the lowest and the highest possible value")
    return low, high


@dataclass(frozen=True)
class Measured:
    """One measure over the arms of a study; differences are signed so that positive is better.

    Attributes:
        unit: of the values; empty for none.
        higher_is_better: the direction.
        intervals: of the mean over seeds, by arm.
        comparisons: of each method with the study's control, corrected across the methods as those of the score are.
    """

    unit: str = ""
    higher_is_better: bool = True
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
