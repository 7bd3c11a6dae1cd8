"""What a study runs: its arms, the controls they need, and the cells of arm and seed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Annotated, Any

from workbench.engine.conditions import Conditions
from workbench.engine.identity import Known, address, known
from workbench.engine.study.arms import PlannedArm, arms_of, notes_on
from workbench.engine.tracking import Callback
from workbench.methods.catalog import as_method
from workbench.methods.method import Method
from workbench.records.annotations import AT_LEAST_ONE, POSITIVE, Limit
from workbench.records.arguments import checked_arguments
from workbench.records.budget import Budget, budget_of
from workbench.records.code import identity_of
from workbench.records.files import file_name
from workbench.records.parameters import given, scalar, spoken
from workbench.settings.catalog import as_setting
from workbench.settings.setting import Setting

MOST = 100_000
"""Seeds of one study."""

JOBS = Limit("1 to 10,000, or negative to count from the cores: -1 is one per core", lambda n: 0 < abs(n) <= 10_000)
POINTS = 100.0
"""Scale of the scores that are read in points of a hundred; for them half a point is the default smallest effect."""


@dataclass(frozen=True)
class Cell:
    """One run of a study.

    Attributes:
        arm: name of the arm.
        seed: of the student.
        method: ``{"name": ..., "config": {...}}``.
        budget: of the student.
        conditions: which control, which teacher.
    """

    arm: str
    seed: int
    method: Mapping[str, Any]
    budget: Budget
    conditions: Conditions

    @property
    def title(self) -> str:
        """How it is called in lists of failures."""
        return f"{self.arm}, seed {self.seed}"


@dataclass(frozen=True, eq=False)
class StudyPlan:
    """What a study runs; made by ``plan_study``.

    Attributes:
        setting: what it is played on.
        arms: the control first, each method followed by the controls it needs.
        seeds: of the students; the i-th teacher teaches the seeds that leave i when divided by ``teachers``.
        teachers: number of distinct teachers.
        smallest_effect: the least difference worth having, in the unit of the score.
        quick: True leaves permuted controls out, and verdicts with them.
        notes: what a reader must know.
        known: the identity of the setting and its teacher, by the seed of the teacher.
        since: what was stored before this time, in seconds since 1970, is computed again.
        callbacks: called with every event of the cells that are run.
    """

    setting: Setting
    arms: tuple[PlannedArm, ...]
    seeds: tuple[int, ...]
    teachers: int
    smallest_effect: float
    quick: bool
    notes: tuple[str, ...]
    known: Mapping[int, Known]
    since: float = 0.0
    callbacks: tuple[Callback, ...] = ()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All arms of the first seed, then of the second, and so on: what is finished can be compared early."""
        return tuple(self._cell(arm, seed) for seed in self.seeds for arm in self.arms)

    @property
    def arm_of_control(self) -> str:
        """Name of the arm that trains on labels only."""
        return self.arms[0].name

    @property
    def arm_of_method(self) -> str:
        """Name of the arm of the first method."""
        return next((arm.name for arm in self.arms if arm.role == "method"), self.arm_of_control)

    @property
    def id(self) -> str:
        """Content address of everything that is asked."""
        rest = {"seeds": self.seeds, "teachers": self.teachers, "quick": self.quick, "effect": self.smallest_effect}
        arms = [[arm.name, arm.asked, identity_of((arm.method, arm.budget)).digest, arm.control] for arm in self.arms]
        asked = {
            "setting": self.about,
            "taught": {seed: each.teacher for seed, each in self.known.items()},
            "arms": arms,
        }
        return f"{file_name(self.setting.name)}-study-{address(asked | rest)}"

    @property
    def about(self) -> Mapping[str, Any]:
        """The identity of the setting."""
        return next(iter(self.known.values())).setting

    def __getitem__(self, arm: str) -> PlannedArm:
        """The arm of a name.

        Raises:
            KeyError: the study has no such arm; the message lists those it has.
        """
        for found in self.arms:
            if found.name == arm:
                return found
        raise KeyError(f"no arm {arm!r}; there are {', '.join(a.name for a in self.arms)}")

    def _cell(self, arm: PlannedArm, seed: int) -> Cell:
        conditions = Conditions(control=arm.control, teacher_seed=seed % self.teachers, since=self.since)
        return Cell(arm.name, seed, arm.asked, arm.budget, conditions)


