"""From finished runs to a study: paired differences, intervals, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from workbench.engine.study.arms import PlannedArm
from workbench.engine.study.plan import StudyPlan
from workbench.maths.intervals import UNBOUNDED, Bounds, mean_interval
from workbench.maths.verdict import compare_pairs
from workbench.records.arm import Arm, Outcome
from workbench.records.measure import Measure, Measured
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.records.verdict import Comparison

Runs = Mapping[tuple[str, int], Run]

NO_EFFECT = 1e-12
"""Smallest effect of a measure that names none: nothing is found equivalent then."""


class Ran(NamedTuple):
    """What came of the cells of a plan.

    Attributes:
        runs: by arm and seed.
        failures: what went wrong, by ``arm, seed n``.
        stored: arm and seed of the runs that were in the store already.
    """

    runs: Runs
    failures: Mapping[str, str]
    stored: Set[tuple[str, int]]


def summarise(
    plan: StudyPlan,
    runs: Runs,
    failures: Mapping[str, str] | None = None,
    stored: Set[tuple[str, int]] = frozenset(),
) -> Study:
    """What the finished runs tell; cells may be missing, and only seeds that both sides have are compared.

    Runs whose controls were moved while they ran, or that touched test data, are left out and named in the notes.

    Args:
        plan: of the study.
        runs: by arm and seed.
        failures: what went wrong elsewhere, by ``arm, seed n``.
        stored: arm and seed of the runs that were in the store already.
    """
    fit = {cell: run for cell, run in runs.items() if not (run.changes or run.leaks_test)}
    barred = [f"{arm}, seed {seed}" for arm, seed in runs if (arm, seed) not in fit]
    notes = [f"{cell} was changed while it ran or touched test data, and is left out." for cell in barred]
    if plan.quick:
        notes.append("Quick: no permuted controls, so no verdict.")
    arms = {planned.name: _arm(plan, planned, fit, stored) for planned in plan.arms}
    warned = _warned(runs)
    kind = plan.setting.kind
    judge = Judge(plan.smallest_effect, higher_is_better=kind.higher_is_better, quick=plan.quick, bounds=kind.bounds)
    return Study(
        id=plan.id,
        setting=plan.about,
        score=plan.setting.kind.score,
        higher_is_better=judge.higher_is_better,
        seeds=plan.seeds,
        control=plan.arm_of_control,
        arms=arms,
        comparisons=judge.against_control(arms, plan.arm_of_control),
        further=judge.against_own_controls(arms),
        teachers=_teachers(fit.values()),
        smallest_effect=plan.smallest_effect,
        quick=plan.quick,
        failures=dict(failures or {}),
        measures={name: _measured(name, measure, arms, plan) for name, measure in plan.setting.measures.items()},
        notes=(*(note for note in plan.notes if note.lower() not in map(str.lower, warned)), *notes),
        warnings=tuple(f"{message} ({', '.join(arms)})" for message, arms in warned.items()),
    )


def _measured(name: str, measure: Measure, arms: Mapping[str, Arm], plan: StudyPlan) -> Measured:
    """A measure over the arms, compared as the score is."""
    judge = Judge(
        measure.smallest_effect or NO_EFFECT,
        higher_is_better=measure.higher_is_better,
        quick=plan.quick,
        bounds=measure.bounds,
        measure=name,
    )
    values = {arm.name: [o.measures[name] for o in arm.outcomes if name in o.measures] for arm in arms.values()}
    return Measured(
        measure.unit,
        measure.higher_is_better,
        {arm: mean_interval(found, bounds=measure.bounds) for arm, found in values.items() if found},
        judge.against_control(arms, plan.arm_of_control),
    )


def _warned(runs: Runs) -> dict[str, list[str]]:
    """By warning, the arms whose runs have it."""
    found: dict[str, dict[str, None]] = {}
    for (arm, _), run in runs.items():
        for message in run.warnings:
            found.setdefault(message, {})[arm] = None
    return {message: list(arms) for message, arms in found.items()}


class Judge:
    """Compares arms by the rules of ``maths.verdict``.

    Args:
        smallest_effect: the least difference worth having.
        higher_is_better: direction of the score.
        quick: True withholds every verdict.
        bounds: lowest and highest possible score.
        measure: name of the measure that is compared; empty for the score itself.
    """

    def __init__(
        self,
        smallest_effect: float,
        *,
        higher_is_better: bool,
        quick: bool = False,
        bounds: Bounds = UNBOUNDED,
        measure: str = "",
    ) -> None:
        """Remembers the rules."""
        self.measure = measure
        self.bounds = bounds
        self.smallest_effect, self.higher_is_better, self.quick = smallest_effect, higher_is_better, quick

    def against_control(self, arms: Mapping[str, Arm], control: str) -> dict[str, Comparison]:
        """Every method with the control, as one family."""
        return self._compare({arm.name: arms[control] for arm in arms.values() if arm.role == "method"}, arms)

    def against_own_controls(self, arms: Mapping[str, Arm]) -> dict[str, dict[str, Comparison]]:
        """Every method with its other controls; each kind of control is a family."""
        found: dict[str, dict[str, Comparison]] = {}
        for role in ("equal_total", "permuted_targets", "permuted_non_targets"):
            owned = {owner: arm for arm in arms.values() if arm.role == role for owner in arm.of}
            for owner, comparison in self._compare(owned, arms).items():
                found.setdefault(owner, {})[owned[owner].name] = comparison
        return found

    def _compare(self, controls: Mapping[str, Arm], arms: Mapping[str, Arm]) -> dict[str, Comparison]:
        pairs = {name: self._paired(arms[name], control) for name, control in controls.items()}
        pairs = {name: pair for name, pair in pairs.items() if len(pair[0])}
        found = compare_pairs(pairs, smallest_effect=self.smallest_effect, bounds=self.bounds)
        return {name: self._named(comparison, controls[name]) for name, comparison in found.items()}

    def _paired(self, arm: Arm, control: Arm) -> tuple[np.ndarray, np.ndarray]:
        """Scores of the seeds that both have, signed so that higher is better."""
        sign = 1.0 if self.higher_is_better else -1.0
        mine, theirs = ({seed: sign * value for seed, value in self._values(side)} for side in (arm, control))
        both = sorted(set(mine) & set(theirs))
        return np.array([mine[seed] for seed in both]), np.array([theirs[seed] for seed in both])

    def _values(self, arm: Arm) -> list[tuple[int, float]]:
        """What is compared of an arm, by seed."""
        if not self.measure:
            return [(outcome.seed, outcome.last) for outcome in arm.outcomes]
        return [(o.seed, o.measures[self.measure]) for o in arm.outcomes if self.measure in o.measures]

    def _named(self, comparison: Comparison, control: Arm) -> Comparison:
        comparison = replace(comparison, against=control.label or control.name)
        return replace(comparison, verdict="no verdict", seeds_to_decide=None) if self.quick else comparison


def filled(arm: Arm, outcomes: Iterable[Outcome], bounds: Bounds = UNBOUNDED) -> Arm:
    """An arm with its outcomes in the order of their seeds, and the intervals of their means, cut to the score's bounds."""
    ordered = tuple(sorted(outcomes, key=lambda outcome: outcome.seed))
    if not ordered:
        return arm
    last, selected = (
        mean_interval([getattr(o, kind) for o in ordered], bounds=bounds) for kind in ("last", "selected")
    )
    return replace(arm, outcomes=ordered, interval=last, selected_interval=selected)


def _arm(plan: StudyPlan, planned: PlannedArm, runs: Runs, stored: Set[tuple[str, int]]) -> Arm:
    arm = Arm(planned.name, planned.role, planned.of, planned.label, planned.asked, planned.budget.to_dict())
    outcomes = [_outcome(run, stored=cell in stored) for cell, run in runs.items() if cell[0] == planned.name]
    return filled(arm, outcomes, plan.setting.kind.bounds)


def _outcome(run: Run, *, stored: bool) -> Outcome:
    student, facts = run.scores["student"], run.facts
    return Outcome(
        seed=run.seed,
        last=student.last,
        selected=student.selected,
        agreement=facts.get("agreement"),
        seconds=facts.get("seconds", 0.0),
        steps=facts.get("steps", {}),
        run=run.id,
        measures=run.measures,
        stored=stored,
    )


def _teachers(runs: Iterable[Run]) -> dict[int, float]:
    found = {run.facts.get("teacher_seed", 0): run.scores["teacher"].last for run in runs if "teacher" in run.scores}
    return dict(sorted(found.items()))
