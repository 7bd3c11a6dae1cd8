"""Equal chances: every arm of a study, controls included, tries the same number of parameters on validation data.

The first trial is the parameters as given. The others draw the numbers of the method that have a range, and the learning
rate within a factor of four. All are trained with one seed that is not one of the study's, and the best validation score
after the last epoch wins. Test scores take no part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from workbench.engine.study.arms import PlannedArm
from workbench.engine.study.plan import StudyPlan
from workbench.engine.study.summary import Runs
from workbench.methods.method import Method, Sum
from workbench.models.copies import copied
from workbench.records.annotations import Range
from workbench.records.parameters import parameters
from workbench.records.run import Run

FACTOR = 4.0
"""The learning rate is drawn between the given one divided by this and the given one times this."""


def tuned(plan: StudyPlan, trials: int, run: Callable[[StudyPlan], tuple[Runs, *tuple[Any, ...]]]) -> StudyPlan:
    """The plan with the parameters that did best on validation in each arm.

    Args:
        plan: as given.
        trials: per arm, the parameters as given among them.
        run: runs a plan and returns its runs first.

    Raises:
        ValueError: fewer than one trial.
    """
    if trials < 1:
        raise ValueError(f"tune = {trials} must be 1 or more trials, or 0 for none")
    seed = max(plan.seeds) + 1
    candidates = [[_candidate(arm, index) for index in range(trials)] for arm in plan.arms]
    runs = run(replace(plan, arms=tuple(arm for group in candidates for arm in group), seeds=(seed,)))[0]
    sign = 1 if plan.setting.kind.higher_is_better else -1

    def validation(arm: PlannedArm) -> float:
        found: Run | None = runs.get((arm.name, seed))
        return -np.inf if found is None else sign * found.scores["student"].validation

    best = [max(group, key=validation) for group in candidates]
    arms = tuple(replace(won, name=arm.name) for won, arm in zip(best, plan.arms, strict=True))
    note = f"Every arm, controls included, was tuned on validation with {trials} trials at seed {seed}."
    return replace(plan, arms=arms, notes=(*plan.notes, note))


def _candidate(arm: PlannedArm, index: int) -> PlannedArm:
    """The n-th trial of an arm; a number of one name is drawn alike in all arms."""
    named = replace(arm, name=f"{arm.name}, trial {index}")
    if index == 0:
        return named
    method = copied(arm.method)
    for name, bounds in _ranges(method):
        steps = int(_generator(index, name).integers(0, round((bounds.high - bounds.low) / bounds.step) + 1))
        method.change(name, min(bounds.low + steps * bounds.step, bounds.high))
    factor = FACTOR ** _generator(index, "learning_rate").uniform(-1, 1)
    return replace(named, method=method, budget=replace(arm.budget, learning_rate=arm.budget.learning_rate * factor))


def _ranges(method: Method) -> Iterator[tuple[str, Range]]:
    """The real numbers of a method that have a range; whole ones set sizes and lengths, which stay as they are."""
    if isinstance(method, Sum):
        for part in method.parts:
            yield from ((f"{part.name}.{name}", bounds) for name, bounds in _ranges(part))
        return
    for name, parameter in parameters(type(method)).items():
        if parameter.kind is float and parameter.range is not None and getattr(method, name) is not None:
            yield name, parameter.range


def _generator(index: int, name: str) -> np.random.Generator:
    return np.random.default_rng([index, *name.encode()])
