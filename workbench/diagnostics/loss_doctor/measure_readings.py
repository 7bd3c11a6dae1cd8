"""What a run kept of its terms and probes, arranged for the loss doctor: arrays by term and by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from workbench.records import probes as named
from workbench.records.run import Curve

BINS = 60
LATE = 1 / 3
"""What a student has settled at is the median over this last part of the probes."""


@dataclass(frozen=True)
class Readings:
    """Everything measured of one student.

    Attributes:
        terms: names of its loss terms, distillation and labels and regularisers.
        values: (K, S) terms over all steps, NaN where a term was not there.
        value_steps: (S,).
        steps: (P,) the probed steps.
        gradients: (K, P) lengths of the terms' gradients in the student's parameters; NaN where not measured.
        cosines: by pair of terms, (P,) between their gradients; NaN where one is 0 or not there.
        courses: ``logit_scale`` and ``effective_temperature`` over the probed steps, (P,).
        once: what was measured once, by name.
        elsewhere: by term, the largest gradient in what is not the student, for terms that do not reach it.
    """

    terms: tuple[str, ...]
    values: np.ndarray
    value_steps: np.ndarray
    steps: np.ndarray
    gradients: np.ndarray
    cosines: Mapping[tuple[str, str], np.ndarray]
    courses: Mapping[str, np.ndarray]
    once: Mapping[str, float]
    elsewhere: Mapping[str, float] = field(default_factory=dict)

    def rows(self, kind: str) -> list[int]:
        """Rows of the terms of a kind: ``labels``, ``distillation`` or ``regulariser``."""
        return [row for row, term in enumerate(self.terms) if named.kind_of(term) == kind]

    def late(self, course: str) -> float:
        """What a course settled at; NaN if it was not measured often enough."""
        values = self.courses[course][np.isfinite(self.courses[course])]
        return float(np.median(values[-max(1, int(LATE * len(values))) :])) if len(values) >= 4 else float("nan")

    def magnitude(self, rows: list[int]) -> float:
        """Median over steps of the summed magnitudes of some terms, where any of them was there."""
        values = np.abs(self.values[rows])
        there = np.isfinite(values).any(0)
        return float(np.median(np.nansum(values, axis=0)[there])) if there.any() else float("nan")

    def together(self, rows: list[int]) -> np.ndarray:
        """Length of the sum of some terms' gradients at each probed step, (P,); NaN where none was measured."""
        return np.sqrt(np.clip(self._product(rows, rows), 0, None))

    def angle(self, left: list[int], right: list[int]) -> np.ndarray:
        """Cosine between the summed gradients of two groups of terms, (P,); NaN where one is 0."""
        lengths = self.together(left) * self.together(right)
        lengths[lengths == 0] = np.nan
        return np.clip(self._product(left, right) / lengths, -1, 1)

    def _product(self, left: list[int], right: list[int]) -> np.ndarray:
        """Inner products of the summed gradients, from lengths and cosines."""
        lengths = np.where(np.isfinite(self.gradients), self.gradients, 0.0)
        total = np.zeros(len(self.steps))
        for i in left:
            for j in right:
                total += lengths[i] * lengths[j] * (1.0 if i == j else self._cosine(i, j))
        there = [np.isfinite(self.gradients[rows]).any(0) for rows in (left, right)]
        return np.where(there[0] & there[1], total, np.nan)

    def _cosine(self, i: int, j: int) -> np.ndarray:
        first, second = self.terms[i], self.terms[j]
        found = self.cosines.get((first, second), self.cosines.get((second, first)))
        return np.zeros(len(self.steps)) if found is None else np.nan_to_num(found)


def read(curves: Mapping[str, Curve], party: str = "student") -> Readings:
    """The readings of one party of a run.

    Args:
        curves: ``terms/<name>`` and ``probe/<name>``, of another party than the student with its name before.
        party: whose.
    """
    before = "" if party == "student" else f"{party}/"
    terms = _named(curves, f"{before}terms/")
    probes = {name: curve for name, curve in _named(curves, f"{before}probe/").items() if named.measured(name)}
    gradients, cosines = _named(probes, named.GRADIENT), _named(probes, named.COSINE)
    names = tuple(dict.fromkeys((*terms, *gradients)))
    steps = _union(gradients.values())
    value_steps = _union(terms.values())
    courses = {name: probes.get(name) for name in (named.LOGIT_SCALE, named.EFFECTIVE_TEMPERATURE)}
    once = {name: float(curve.values[0]) for name, curve in probes.items() if len(curve.values)}
    return Readings(
        terms=names,
        values=_table([terms.get(name) for name in names], value_steps),
        value_steps=value_steps,
        steps=steps,
        gradients=_table([gradients.get(name) for name in names], steps),
        cosines={_pair(name): _row(curve, steps) for name, curve in cosines.items()},
        courses={name: _row(curve, steps) for name, curve in courses.items()},
        once={name: value for name, value in once.items() if not name.startswith((named.GRADIENT, named.COSINE))},
        elsewhere={name: float(np.max(c.values)) for name, c in _named(probes, named.ELSEWHERE).items()},
    )


def shares(readings: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Share of each term in the sum of their magnitudes, averaged over up to 60 stretches of steps: (S,) and (K, S)."""
    steps, values = readings.value_steps, np.abs(np.nan_to_num(readings.values))
    if not len(steps):
        return np.zeros(0), np.zeros((len(readings.terms), 0))
    parts = np.array_split(np.arange(len(steps)), min(BINS, len(steps)))
    sums = np.stack([values[:, part].sum(1) for part in parts], axis=1)
    total = sums.sum(0)
    total[total == 0] = np.nan
    return np.array([steps[part].mean() for part in parts]), sums / total


def _named(curves: Mapping[str, Curve], prefix: str) -> dict[str, Curve]:
    return {name.removeprefix(prefix): curve for name, curve in curves.items() if name.startswith(prefix)}


def _pair(name: str) -> tuple[str, str]:
    first, _, second = name.partition(named.AND)
    return first, second


def _union(curves: object) -> np.ndarray:
    found = [np.asarray(curve.steps) for curve in curves]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)


def _table(curves: list[Curve | None], steps: np.ndarray) -> np.ndarray:
    return np.stack([_row(curve, steps) for curve in curves]) if curves else np.zeros((0, len(steps)))


def _row(curve: Curve | None, steps: np.ndarray) -> np.ndarray:
    row = np.full(len(steps), np.nan)
    if curve is not None and len(steps):
        known = np.isin(curve.steps, steps)
        row[np.searchsorted(steps, np.asarray(curve.steps)[known])] = np.asarray(curve.values, float)[known]
    return row
