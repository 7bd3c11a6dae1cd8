"""What a method would do on a setting, found out before anything is trained."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn

from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.protocols import stage_steps
from workbench.engine.streams import Streams
from workbench.engine.teacher.teaching import new_teacher
from workbench.engine.training.optimisation import check_own
from workbench.engine.training.trial import trial_of
from workbench.methods.method import Method
from workbench.records.budget import Budget
from workbench.records.plan import StagePlan
from workbench.settings.setting import Setting


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


def rehearse(setting: Setting, method: Method, budget: Budget) -> Rehearsal:
    """Read the stages of a copy of the method, built for untrained models if they may depend on it.

    Raises:
        ValueError: the method does not fit these models, or the budget's own optimiser or schedule cannot be used.
    """
    method, streams = copy.deepcopy(method), Streams(0, torch.device("cpu"))
    trial = trial_of(setting, method, budget, streams, Controls(method))
    with streams.initialising("student"):
        student = setting.make_student()
    if not isinstance(student, nn.Module):
        return Rehearsal(1, 1, trial.epoch_steps, method.reads_teacher)
    check_own(student, budget)
    if type(method).stages is not Method.stages:
        teacher = trial.parties["teacher"] = new_teacher(setting, Conditions(device="cpu"))
        trial.build(trial.students_of(StagePlan())["student"], teacher if method.reads_teacher else None)
    plans = method.stages(trial.facts)
    lengths = stage_steps(plans, trial.steps)
    mine = sum(steps for steps, plan in zip(lengths, plans, strict=True) if plan.learner == "student")
    reads = method.reads_teacher or any(plan.teacher is not None for plan in plans)
    return Rehearsal(mine, sum(lengths) * method.students, trial.epoch_steps, reads)
