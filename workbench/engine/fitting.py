"""Students that are fitted instead of trained by gradients: trees, nearest neighbours and the like."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from workbench.engine.evaluate import predict, reported, score
from workbench.engine.trial import Trial
from workbench.models.learners import as_teacher
from workbench.models.soft_fit import SoftFit
from workbench.models.tracing import Tracer
from workbench.records import events
from workbench.records.plan import StagePlan
from workbench.records.trace import Trace


class FitRunner:
    """Fits an estimator once, to the soft targets of a method that is a pure set of targets.

    Raises:
        TypeError: the method is more than that; the message names it.
    """

    def __init__(self, trial: Trial, plans: tuple[StagePlan, ...]) -> None:
        """Remembers the run."""
        self.trial, self.plan = trial, plans[0]

    def run(self) -> Iterator[events.Event]:
        """One step: targets of all samples, one fit, one validation."""
        trial = self.trial
        yield events.Stage(stage=self.plan.name, steps=1, epochs=1)
        batch = trial.train.batch(torch.arange(len(trial.train)))
        teacher = Trace(torch.zeros(len(batch.ids), trial.classes))
        if trial.method.reads_teacher:
            with torch.no_grad():
                teacher = Tracer(trial.parties["teacher"])(batch.for_teacher)
        soft_targets, weights = trial.method.targets(teacher, batch)
        student = SoftFit(trial.parties["student"])
        student.fit_soft(batch.student_inputs, soft_targets, weights)
        trial.parties["student"] = fitted = as_teacher(student.predict_logits)
        trial.done["student"] = trial.epochs["student"] = 1
        outputs = yield from reported(predict(fitted, trial.validation), name="evaluating", step=1)
        value = score(trial.kind, outputs, trial.validation.labels)
        trial.history.add("validation", 1, {"student": value})
        yield events.Epoch(stage=self.plan.name, epoch=1, step=1, scores={"student": value})
