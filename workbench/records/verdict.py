"""What was found when an arm met its control over the same seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from workbench.records.interval import Interval
from workbench.records.wording import between, number, plural

Judgement = Literal["better", "worse", "identical", "equivalent", "not distinguishable", "no verdict"]


@dataclass(frozen=True)
class Comparison:
    """Paired differences, arm minus control, and the verdict on them; the rules are in ``maths.verdict``.

    All differences are in the unit of the scores, which the sentence calls points.

    Attributes:
        interval: of the mean difference, adjusted for the arms compared together; it is shown and decides the verdict.
        equivalence_interval: the narrower one of the two one-sided tests (90 % where ``interval`` is 95 %), adjusted
            likewise.
        p: two-sided paired t test, NaN below 3 seeds and where all differences are equal but not 0.
        p_adjusted: the same after Holm's correction for the arms compared together.
        sd: sample standard deviation of the differences, NaN for one seed.
        smallest_effect: the least difference worth having.
        verdict: the word.
        seeds_to_decide: about how many seeds would settle a ``not distinguishable``; None if settled or out of reach.
        against: what the control is called in the sentence.
        arms: number of arms compared together, which intervals and ``p_adjusted`` are adjusted for.
    """

    interval: Interval
    equivalence_interval: Interval
    p: float
    p_adjusted: float
    sd: float
    smallest_effect: float
    verdict: Judgement
    seeds_to_decide: int | None
    against: str = "labels only"
    arms: int = 1

    @property
    def difference(self) -> float:
        """Mean of arm minus control."""
        return self.interval.mean

    @property
    def seeds(self) -> int:
        """Number of paired seeds."""
        return self.interval.n

    @property
    def sentence(self) -> str:
        """The verdict as one sentence a person would say."""
        if self.verdict == "identical":
            return f"identical to {self.against} in all {plural(self.seeds, 'seed')}"
        if self.verdict == "no verdict" and self.interval.method == "tied":
            size = _number(abs(self.difference), _places(self.interval, self.smallest_effect))
            side = "above" if self.difference > 0 else "below"
            return (
                f"{side} {self.against} by {size} points in all {plural(self.seeds, 'seed')}: without spread there is no interval "
                "and no verdict"
            )
        if self.verdict == "no verdict":
            return f"{'one seed' if self.seeds == 1 else plural(self.seeds, 'seed')}, no verdict"
        if self.verdict == "not distinguishable":
            return self._undecided()
        if self.verdict == "equivalent":
            shown = _levelled(self.equivalence_interval, self.smallest_effect)
            margin = f"within {number(self.smallest_effect)} points ({shown}, {self._basis()})"
            return f"equivalent to {self.against}: {margin}"
        return f"{self.verdict} by {self._size()}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the sentence among them; None for what one seed cannot tell."""
        numbers = {name: getattr(self, name) for name in ("difference", "sd", "p", "p_adjusted", "smallest_effect")}
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "against": self.against,
            "seeds": self.seeds,
            "arms": self.arms,
            "seeds_to_decide": self.seeds_to_decide,
            **{name: None if math.isnan(number) else number for name, number in numbers.items()},
            "interval": self.interval.to_dict(),
            "equivalence_interval": self.equivalence_interval.to_dict(),
        }

    def _size(self) -> str:
        """Size of the difference without its sign, as after ``better by`` or ``worse by``."""
        shown = self.interval if self.difference >= 0 else self.interval.mirrored()
        size = _number(shown.mean, _places(shown, self.smallest_effect))
        return f"{size} points ({_levelled(shown, self.smallest_effect)}, {self._basis()})"

    def _basis(self) -> str:
        adjusted = f", adjusted for {self.arms} arms" if self.arms > 1 else ""
        return f"{plural(self.seeds, 'seed')}{adjusted}"

    def _undecided(self) -> str:
        """Why there is no better word, and what would give one."""
        way_out = "more than 1000 seeds would be needed to decide"
        if self.seeds_to_decide is not None:
            way_out = f"about {self.seeds_to_decide} seeds would decide"
        head = f"not distinguishable from {self.against}"
        if not self.interval.excludes(0):
            adjusted = f" (adjusted for {self.arms} arms)" if self.arms > 1 else ""
            return f"{head}: {_bounds(self.interval, self.smallest_effect, ' points')}{adjusted}; {way_out}"
        side = "above" if self.difference > 0 else "below"
        found = f"it is {side} by {self._size()}, real but perhaps too small to matter"
        return f"{head} at {number(self.smallest_effect)} points: {found}; {way_out}"


def _places(interval: Interval, smallest_effect: float) -> int:
    """Decimals that show the smallest effect and round no bound onto it or onto zero, where it would mislead."""
    places = max(1, -math.floor(math.log10(smallest_effect))) if 0 < smallest_effect < math.inf else 1
    bounds = [abs(each) for each in (interval.mean, interval.low, interval.high) if math.isfinite(each)]
    marks = (0.0, smallest_effect)
    while places < 6 and any(b != m and round(b - m, places) == 0 for b in bounds for m in marks):
        places += 1
    return places


def _number(value: float, places: int) -> str:
    if not math.isfinite(value):
        return number(value)
    return f"{round(value, places) + 0.0:.{places}f}"  # + 0.0 turns -0.0 into 0.0


def _bounds(interval: Interval, smallest_effect: float, unit: str = "") -> str:
    """Both bounds and their unit, or that there are none."""
    if math.isnan(interval.low) or math.isnan(interval.high):
        return "no interval"
    places = _places(interval, smallest_effect)
    return between(interval.low, interval.high, lambda bound: _number(bound, places)) + unit


def _levelled(interval: Interval, smallest_effect: float) -> str:
    """The same after its level."""
    shown = _bounds(interval, smallest_effect)
    return shown if shown == "no interval" else f"{100 * interval.level:g} % interval {shown}"
