"""One arm of a study: what it reached with each seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from workbench.records.interval import Interval

Role = Literal["method", "control", "equal_total", "permuted_targets", "permuted_non_targets"]


@dataclass(frozen=True)
class Outcome:
    """What one arm reached with one seed.

    Attributes:
        seed: of the student.
        last: test score after the last epoch.
        selected: test score at the epoch that was best on validation.
        agreement: share of test samples on which student and teacher say the same; None without one.
        seconds: of the run.
        steps: optimiser steps by party.
        run: id of the run; empty if it is not a stored distillation.
        measures: anything else that was measured.
        stored: whether it came from the store instead of being computed for this study.
    """

    seed: int
    last: float
    selected: float
    agreement: float | None = None
    seconds: float = 0.0
    steps: Mapping[str, int] = field(default_factory=dict)
    run: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    stored: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Arm:
    """One thing that was tried over the seeds.

    Attributes:
        name: the same as its key in the study.
        role: a method, or which kind of control.
        of: for ``equal_total`` and permuted controls, the arms they are controls of.
        label: how sentences call it.
        method: ``{"name": ..., "config": {...}}``.
        budget: as plain values.
        outcomes: by seed, ascending; only the seeds that were finished.
        interval: of the mean of ``last``; None if no seed was finished.
        selected_interval: of the mean of ``selected``.
    """

    name: str
    role: Role = "method"
    of: tuple[str, ...] = ()
    label: str = ""
    method: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    interval: Interval | None = None
    selected_interval: Interval | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that were finished."""
        return tuple(outcome.seed for outcome in self.outcomes)

    @property
    def last(self) -> np.ndarray:
        """Test scores after the last epoch, by seed."""
        return np.array([outcome.last for outcome in self.outcomes])

    @property
    def selected(self) -> np.ndarray:
        """Test scores at the epoch that validation chose, by seed."""
        return np.array([outcome.selected for outcome in self.outcomes])

    @property
    def agreement(self) -> float:
        """Mean agreement with the teacher, NaN where there is none."""
        return mean([o.agreement for o in self.outcomes if o.agreement is not None])

    @property
    def seconds(self) -> float:
        """Mean seconds of a run."""
        return mean([o.seconds for o in self.outcomes])

    @property
    def steps(self) -> int:
        """Optimiser steps of the student in one run."""
        return self.outcomes[0].steps.get("student", 0) if self.outcomes else 0

    @property
    def total_steps(self) -> int:
        """The same over all parties that were trained, the setting's teacher not counted."""
        return sum(self.outcomes[0].steps.values()) if self.outcomes else 0

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Arm:
        """The inverse of ``asdict``."""
        intervals = {name: interval(found[name]) for name in ("interval", "selected_interval")}
        outcomes = tuple(Outcome(**outcome) for outcome in found["outcomes"])
        return cls(**{**found, **intervals, "outcomes": outcomes, "of": tuple(found["of"])})


def mean(values: list[float]) -> float:
    """The mean, NaN of nothing."""
    return float(np.mean(values)) if values else math.nan


def interval(found: Mapping[str, Any] | None) -> Interval | None:
    """The inverse of ``Interval.to_dict``."""
    return None if found is None else Interval.from_dict(found)