@partial(checked_arguments, called="study")
def plan_study(  # noqa: PLR0913 - all that is asked of a study
    setting: Setting | type[Setting] | str,
    methods: Iterable[Method | type[Method] | str],
    seeds: int | Sequence[int] = 5,
    *,
    budget: Budget | None = None,
    quick: bool = False,
    teachers: Annotated[int, AT_LEAST_ONE] = 1,
    smallest_effect: float | None = None,
    fresh: bool = False,
) -> StudyPlan:
    """Add the controls that make the methods' numbers mean something.

    Always labels only. For each method that reads a teacher: its targets permuted across samples, and its non-target
    outputs permuted within each row; where one of them has no meaning, a note says why. For each method that trains more than the student: labels only with as many
    optimiser steps in all.

    Args:
        setting: what to play on, or its name.
        methods: one arm each, or their names; the same method may come twice with other parameters.
        seeds: how many, or which.
        budget: of the student in every arm; the setting's by default.
        quick: leave the permuted controls out; then there is no verdict.
        teachers: number of distinct teachers, trained with the seeds 0, 1 ...
        smallest_effect: the least difference worth having; half a point for scores in points of a hundred.
        fresh: compute everything again, teachers and checkpoints too, and replace what is stored.

    Raises:
        ValueError: a method does not fit the setting or touches test data, models share weights that must be apart, or a
            number is not allowed.
    """
    numbers, since = seeds_of(seeds), time.time() if fresh else 0.0
    setting = as_setting(setting)
    effect = _smallest_effect(setting, smallest_effect)
    budget, asked = budget_of(budget, setting.budget), _methods(methods)
    about = known(setting, [seed % teachers for seed in (*numbers, max(numbers) + 1)])  # the last one is for tuning
    arms, notes = arms_of(setting, asked, budget, quick=quick)
    notes += notes_on(setting, numbers, arms)
    return StudyPlan(setting, arms, numbers, teachers, effect, quick, tuple(notes), about, since)


def jobs_of(jobs: int | None) -> int | None:
    """How many runs at the same time, as joblib takes it.

    Raises:
        ValueError: 0, or no whole number.
    """
    return given("jobs", jobs, Annotated[int | None, JOBS])


def _methods(asked: Any) -> list[Method]:
    if isinstance(asked, str | Method) or not isinstance(asked, Iterable) or getattr(asked, "shape", None) == ():
        raise ValueError(
            f"{spoken(asked)} is no list; give a list of one or more methods, such as [methods.KD()] or ['kd']"
        )
    return [as_method(each) for each in asked]


def with_folder(cell: Cell, folder: Any) -> Conditions:
    """The conditions of a cell whose teachers and checkpoints are in the folder of a store."""
    return replace(cell.conditions, folder=folder)


def seeds_of(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """The seeds as numbers.

    Raises:
        ValueError: none, one twice, or a negative one.
    """
    asked = scalar(seeds)
    try:
        if isinstance(asked, Iterable) and not isinstance(asked, str | bytes | Mapping):
            numbers = tuple(given("seed", seed, int) for seed in islice(asked, MOST + 1))
        else:
            numbers = tuple(range(min(given("seeds", asked, int), MOST + 1)))
    except (ValueError, TypeError):
        numbers = ()
    if not 0 < len(numbers) <= MOST or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        shown = (
            repr(seeds)
            if isinstance(seeds, str) or not isinstance(seeds, int) or abs(seeds) < 1e15
            else "a huge number"
        )
        raise ValueError(
            f"seeds = {shown}: give how many (1 or more, at most {MOST:,}), or different numbers that are 0 or more"
        )
    return numbers


def _smallest_effect(setting: Setting, asked: float | None) -> float:
    if asked is None and setting.kind.scale != POINTS:
        raise ValueError(
            f"the score of {setting.name} is {setting.kind.score}, which has no natural smallest effect: "
            "say smallest_effect=..., the least difference worth having"
        )
    return given("smallest_effect", 0.5 if asked is None else asked, Annotated[float, POSITIVE])
