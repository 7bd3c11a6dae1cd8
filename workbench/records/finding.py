"""What came out when a published claim was tried at small scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.records.interval import Interval
from workbench.records.result import Result

Outcome = Literal["reproduced", "not reproduced", "inconclusive"]
LEAST_SEEDS = 3


@dataclass(frozen=True)
class Finding(Result):
    """The outcome of one claim, computed from runs.

    Attributes:
        name: of its file.
        claim: the sentence that was tried, with its margin.
        source: where it was published.
        outcome: what the intervals say about it.
        reading: one paragraph about what came out.
        numbers: the quantities behind it, with intervals over seeds.
        per_seed: the same by seed, in the order of ``seeds``.
        seeds: that were run.
        setting: what it was run on, in words.
        controls: what the claim was compared with.
        notes: what a reader must know: departures, what was not varied.
        made: versions and time.
    """

    name: str
    claim: str
    source: str
    outcome: Outcome
    reading: str
    numbers: Mapping[str, Interval]
    per_seed: Mapping[str, tuple[float, ...]]
    seeds: tuple[int, ...]
    setting: str
    controls: tuple[str, ...]
    notes: tuple[str, ...] = ()
    made: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """The outcome, then one row per quantity."""
        first = [{"quantity": name, "value": getattr(self, name)} for name in ("claim", "outcome")]
        return first + [
            {"quantity": name, "value": found.mean, "low": found.low, "high": found.high}
            for name, found in self.numbers.items()
        ]

    def explain(self) -> str:
        """What was claimed and what came out, in one paragraph."""
        return f"Claim: {self.claim} Outcome over {len(self.seeds)} seeds: {self.outcome}. {self.reading}"


def outcome_of(interval: Interval, margin: float = 0.0) -> Outcome:
    """What an interval says about a claim that a quantity exceeds a margin.

    Below three seeds nothing is decided. A quantity that is identical in all seeds has no interval and decides itself.

    Example:
        >>> outcome_of(Interval(1.2, 0.4, 2.0, 5, "t")), outcome_of(Interval(-0.1, -0.4, 0.2, 5, "t"), margin=0.5)
        ('reproduced', 'not reproduced')
    """
    if interval.n < LEAST_SEEDS:
        return "inconclusive"
    low, high = (interval.mean, interval.mean) if interval.method == "tied" else (interval.low, interval.high)
    if low > margin:
        return "reproduced"
    return "not reproduced" if high <= margin else "inconclusive"


def all_of(*outcomes: Outcome) -> Outcome:
    """A claim of several parts: reproduced if all are, not reproduced if one is not.

    Example:
        >>> all_of("reproduced", "inconclusive"), all_of("inconclusive", "not reproduced")
        ('inconclusive', 'not reproduced')
    """
    if "not reproduced" in outcomes:
        return "not reproduced"
    return "inconclusive" if "inconclusive" in outcomes else "reproduced"
