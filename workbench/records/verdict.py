"""What was found when an arm met its control over the same seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from workbench.records.interval import Interval

Judgement = Literal["better", "worse", "equivalent", "not distinguishable", "no verdict"]


@dataclass(frozen=True)
class Comparison:
    """Paired differences, arm minus control, and the verdict on them; the rules are in ``statistics.verdict``.

    All differences are in the unit of the scores, which the sentence calls points.

    Attributes:
        interval: of the mean difference; the one that is shown.
        equivalence_interval: the narrower one of the two one-sided tests (90 % where ``interval`` is 95 %).
        p: two-sided paired t test, NaN below 3 seeds.
        p_adjusted: the same after Holm's correction for the arms compared together.
        sd: sample standard deviation of the differences, NaN for one seed.
        smallest_effect: the least difference worth having.
        verdict: the word.
        seeds_to_decide: about how many seeds would settle a ``not distinguishable``; None if settled or out of reach.
        against: what the control is called in the sentence.
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
        if self.verdict == "no verdict":
            return f"{'one seed' if self.seeds == 1 else f'{self.seeds} seeds'}, no verdict"
        if self.verdict == "not distinguishable":
            return self._undecided()
        if self.verdict == "equivalent":
            shown = _bounds(self.equivalence_interval, self.smallest_effect)
            level = 100 * self.equivalence_interval.level
            margin = f"within {self.smallest_effect:g} points ({level:g} % interval {shown}, {self.seeds} seeds)"
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
            "seeds_to_decide": self.seeds_to_decide,
            **{name: None if math.isnan(number) else number for name, number in numbers.items()},
            "interval": self.interval.to_dict(),
            "equivalence_interval": self.equivalence_interval.to_dict(),
        }

    def _size(self) -> str:
        """Size of the difference without its sign, as after ``better by`` or ``worse by``."""
        shown = self.interval if self.difference >= 0 else _mirrored(self.interval)
        size = _number(shown.mean, _places(shown, self.smallest_effect))
        level = 100 * shown.level
        return f"{size} points ({level:g} % interval {_bounds(shown, self.smallest_effect)}, {self.seeds} seeds)"

    def _undecided(self) -> str:
        """Why there is no better word, and what would give one."""
        way_out = "more than 1000 seeds would be needed to decide"
        if self.seeds_to_decide is not None:
            way_out = f"about {self.seeds_to_decide} seeds would decide"
        head = f"not distinguishable from {self.against}"
        plain = f"{head}: {_bounds(self.interval, self.smallest_effect)} points"
        if not self.interval.excludes(0):
            return f"{plain}; {way_out}"
        if self.p_adjusted >= 1 - self.interval.level:
            kind = "p value" if self.p_adjusted == self.p else "p value adjusted for several arms"
            return f"{plain}, but the {kind} is {self.p_adjusted:.2g}; {way_out}"
        side = "above" if self.difference > 0 else "below"
        found = f"it is {side} by {self._size()}, real but perhaps too small to matter"
        return f"{head} at {self.smallest_effect:g} points: {found}; {way_out}"


def _mirrored(interval: Interval) -> Interval:
    return Interval(-interval.mean, -interval.high, -interval.low, interval.n, interval.method, interval.level)


def _places(interval: Interval, smallest_effect: float) -> int:
    """Decimals that show the smallest effect and round no bound onto it or onto zero, where it would mislead."""
    places = max(1, -math.floor(math.log10(smallest_effect)))
    bounds, marks = (abs(interval.low), abs(interval.high)), (0.0, smallest_effect)
    while places < 6 and any(b != m and round(b - m, places) == 0 for b in bounds for m in marks):
        places += 1
    return places


def _number(value: float, places: int) -> str:
    return f"{round(value, places) + 0.0:.{places}f}"  # + 0.0 turns -0.0 into 0.0


def _bounds(interval: Interval, smallest_effect: float) -> str:
    places = _places(interval, smallest_effect)
    return f"{_number(interval.low, places)} to {_number(interval.high, places)}"
