"""What a method would do on a setting, found out before anything is trained: one step of each stage, on copies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn

from workbench.engine import threads
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.fitting import check_fit
from workbench.engine.protocols import stage_steps
from workbench.engine.streams import Streams
from workbench.engine.teacher.acquire import new_teacher, teacher_trial
from workbench.engine.teacher.kinds import TeacherSwitched
from workbench.engine.teacher.select import live_guide, partner_for
from workbench.engine.training.finiteness import NotFinite
from workbench.engine.training.optimisation import check_own
from workbench.engine.training.stage import StageRunner
from workbench.engine.training.trial import Trial, trial_of
from workbench.maths.randomness import kept
from workbench.methods.method import Method
from workbench.methods.parts.bank import check_ids
from workbench.models.copies import copied
from workbench.models.tracing import Tracer
from workbench.records.batch import Batch
from workbench.records.budget import Budget
from workbench.records.plan import StagePlan
from workbench.settings.checks import check_models
from workbench.settings.setting import Recipe, Setting

ROWS = 16
"""At most so many samples make the batch of a rehearsed step."""


@dataclass(frozen=True)
class Rehearsal:
    """The facts of a run that decide which controls it needs.

    Attributes:
        steps: optimiser steps of the student.
        total_steps: the same over all models that are trained, the setting's teacher not counted.
        epoch_steps: steps in one pass over the transfer set.
        reads_teacher: whether any stage has a teacher, be it an earlier self.
    """

    steps: int
    total_steps: int
    epoch_steps: int
    reads_teacher: bool


def rehearse(
    setting: Setting, method: Method, budget: Budget, conditions: Conditions | None = None, seed: int = 0
) -> Rehearsal:
    """Take one step of the teacher's training and of each stage, on copies, and refuse what does not work.

    Models, method, random state and number of threads are left as they were; nothing is stored. A number that is not finite
    is no reason to refuse: untrained models and few samples may give one.

    Args:
        setting: data, teacher and student.
        method: to be rehearsed.
        budget: of the student.
        conditions: control and teacher seed; the rehearsal itself is on the processor.
        seed: of the student.

    Raises:
        ValueError: the models do not fit the data or the method; the message says what was given.
        TypeError: the method cannot teach a student without gradients, or inputs are of a type that it cannot use.
    """
    here = replace(conditions or Conditions(), device="cpu")
    with kept(), threads.using(setting.threads):
        trial = _trial(setting, copied(method), budget, here, seed)
        with trial.streams.initialising("student"):
            student = trial.make_student()
        teacher = trial.parties["teacher"] = copied(new_teacher(setting, here))
        check_models(setting, teacher, student, _batch_sizes(setting, budget))
        if isinstance(setting.teacher, Recipe):
            check_own(teacher, setting.teacher.budget)
            own, plan = teacher_trial(setting, copied(teacher), here)
            with _clearly("the teacher cannot be trained on teacher_train"):
                _step(own, plan)
        if not isinstance(student, nn.Module):
            check_fit(trial, student)
            return Rehearsal(1, 1, trial.epoch_steps, method.reads_teacher)
        check_own(student, budget)
        return _rehearse(trial)


def _batch_sizes(setting: Setting, budget: Budget) -> dict[str, int]:
    sizes = {"student": budget.batch_size}
    return sizes | ({"teacher": setting.teacher.budget.batch_size} if isinstance(setting.teacher, Recipe) else {})


def _trial(setting: Setting, method: Method, budget: Budget, conditions: Conditions, seed: int) -> Trial:
    trial = trial_of(setting, method, budget, Streams(seed, torch.device("cpu")), Controls(method))
    trial.control = conditions.control
    trial.make_student = lambda: copied(setting.make_student())
    return trial


def _rehearse(trial: Trial) -> Rehearsal:
    method = trial.method
    with _clearly(f"{method.name} does not work on this setting"):
        student = trial.students_of(StagePlan())["student"]
        trial.build(student, trial.parties["teacher"] if method.reads_teacher else None)
        check_ids(method, trial.train)
        plans = method.stages(trial.facts)
    lengths = stage_steps(plans, trial.steps)
    for plan in plans:
        with _clearly(f"{method.name} does not work on this setting, in stage {plan.name!r}"):
            _step(trial, plan)
    mine = sum(steps for steps, plan in zip(lengths, plans, strict=True) if plan.learner == "student")
    reads = method.reads_teacher or any(plan.teacher is not None for plan in plans)
    return Rehearsal(mine, sum(lengths) * method.students, trial.epoch_steps, reads)


def _step(trial: Trial, plan: StagePlan) -> None:
    """One step of a stage on its first samples, as ``run_stages`` would take it."""
    learners, teachers = trial.students_of(plan), trial.teachers_of(plan)
    trial.build(learners[plan.learner], teachers[0] if teachers else None, plan)
    partner = partner_for(trial)
    guide = live_guide(trial, plan, partner)
    if trial.method.teacher_input_gradient and teachers:
        _check_gradient(trial, teachers[0])
    try:
        runner = StageRunner(trial, replace(plan, start="continue"), 1, guide, partner)
        trial.method.stage = plan.name
        trial.method.train()
        for student in learners.values():
            student.train()
        trial.method.schedule(0.0)
        with trial.streams.using("noise"):
            _act(runner, trial)
    except NotFinite:
        pass
    finally:
        if guide is not None:
            guide.release()


def _check_gradient(trial: Trial, teacher: nn.Module) -> None:
    inputs = trial.example(StagePlan()).for_teacher
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        return  # the method says itself which inputs it needs
    with torch.enable_grad():
        if not Tracer(teacher)(inputs.clone().requires_grad_()).outputs.requires_grad:
            raise ValueError(
                f"{trial.method.name} needs gradients through the teacher to its inputs, and {type(teacher).__name__} "
                "passes none; use an nn.Module as the teacher"
            )


def _act(runner: StageRunner, trial: Trial) -> None:
    """A step; of a method that makes its inputs in its update, which may take minutes, its terms and their gradients."""
    updater, method, batch = runner.updater, trial.method, _batch(runner, trial)
    if method.own_inputs and type(method).update is not Method.update:
        reduce(add, updater.terms(method.inputs(batch, updater.students)).values()).backward()
    else:
        updater.step(batch, 0.0, 1)


def _batch(runner: StageRunner, trial: Trial) -> Batch:
    """The first samples of the stage, as its loader gives them."""
    loader, size = runner.loader, min(ROWS, trial.budget.batch_size)
    few = loader if loader.data.full_batch else replace(loader, rows=loader.rows[:size], batch_size=size)
    return next(few.epoch(1, trial.streams))


@contextmanager
def _clearly(what: str) -> Iterator[None]:
    """An error of one's own words goes on as it is; any other becomes a ``ValueError`` that says what was tried."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, NotImplementedError, AssertionError) as error:
        worded = isinstance(error, KeyError) and " " in str(error.args[:1])
        if worded or isinstance(error, TeacherSwitched):
            raise
        told = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"{what}: {told if type(error) is RuntimeError else f'{type(error).__name__}: {told}'}"
        ) from error
