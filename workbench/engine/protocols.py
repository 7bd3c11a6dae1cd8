"""Who trains on what next: the stages of a method, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from workbench.engine.conditions import Conditions
from workbench.engine.ledger.counting import stepper
from workbench.engine.teacher.select import guide_for, partner_for
from workbench.engine.training.keeper import Keeper
from workbench.engine.training.stage import StageRunner
from workbench.engine.training.trial import Trial
from workbench.records import events
from workbench.records.plan import StagePlan


def stage_steps(plans: Sequence[StagePlan], steps: int, owner: str = "student") -> list[int]:
    """Optimiser steps of each stage; the owner's add up to the budget exactly, rounded as they accumulate.

    Raises:
        ValueError: the owner has no stage, or its shares add up neither to 1 nor to 0.
    """
    shares = [plan.share for plan in plans if plan.learner == owner]
    if not shares:
        raise ValueError(f"no stage trains the {owner}; there are: {', '.join(plan.name for plan in plans)}")
    if abs(sum(shares) - 1) > 1e-6 and any(shares):
        raise ValueError(f"the {owner}'s stages take {sum(shares):g} of the budget; their shares must add up to 1")
    lengths, share, done = [], 0.0, 0
    for plan in plans:
        if plan.learner != owner:
            lengths.append(max(1, round(plan.share * steps)) if plan.share else 0)
            continue
        share += plan.share
        lengths.append(round(share * steps) - done)
        done = round(share * steps)
    return lengths


def run_stages(
    trial: Trial, plans: Sequence[StagePlan], lengths: Sequence[int], conditions: Conditions, keeper: Keeper
) -> Generator[events.Event, None, None]:
    """All stages, or what an interrupted run has left of them.

    Args:
        trial: with its teacher; changed by it.
        plans: the stages.
        lengths: their optimiser steps.
        conditions: where a teacher's answers are kept.
        keeper: of the checkpoint.
    """
    first = keeper.saved["stage"] if keeper.saved else 0
    for index, (plan, steps) in enumerate(zip(plans, lengths, strict=True)):
        if steps == 0 and plan.share > 0:
            message = f"stage {plan.name!r} is skipped: the budget is too short"
            yield events.Warning(party=plan.learner, stage=plan.name, message=message)
        elif index < first:
            trial.students_of(plan)
        else:
            yield from _stage(trial, (index, plan, steps), conditions, keeper)


def _stage(
    trial: Trial, at: tuple[int, StagePlan, int], conditions: Conditions, keeper: Keeper
) -> Iterator[events.Event]:
    index, plan, steps = at
    resumed = keeper.saved is not None and keeper.saved["stage"] == index
    learners, teachers = trial.students_of(plan), trial.teachers_of(plan)
    trial.build(learners[plan.learner], teachers[0] if teachers else None, plan)
    if resumed:
        keeper.restore_models(trial)
    partner = partner_for(trial)
    guide = yield from guide_for(trial, plan, conditions, partner)
    try:
        runner = StageRunner(trial, replace(plan, start="continue"), steps, guide, partner)
        runner.updater.step = stepper(runner.updater)
        done = keeper.restore_runner(trial, runner) if resumed else 0
        yield from runner.run(lambda epochs: keeper.keep(trial, runner, index, epochs), done)
    finally:
        if guide is not None:
            guide.release()
