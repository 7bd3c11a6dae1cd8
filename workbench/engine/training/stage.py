"""One stage: epochs of steps, each epoch validated and checkpointed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.engine import threads
from workbench.engine.cautions import about_habits
from workbench.engine.evaluate import confusion, layout, predict, reported, score
from workbench.engine.teacher.kinds import Fixed
from workbench.engine.training.loader import Loader
from workbench.engine.training.probes import Probes, habits, spacing
from workbench.engine.training.terms import Averages
from workbench.engine.training.trial import Trial
from workbench.engine.training.updater import Updater
from workbench.maths.probing import relabelled
from workbench.records import events
from workbench.records import probes as named
from workbench.records.plan import StagePlan


class StageRunner:
    """Runs one stage of a trial as a generator of events.

    Args:
        trial: the run.
        plan: the stage.
        steps: its length in optimiser steps.
        guide: its teacher, None for nobody.
        partner: (N,) permutation of the permuted-targets control, None for no permutation.
    """

    def __init__(self, trial: Trial, plan: StagePlan, steps: int, guide: Fixed | None, partner: Tensor | None) -> None:
        """Makes the learners, the order of the samples and the optimisers."""
        self.trial, self.plan, self.steps = trial, plan, steps
        self.students = trial.students_of(plan)
        rows = trial.rows_of(plan)
        self.validation = trial.shown(plan, trial.validation)
        self.loader = Loader(trial.shown(plan, trial.train), rows, trial.budget.batch_size, trial.augment, partner)
        self.epochs = -(-steps // trial.epoch_steps)
        averages = Averages(len(trial.train.labelled) == len(trial.train), trial.class_weights)
        with trial.streams.using("method"):
            self.updater = Updater(
                trial.method, self.students, guide, trial.budget, plan, device=trial.device, averages=averages
            )
        learner, moved = self.students[plan.learner], self.updater.moved
        self.updater.probes = self.probes = Probes(trial.method, learner, moved, trial.kind.name)
        self.teacher_says: Tensor | None = None

    def run(self, save: Callable[[int], None], first_epoch: int = 0) -> Iterator[events.Event]:
        """The stage from an epoch on; ``save(epochs done)`` is called after each."""
        trial, plan = self.trial, self.plan
        trial.method.stage = plan.name
        trial.method.train()
        for student in self.students.values():
            student.train()
        yield self._event(events.Stage, steps=self.steps, epochs=self.epochs)
        yield from self._hear_teacher()
        for epoch in range(first_epoch, self.epochs):
            done = epoch * trial.epoch_steps
            yield from self._epoch(done, min(trial.epoch_steps, self.steps - done))
            self.updater.check_everything()
            yield from self._validate()
            save(epoch + 1)
        if not self.epochs:
            yield from self._validate()

    def _epoch(self, done: int, count: int) -> Iterator[events.Event]:
        trial, party, every = self.trial, self.plan.learner, spacing(self.trial.steps)
        for index, batch in enumerate(self.loader.epoch(count, trial.streams)):
            step = trial.done.get(party, 0) + 1
            yield from self._changes(step)
            trial.method.schedule(min((step - 1) / trial.steps, 1.0))
            threads.use(trial.threads)  # another run may have set them since the last step
            if every and (step - 1) % every == 0:
                self.probes.watch(everything=not self._knows(named.TEMPERATURE_EXPONENT))
            with trial.streams.using("noise"):
                terms = self.updater.step(batch, (done + index) / self.steps, step)
            trial.done |= dict.fromkeys(self.students, step)
            trial.history.add(self._prefix("terms"), step, terms)
            yield self._event(events.Step, step=step, terms=terms)
            if self.probes.watching or self.probes.news:
                yield from self._probed(step)

    def _changes(self, step: int) -> Iterator[events.Event]:
        for name, value in self.trial.controls.take(self.plan.learner, step).items():
            self.trial.method.change(name, value)
            self.trial.changes.append({"party": self.plan.learner, "step": step, "name": name, "value": value})
            yield self._event(events.Changed, step=step, name=name, value=value)

    def _validate(self) -> Iterator[events.Event]:
        trial = self.trial
        epoch = trial.epochs.get(self.plan.learner, 0) + 1
        trial.epochs |= dict.fromkeys(self.students, epoch)
        step, scores, counts = trial.done.get(self.plan.learner, 0), {}, None
        for party, student in self.students.items():
            deployed = trial.method.deployed(student)
            outputs = yield from self._outputs(deployed, party)
            scores[party] = score(trial.kind, outputs, self.validation.known_labels, party)
            self._remember(party, deployed, scores[party], epoch)
            if party == self.plan.learner:
                yield from self._agreement(outputs, step)
                if trial.kind.name == "classification":
                    counts = yield from self._confusion(deployed, outputs)
        trial.history.add("validation", step, scores)
        with torch.no_grad(), trial.streams.using("method"):
            trial.method.after_epoch(self.students[self.plan.learner], counts)
            if self.updater.guide is not None:
                self.updater.guide.after_epoch(self.students[self.plan.learner])
        yield self._event(events.Epoch, epoch=epoch, step=step, scores=scores)

    def _confusion(self, deployed: nn.Module, outputs: Tensor) -> Generator[events.Event, None, Tensor]:
        """Confusion matrix of the learner on validation samples or, for a method that ``leaks_test``, on test samples."""
        test, labels = self.trial.test, self.validation.known_labels
        if test is not None:
            test = self.trial.shown(self.plan, test)
            labels, outputs = test.known_labels, (yield from self._outputs(deployed, self.plan.learner, test))
        return confusion(outputs, labels, self.trial.classes)

    def _agreement(self, outputs: Tensor, step: int) -> Iterator[events.Event]:
        if self.teacher_says is None:
            return
        value = float(self.trial.kind.agreement(outputs, self.teacher_says, self.validation.known_labels))
        yield from self._measured({"agreement": value}, step)

    def _probed(self, step: int) -> Iterator[events.Event]:
        values, trouble = self.probes.taken()
        yield from self._measured(values, step)
        if trouble:
            yield self._event(events.Warning, message=trouble)

    def _measured(self, values: dict[str, float], step: int) -> Iterator[events.Event]:
        self.trial.history.add(self._prefix("probe"), step, values)
        for name, value in values.items():
            yield self._event(events.Probe, name=name, step=step, value=value)

    def _knows(self, name: str) -> bool:
        return f"{self._prefix('probe')}/{name}" in self.trial.history.points

    def _hear_teacher(self) -> Iterator[events.Event]:
        """What the teacher says about the validation samples, for the live agreement, and how well that does."""
        trial, teachers = self.trial, self.trial.teachers_of(self.plan)
        if trial.method.reads_teacher and not self._knows(named.TEACHER_TRAINING):
            found = habits(self._with_inputs(teachers))
            yield from self._measured(found, trial.done.get(self.plan.learner, 0))
            if message := about_habits(found):
                yield self._event(events.Warning, message=message)
        if len(teachers) != 1 or len(self.students) != 1 or not self.validation.paired:
            return
        says = yield from self._outputs(teachers[0], self.plan.learner, teacher=True)
        if says.shape[1:] != layout(trial.method.deployed(self.students[self.plan.learner]), self.validation):
            return
        self.teacher_says, value = says, score(trial.kind, says, self.validation.known_labels, "teacher")
        if trial.kind.name == "classification" and not self._knows(named.TEACHER_RIGHT):
            found = relabelled(confusion(says, self.validation.known_labels, trial.classes))
            names = (named.TEACHER_RIGHT, named.TEACHER_RELABELLED, named.TEACHER_ASKED)
            yield from self._measured(dict(zip(names, found, strict=True)), trial.done.get(self.plan.learner, 0))
        yield self._event(events.Probe, name=str(self.plan.teacher), step=0, value=value)

    def _with_inputs(self, teachers: list[nn.Module]) -> list[tuple[nn.Module, TransferSet]]:
        """Each teacher with the training samples whose inputs it is shown."""
        train, sides = self.trial.train, self.trial.teacher_sides(self.plan)
        views = (train.as_student_sees() if side == "student" else train for side in sides)
        return list(zip(teachers, views, strict=True)) if len(sides) == len(teachers) else []

    def _outputs(
        self, model: nn.Module, party: str, data: TransferSet | None = None, *, teacher: bool = False
    ) -> Generator[events.Event, None, Tensor]:
        pieces = predict(model, data or self.validation, teacher=teacher)
        step = self.trial.done.get(party, 0)
        return reported(pieces, party=party, stage=self.plan.name, name="evaluating", step=step)

    def _remember(self, party: str, deployed: nn.Module, value: float, epoch: int) -> None:
        best = self.trial.best.get(party)
        sign = 1 if self.trial.kind.higher_is_better else -1
        if best is None or sign * value >= sign * best["score"]:  # of equals the longer trained
            state = {name: tensor.clone() for name, tensor in deployed.state_dict().items()}
            self.trial.best[party] = {"score": value, "epoch": epoch, "state": state}

    def _prefix(self, kind: str) -> str:
        return kind if self.plan.learner == "student" else f"{self.plan.learner}/{kind}"

    def _event(self, kind: type[events.Event], **values: Any) -> events.Event:
        return kind(party=self.plan.learner, stage=self.plan.name, **values)
