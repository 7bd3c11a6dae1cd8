"""One distillation, from teacher to scored student, as a generator of events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbench.engine import checkpoint, scoring
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.fitting import FitRunner
from workbench.engine.identity import address
from workbench.engine.protocols import stage_steps
from workbench.engine.stage import StageRunner
from workbench.engine.streams import Streams
from workbench.engine.teaching import guide_for, teacher_identity, teacher_of
from workbench.engine.terms import NotFinite
from workbench.engine.trial import Trial, trial_of
from workbench.methods.method import Method
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.plan import StagePlan
from workbench.records.run import Run
from workbench.settings.checks import check_models
from workbench.settings.setting import Setting

CHECKPOINT_EVERY = 1.0
"""Seconds: a run is checkpointed at the end of an epoch, but runs of very short epochs not more often than this."""


class DistillationFailed(RuntimeError):
    """The run stopped with an error; the message says where and why."""


def distill(
    setting: Setting,
    method: Method,
    budget: Budget | None = None,
    seed: int = 0,
    conditions: Conditions | None = None,
    controls: Controls | None = None,
) -> Iterator[events.Event]:
    """Train the teacher if it must be, then the student; stop by no longer asking.

    Args:
        setting: data, teacher, student and score.
        method: what the student is asked to match; it is changed by training.
        budget: of the student; the setting's by default.
        seed: of the student; same seed, same weights, bit by bit on one machine and thread count.
        conditions: control, device, folder.
        controls: moved by another thread while this one runs.

    Yields:
        Events; the last one is ``Finished`` with the run, or ``Failed``.

    Raises:
        ValueError: setting and method do not fit together; before anything is trained.
    """
    distillation = Distillation(setting, method, budget or setting.budget, seed, conditions or Conditions())
    try:
        yield from distillation.run(controls or Controls(method))
    except NotFinite as error:
        yield events.Failed(message=str(error))


def collect(run: Iterator[events.Event]) -> Run:
    """Run to the end.

    Raises:
        DistillationFailed: it failed.
    """
    for event in run:
        if isinstance(event, events.Failed):
            raise DistillationFailed(event.message)
        if isinstance(event, events.Finished):
            return event.run
    raise DistillationFailed("the run ended without a result")


class Distillation:
    """What stays the same during one run."""

    def __init__(self, setting: Setting, method: Method, budget: Budget, seed: int, conditions: Conditions) -> None:
        """Works out the run's identity."""
        self.setting, self.method, self.budget, self.seed = setting, method, budget, seed
        self.conditions, self.device = conditions, conditions.where()
        self.trial: Trial | None = None
        self.started, self.saved_at = time.monotonic(), -CHECKPOINT_EVERY
        self.identity = {
            "setting": setting.identity(),
            "method": {"name": method.name, "config": method.config()},
            "budget": budget.to_dict(),
            "seed": seed,
            "control": conditions.control,
            "teacher": teacher_identity(setting, conditions.teacher_seed),
        }
        self.id = f"{setting.name}-{method.name}-s{seed}-{address(self.identity)}"

    @property
    def checkpoint_path(self) -> Path:
        """Where the run can be resumed from."""
        return self.conditions.home() / "checkpoints" / f"{self.id}.safetensors"

    def run(self, controls: Controls) -> Iterator[events.Event]:
        """All events of the run."""
        saved = self._saved()
        trial = trial_of(self.setting, self.method, self.budget, Streams(self.seed, self.device), controls)
        trial.control = self.conditions.control
        self.trial = trial
        yield events.Started(
            run_id=self.id,
            setting=self.setting.name,
            method=self.method.name,
            seed=self.seed,
            steps=trial.steps,
            resumed_at=saved["done"].get("student", 0) if saved else 0,
        )
        trial.parties["teacher"] = yield from teacher_of(self.setting, self.conditions)
        plans = self._prepare(trial)
        if not isinstance(trial.parties["student"], nn.Module):
            yield from FitRunner(trial, plans).run()
        else:
            yield from self._stages(trial, plans, saved)
        yield from self._finish(trial)

    def _saved(self) -> dict[str, Any] | None:
        if not (self.conditions.checkpoint and self.checkpoint_path.exists()):
            return None
        return checkpoint.load(self.checkpoint_path)

    def _prepare(self, trial: Trial) -> tuple[StagePlan, ...]:
        with trial.streams.initialising("student"):
            student = self.setting.make_student()
        teacher = trial.parties["teacher"]
        check_models(self.setting, teacher.cpu() if self.device.type == "cuda" else teacher, student)
        teacher.to(self.device)
        if not isinstance(student, nn.Module):
            trial.parties["student"] = student
            return (StagePlan(),)
        trial.students_of(StagePlan())
        trial.build(trial.parties["student"], teacher if self.method.reads_teacher else None)
        return self.method.stages(trial.facts)

    def _stages(self, trial: Trial, plans: tuple[StagePlan, ...], saved: dict[str, Any] | None) -> Iterator[Any]:
        lengths = stage_steps(plans, trial.steps)
        for index, (plan, steps) in enumerate(zip(plans, lengths, strict=True)):
            if steps == 0:
                yield events.Warning(
                    stage=plan.name, message=f"stage {plan.name!r} is skipped: the budget is too short"
                )
                continue
            if saved and index < saved["stage"]:
                trial.students_of(plan)
                continue
            here = saved if saved and index == saved["stage"] else None
            yield from self._stage(trial, index, plan, steps, here)

    def _stage(self, trial: Trial, index: int, plan: StagePlan, steps: int, saved: Any) -> Iterator[events.Event]:
        learners = trial.students_of(plan)
        teachers = trial.teachers_of(plan)
        trial.build(learners[plan.learner], teachers[0] if teachers else None)
        if saved:
            self._restore(trial, saved)
        partner = self._partner(trial)
        guide = yield from guide_for(trial, plan, self.conditions, partner)
        runner = StageRunner(trial, replace(plan, start="continue"), steps, guide, partner)
        if saved:
            runner.updater.restore(saved["updater"])
            if guide is not None:
                guide.restore(saved["guide"])
            trial.streams.restore(saved["streams"])

        def save(epochs: int) -> None:
            if self.conditions.checkpoint and time.monotonic() - self.saved_at > CHECKPOINT_EVERY:
                checkpoint.save(self._state(trial, runner, index, epochs), self.checkpoint_path)
                self.saved_at = time.monotonic()

        yield from runner.run(save, saved["epoch"] if saved else 0)

    def _state(self, trial: Trial, runner: StageRunner, index: int, epochs: int) -> dict[str, Any]:
        guide = runner.updater.guide
        return {
            "stage": index,
            "epoch": epochs,
            "parties": {name: dict(model.state_dict()) for name, model in trial.parties.items() if name != "teacher"},
            "method": dict(self.method.state_dict()),
            "config": self.method.config(),
            "updater": runner.updater.state(),
            "guide": {} if guide is None else guide.state(),
            "streams": trial.streams.state(),
            "history": trial.history.state(),
            **{name: getattr(trial, name) for name in ("best", "done", "epochs", "changes")},
        }

    def _restore(self, trial: Trial, saved: dict[str, Any]) -> None:
        for name, state in saved["parties"].items():
            trial.parties[name].load_state_dict(state)
        self.method.load_state_dict(saved["method"])
        for change in saved["changes"]:
            self.method.change(change["name"], change["value"])
        trial.history.restore(saved["history"])
        for name in ("best", "done", "epochs", "changes"):
            setattr(trial, name, saved[name])

    def _partner(self, trial: Trial) -> Tensor | None:
        """For permuted targets: another sample's row for every row, drawn from the method's stream."""
        if self.conditions.control != "permuted_targets":
            return None
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(trial.train), generator=generator)
        partner = torch.empty_like(order)
        partner[order] = order.roll(1)
        return partner.to(self.device)

    def _finish(self, trial: Trial) -> Iterator[events.Event]:
        run = yield from scoring.finish(self, trial)
        self.checkpoint_path.unlink(missing_ok=True)
        yield events.Finished(run=run)
