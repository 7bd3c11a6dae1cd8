"""One distillation, from teacher to scored student, as a generator of events."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from torch import nn

from workbench.engine import scoring, threads
from workbench.engine.cautions import about_outputs, about_teacher
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.fitting import fit_student
from workbench.engine.identity import Known, address, asked, known
from workbench.engine.ledger.ledger import Ledger
from workbench.engine.ledger.spending import WARM_UP, stage_of, warm_up
from workbench.engine.protocols import run_stages, stage_steps
from workbench.engine.rehearsal import rehearse
from workbench.engine.sizes import larger_student
from workbench.engine.streams import Streams
from workbench.engine.teacher.teaching import teacher_of
from workbench.engine.training.finiteness import NotFinite
from workbench.engine.training.keeper import Keeper
from workbench.engine.training.trial import Trial, trial_of
from workbench.methods.catalog import as_method, check_task
from workbench.methods.method import Method
from workbench.models.copies import copied
from workbench.records import events
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.budget import Budget, budget_of
from workbench.records.code import identity_of
from workbench.records.files import file_name
from workbench.records.plan import StagePlan
from workbench.records.run import Run
from workbench.settings.catalog import as_setting
from workbench.settings.setting import Setting

_rehearsed: set[str] = set()
"""The addresses of what was found to work in this process, whatever the seed."""


class DistillationFailed(RuntimeError):
    """The run stopped with an error; the message says where and why."""


@checked_arguments
def distill(
    setting: Setting | type[Setting] | str,
    method: Method | type[Method] | str,
    budget: Budget | None = None,
    seed: Seed = 0,
    conditions: Conditions | None = None,
    controls: Controls | None = None,
    about: Known | None = None,
) -> Iterator[events.Event]:
    """Train the teacher if it must be, then the student; stop by no longer asking.

    Args:
        setting: data, teacher, student and score, or its name.
        method: what the student is asked to match, or its name; trained is a copy.
        budget: of the student; the setting's by default.
        seed: of the student; same seed, same weights, bit by bit on one machine and thread count.
        conditions: control, device, folder.
        controls: of the method; moved by another thread while this one runs.
        about: the identity of the setting and its teacher, if it is worked out already.

    Yields:
        Events; the last one is ``Finished`` with the run, or ``Failed``.

    Raises:
        ValueError: setting and method do not fit together; before anything is trained.
    """
    setting, method = as_setting(setting), as_method(method)
    own, budget, conditions = copied(method), budget_of(budget, setting.budget), conditions or Conditions()
    distillation = Distillation(setting, own, budget, seed, conditions, about)
    try:
        yield from distillation.run(controls or Controls(method))
    except NotFinite as error:
        yield events.Failed(stage=error.details["stage"], message=str(error), details=error.details)


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
    """What stays the same during one run.

    Args:
        setting: data, teacher, student and score.
        method: changed by training.
        budget: of the student.
        seed: of the student.
        conditions: control, device, folder.
        about: the identity of the setting and its teacher; worked out if None.

    Attributes:
        id: content address of all of these.
        untrained: a copy of the method as it was given.
        unaddressed: what in them cannot be told apart, in words; the id is then another one each time.
        trial: the run's state while it goes on.
        ledger: what it has cost so far.

    Raises:
        ValueError: the method does not work on the setting's task, or models share weights that must be apart.
    """

    def __init__(
        self,
        setting: Setting,
        method: Method,
        budget: Budget,
        seed: int,
        conditions: Conditions,
        about: Known | None = None,
    ) -> None:
        """Works out the run's identity."""
        check_task(setting.task, method)
        self.setting, self.method, self.budget, self.seed = setting, method, budget, seed
        self.untrained = copied(method)
        self.conditions, self.started = conditions, time.monotonic()
        self.trial: Trial | None = None
        self.ledger = Ledger()
        teacher_seed, own = conditions.teacher_seed, identity_of((method, budget))
        about = about or known(setting, [teacher_seed])[teacher_seed]
        self.unaddressed = (*about.unaddressed, *own.unaddressed)
        self.identity = {
            "setting": about.setting,
            "method": asked(method),
            "budget": budget.to_dict(),
            "own": own.digest,
            "seed": seed,
            "control": conditions.control,
            "teacher": about.teacher,
        }
        names = f"{file_name(setting.name)}-{file_name(method.name)}"
        self.id = f"{names}-s{seed}-{address(self.identity)}"

    @property
    def checkpoint_path(self) -> Path:
        """Where the run can be resumed from."""
        return self.conditions.home() / "checkpoints" / f"{file_name(self.id)}.safetensors"

    def run(self, controls: Controls) -> Iterator[events.Event]:
        """All events of the run; its checkpoint goes when nobody waits for an event after ``Finished`` any more.

        Raises:
            ValueError: the models do not fit the data or the method; before anything is trained.
            NotFinite: a loss term, a weight or an output is NaN or infinite.
        """
        self.ledger = Ledger()
        with threads.using(self.setting.threads):
            yield from self.ledger.watch(self._noting(self._run(controls)), stage_of)

    def _noting(self, stream: Generator[events.Event, None, None]) -> Generator[events.Event, None, None]:
        """The same events; what they warn of is kept with the run."""
        with closing(stream):
            for event in stream:
                if isinstance(event, events.Warning) and event.message not in self.trial.warnings:
                    self.trial.warnings.append(event.message)
                yield event

    def _run(self, controls: Controls) -> Generator[events.Event, None, None]:
        if warm_up():
            self.ledger.charge(WARM_UP)
        keeper = Keeper(
            self.checkpoint_path if self.conditions.checkpoint and not self.unaddressed else None,
            self.conditions.trusts,
        )
        streams = Streams(self.seed, self.conditions.where())
        self.trial = trial = trial_of(self.setting, self.method, self.budget, streams, controls)
        trial.control, trial.ledger = self.conditions.control, self.ledger
        done = keeper.saved["done"].get("student", 0) if keeper.saved else 0
        about = {"run_id": self.id, "setting": self.setting.name, "method": self.method.name, "seed": self.seed}
        yield events.Started(**about, steps=trial.steps, resumed_at=done)
        if self.unaddressed:
            yield events.Warning(party="student", message=_afresh(self.unaddressed))
        self._check()
        yield from (events.Warning(message=message) for message in self.setting.warnings)
        trial.parties["teacher"] = yield from teacher_of(self.setting, self.conditions, self.identity["teacher"])
        if self.method.reads_teacher:
            for message in about_teacher(self.setting, trial.parties["teacher"]):
                yield events.Warning(party="teacher", message=message)
        yield from self._train(trial, keeper)
        run = yield from scoring.finish(self, trial)
        try:
            yield events.Finished(run=run)
        finally:
            keeper.forget()

    def _check(self) -> None:
        """Everything that can be refused is refused now, on copies, before hours are spent on a teacher.

        What worked with one seed is not tried again with another: this has the same code and state.
        """
        but_for_the_seed = address(self.identity | {"seed": None})
        if but_for_the_seed not in _rehearsed:
            rehearse(self.setting, self.method, self.budget, self.conditions, self.seed)
            _rehearsed.add(but_for_the_seed)

    def _train(self, trial: Trial, keeper: Keeper) -> Iterator[events.Event]:
        with trial.streams.initialising("student"):
            student = self.setting.make_student()
        if not isinstance(student, nn.Module):
            trial.parties["student"] = student
            yield from fit_student(trial, self.conditions)
            return
        if self.method.reads_teacher and (trouble := larger_student(student, trial.parties["teacher"])):
            yield events.Warning(party="student", message=trouble)
        if self.method.relates_samples and trial.train.weight is not None:
            about = "compares the samples of a batch with each other: a sample's weight scales its own share only"
            yield events.Warning(party="student", message=f"{self.method.name} {about}")
        student = trial.students_of(StagePlan())["student"]
        trial.build(student, trial.parties["teacher"] if self.method.reads_teacher else None)
        for message in about_outputs(
            "student", self.method.deployed(student).eval(), self.setting.validation, self.setting.task
        ):
            yield events.Warning(party="student", message=message)
        with trial.streams.using("method"):
            plans = self.method.stages(trial.facts)
        yield from run_stages(trial, plans, stage_steps(plans, trial.steps), self.conditions, keeper)


def _afresh(unaddressed: tuple[str, ...]) -> str:
    return (
        f"computed afresh, since nothing says whether this is what it was in an earlier run: {'; '.join(unaddressed)}; "
        "make it inside the function that uses it, or keep plain values and arrays instead"
    )
