"""Students that are fitted instead of trained by gradients: trees, nearest neighbours and the like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from workbench.engine.cautions import about_student
from workbench.engine.conditions import Conditions
from workbench.engine.evaluate import predict, reported, score
from workbench.engine.teacher.select import guide_for, partner_for
from workbench.engine.training.trial import Trial
from workbench.models.learners import as_teacher
from workbench.models.soft_fit import SoftFit, ValueFit
from workbench.records import events
from workbench.records.batch import Batch
from workbench.records.plan import StagePlan
from workbench.records.trace import Trace

ROWS = 64
"""Samples on which a fit is rehearsed."""


def fit_student(trial: Trial, conditions: Conditions) -> Iterator[events.Event]:
    """One step: the targets of all samples, one fit, one validation.

    What can be refused has been, by ``check_fit``.
    """
    plan = StagePlan("fit", teacher="teacher" if trial.method.reads_teacher else None)
    yield events.Stage(stage=plan.name, steps=1, epochs=1)
    rows, partner = trial.rows_of(plan), partner_for(trial)
    batch = trial.train.batch(rows, teacher_rows=None if partner is None else partner[rows])
    guide = yield from guide_for(trial, plan, conditions, partner)
    teacher = Trace(torch.zeros(len(rows), _width(trial))) if guide is None else guide(batch)
    targets, weights = trial.method.targets(teacher, batch)
    weights = weights * _weights(trial, batch).to(weights)
    estimator = _seeded(trial.parties["student"], trial.streams.seed)
    if trial.kind.name == "regression":
        fitted = as_teacher(ValueFit(estimator).fit_values(_table(batch), targets, weights))
    else:
        fit = SoftFit(estimator).fit_soft(_table(batch), targets, weights)
        fitted = as_teacher(fit.predict_logits)
        if message := about_student(fit.fitted, trial.validation):
            yield events.Warning(stage=plan.name, message=message)
    trial.parties["student"] = fitted
    trial.done["student"] = trial.epochs["student"] = 1
    outputs = yield from reported(predict(fitted, trial.validation), stage=plan.name, name="evaluating", step=1)
    value = score(trial.kind, outputs, trial.validation.known_labels, "student")
    trial.history.add("validation", 1, {"student": value})
    yield events.Epoch(stage=plan.name, epoch=1, step=1, scores={"student": value})


def check_fit(trial: Trial, student: Any) -> None:
    """Refuse what ``fit_student`` could not do, before a teacher is trained.

    Args:
        trial: not begun.
        student: an estimator.

    Raises:
        TypeError: the method is more than a set of targets, or the estimator cannot be fitted to any; the message names it.
        ValueError: the task is neither classification nor regression, or the estimator refuses as many outputs as there are.
    """
    if trial.kind.name not in ("classification", "regression"):
        raise ValueError(
            f"a student without gradients learns soft targets of classes, or the values of a regression; the task is "
            f"{trial.kind.name}"
        )
    partner_for(trial)
    batch = trial.train.batch(torch.arange(min(ROWS, len(trial.train))))
    targets, weights = trial.method.targets(Trace(torch.zeros(len(batch.ids), _width(trial))), batch)
    _weights(trial, batch)
    if trial.kind.name == "regression":
        ValueFit(student).fit_values(_table(batch), targets, weights)
        return
    fit = SoftFit(student)
    if fit.regresses:  # a classifier may need more samples than these, or one of each class
        fit.fit_soft(_table(batch), targets)


def _width(trial: Trial) -> int:
    """Numbers in an answer."""
    return trial.classes or trial.train.known_labels[0].numel()


def _table(batch: Batch) -> Tensor:
    """The inputs of a student without gradients.

    Raises:
        TypeError: they are several tensors.
    """
    if isinstance(batch.student_inputs, Tensor):
        return batch.student_inputs
    raise TypeError("a student without gradients needs inputs that are one tensor, not several")


def _weights(trial: Trial, batch: Batch) -> Tensor:
    """The samples' own weights, times those of their classes; the targets of a teacher cannot be weighed by class.

    Raises:
        ValueError: classes have weights, and the method mixes labels with a teacher's answers.
    """
    weight = torch.ones(len(batch.ids)) if batch.weight is None else batch.weight
    if trial.class_weights is None:
        return weight
    if trial.method.reads_teacher:
        raise ValueError(
            f"class_weights weigh labels, and {trial.method.name} gives a student without gradients one target that mixes "
            "labels with the teacher's answers; give sample weights with TransferSet(weight=...) instead"
        )
    return weight * trial.class_weights[batch.known_labels.clamp(min=0)]


def _seeded(estimator: Any, seed: int) -> Any:
    """An estimator that draws random numbers draws them under the run's seed, unless it brings its own."""
    if estimator.get_params().get("random_state", 0) is None:
        estimator.set_params(random_state=seed)
    return estimator
