"""Select the teacher of a stage as the method declares it; answers that cannot change are kept on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.engine.conditions import Conditions
from workbench.engine.evaluate import alike, answers, few, predict, reported
from workbench.engine.ledger.ledger import Ledger, metered, running
from workbench.engine.rows import Rows
from workbench.engine.teacher.cache import TeacherCache
from workbench.engine.teacher.kinds import (
    Cached,
    Fixed,
    Following,
    SameWeights,
    ShuffledNonTargets,
    View,
    of_teacher,
)
from workbench.engine.training.trial import Trial
from workbench.methods.method import Method
from workbench.models.learners import CallableTeacher
from workbench.records import events
from workbench.records.batch import Batch
from workbench.records.code import identity_of
from workbench.records.plan import StagePlan

OTHERWISE = "the teacher's answers that were kept are not what it answers now; they are computed again"


def guide_for(trial: Trial, plan: StagePlan, conditions: Conditions, partner: Tensor | None) -> Iterator[Any]:
    """The teacher of a stage, under the run's control; yields probes while a cache fills and returns it.

    Raises:
        ValueError: the control has no meaning for this task.
    """
    guide = yield from _guide(trial, plan, conditions, partner)
    if guide is None or trial.control != "permuted_non_targets":
        return guide
    if trial.kind.name != "classification":
        raise ValueError(f"permuted_non_targets needs one target class per sample; the task is {trial.kind.name}")
    return ShuffledNonTargets(guide, trial.train.ids, trial.classes, trial.streams.fresh("control"))


def partner_for(trial: Trial) -> Tensor | None:
    """For permuted targets: another sample's row for every row, (N,), the same in all stages; else None.

    Raises:
        ValueError: rows cannot change places in this data.
    """
    if trial.control != "permuted_targets":
        return None
    if trial.train.full_batch or not trial.train.paired or trial.train.in_order:
        raise ValueError(
            "permuted_targets needs a teacher that is asked sample by sample; graphs, streams and unpaired data are not"
        )
    order = torch.randperm(len(trial.train), generator=trial.streams.fresh("control"))
    partner = torch.empty_like(order)
    partner[order] = order.roll(1)
    return partner.to(trial.device)


def outputs_of(model: nn.Module, data: TransferSet, conditions: Conditions, *, serving: bool = False) -> Iterator[Any]:
    """A teacher's outputs on all samples, from the cache or computed and kept; yields probes and returns them.

    What a function knows cannot be compared, so its answers are not kept; neither are those to samples that change.

    Args:
        model: the teacher.
        data: the samples.
        conditions: where its answers are kept.
        serving: the answers are an evaluation, and no student will learn from them.
    """
    cache, ledger = TeacherCache(conditions.home() / "teachers", conditions.trusts), running() or Ledger()
    digest, _, unaddressed = identity_of(model)
    kept = data.repeatable and not (isinstance(model, CallableTeacher) or unaddressed)
    entry = cache.outputs(digest, data) if kept else None
    if entry is not None and not _says(model, entry.found, data):
        yield events.Warning(party="teacher", message=OTHERWISE)
        entry = None
    if entry is None:
        pieces = reported(predict(model, data, teacher=True), party="teacher", name="asking the teacher", step=0)
        outputs, cost = yield from metered(pieces, "evaluation" if serving else "teacher_outputs", "teacher")
        cost = replace(cost, bytes=outputs.nbytes)
        if kept:
            cache.keep_outputs(digest, data, outputs, cost)
    else:
        outputs, cost = entry.found.to(data.ids.device), entry.cost
    if serving:
        ledger.served("teacher", cost, new=entry is None)
    else:
        ledger.bought("teacher_outputs", f"{digest} {data.digest()}", cost, "now" if entry is None else "earlier")
    return outputs


def _says(model: nn.Module, outputs: Tensor, data: TransferSet) -> bool:
    """Whether the teacher, asked again about a few samples, answers what was kept."""
    some = few(data)
    return alike(answers(model, some, teacher=True), outputs[torch.isin(data.ids, some.ids).cpu()])


def _guide(trial: Trial, plan: StagePlan, conditions: Conditions, partner: Tensor | None) -> Iterator[Any]:
    teachers = trial.teachers_of(plan) if trial.method.teacher_source == "fixed" else []
    if len(teachers) == 1 and _cacheable(trial):
        data = trial.shown(plan, trial.train)
        outputs = yield from outputs_of(teachers[0], data, conditions)
        return Cached(outputs, data.ids, partner)
    return live_guide(trial, plan, partner)


def live_guide(trial: Trial, plan: StagePlan, partner: Tensor | None) -> Fixed | None:
    """The teacher of a stage, asked at every step; None where nobody teaches."""
    method, student = trial.method, trial.parties[plan.learner]
    if method.teacher_source == "same_weights":
        return SameWeights(student, method.teacher_layers)
    if method.teacher_source != "fixed":
        return Following(student, method.teacher_layers, method.teacher_source, float(getattr(method, "decay", 0.99)))
    teachers = trial.teachers_of(plan)
    if not teachers:
        return None
    views = _views(trial, plan, partner)
    return Fixed(teachers, method.teacher_layers, views=views, gradient=method.teacher_input_gradient)


def _views(trial: Trial, plan: StagePlan, partner: Tensor | None) -> list[View] | None:
    """What each teacher is shown where a batch has inputs of the teacher's own and not all teachers were trained on them."""
    sides, train = trial.teacher_sides(plan), trial.train
    if "student" not in sides or (train.paired and ("teacher" not in sides or train.teacher_inputs is None)):
        return None
    rows = Rows(train.ids)

    def of_student(batch: Batch) -> Any:
        return batch.student_inputs if partner is None else train.batch(partner[rows(batch.ids)]).student_inputs

    return [of_student if side == "student" else of_teacher for side in sides]


def _cacheable(trial: Trial) -> bool:
    """Whether the teacher's answers depend on the row alone, in their shape as well."""
    method, data = trial.method, trial.train
    live = trial.augment is not None or not data.paired or data.varying or not data.repeatable
    own_inputs = type(method).inputs is not Method.inputs
    return not (live or own_inputs or method.teacher_layers or method.teacher_input_gradient)
