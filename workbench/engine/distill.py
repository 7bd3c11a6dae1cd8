"""One distillation, from teacher to scored student, as a generator of events."""

from __future__ import annotations

import platform
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.engine import threads
from workbench.engine.cautions import about_outputs, about_teacher
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.evaluate import predict, reported, score
from workbench.engine.fitting import fit_student
from workbench.engine.identity import Known, address, asked, known
from workbench.engine.ledger.ledger import Ledger, metered
from workbench.engine.ledger.spending import WARM_UP, stage_of, warm_up
from workbench.engine.measuring import measured
from workbench.engine.protocols import run_stages, stage_steps
from workbench.engine.rehearsal import rehearse
from workbench.engine.revival import Revival
from workbench.engine.sizes import larger_student
from workbench.engine.streams import Streams
from workbench.engine.teacher.acquire import teacher_of
from workbench.engine.teacher.select import outputs_of
from workbench.engine.training.finiteness import NotFinite
from workbench.engine.training.keeper import Keeper
from workbench.engine.training.trial import Trial, trial_of
from workbench.methods.catalog import as_method, check_task
from workbench.methods.method import Method
from workbench.models.copies import copied
from workbench.models.learners import as_teacher
from workbench.models.size import parameters
from workbench.records import events
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.budget import Budget, budget_of
from workbench.records.code import identity_of
from workbench.records.files import file_name
from workbench.records.plan import StagePlan
from workbench.records.run import Run, Scores
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
    own, budget = copied(method), budget_of(budget, setting.budget)
    distillation = Distillation(setting, own, budget, seed, conditions or Conditions(), about)
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

    def run(self, controls: Controls) -> Generator[events.Event, None, None]:
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
                if isinstance(event, events.Warning) and self.trial and event.message not in self.trial.warnings:
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
        run = yield from finish(self, trial)
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


def finish(distillation: Distillation, trial: Trial) -> Iterator[Any]:
    """Score every party on test, at its last epoch and at the one validation chose; returns the run.

    A teacher whose outputs have another layout than the student's cannot be scored on the student's labels.
    """
    everything = distillation.setting.test.to(trial.device)
    scores, predictions, models = {}, {}, {}
    for party in [name for name in trial.parties if name != "teacher" or name in trial.learners]:
        model, test = _scored(distillation.method, trial, party), trial.seen_by(party, everything)
        outputs, cost = yield from metered(_outputs(model, test, party), "evaluation", _who(party))
        trial.ledger.served(party, cost, new=True)
        models[party] = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        selected = yield from _selected(trial, party, model, test, outputs)
        last = float(trial.history.points[f"validation/{party}"][1][-1])
        epoch = trial.best[party]["epoch"] if party in trial.best else trial.epochs[party]
        scores[party] = Scores(score(trial.kind, outputs, test.known_labels, party), selected, last, epoch)
        predictions[party] = outputs.cpu().numpy()
    if "teacher" not in scores and everything.paired:
        outputs = yield from outputs_of(trial.parties["teacher"], everything, distillation.conditions, serving=True)
        if outputs.shape == predictions["student"].shape:
            try:
                scores["teacher"] = yield from _score_of_teacher(distillation, trial, outputs)
                predictions["teacher"] = outputs.cpu().numpy()
            except NotFinite as error:
                yield events.Warning(party="teacher", message=f"the teacher has no score: {error}")
    deployed = {party: _scored(distillation.method, trial, party) for party in trial.parties}
    measures = yield from measured(distillation.setting, deployed, distillation.seed)
    return _run(distillation, trial, scores, predictions, models, measures)


def _score_of_teacher(distillation: Distillation, trial: Trial, outputs: Tensor) -> Iterator[Any]:
    teacher, labels = trial.parties["teacher"], distillation.setting.test.known_labels
    valid = yield from outputs_of(teacher, trial.validation, distillation.conditions, serving=True)
    value = score(trial.kind, outputs, labels.to(outputs.device), "teacher")
    return Scores(value, value, score(trial.kind, valid, trial.validation.known_labels, "teacher"), 0)


def _scored(method: Method, trial: Trial, party: str) -> nn.Module:
    """What is scored, counted and saved of a party."""
    model = as_teacher(trial.parties[party])
    return method.deployed(model) if party in trial.learners else model


def _selected(trial: Trial, party: str, model: nn.Module, test: Any, outputs: Tensor) -> Iterator[Any]:
    best = trial.best.get(party)
    if best is None or best["epoch"] == trial.epochs[party]:
        return score(trial.kind, outputs, test.known_labels, party)
    last = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(best["state"])
    chosen = yield from _outputs(model, test, party)
    model.load_state_dict(last)
    return score(trial.kind, chosen, test.labels, party)


def _outputs(model: nn.Module, data: Any, party: str) -> Generator[events.Event, None, Tensor]:
    return reported(predict(model, data), party=party, name="scoring", step=0)


def _run(distillation: Distillation, trial: Trial, scores: Any, predictions: Any, models: Any, measures: Any) -> Run:
    identity, changes, test = distillation.identity, tuple(trial.changes), distillation.setting.test
    moved = f"-live-{address({'changes': changes})}" if changes else ""
    return Run(
        id=distillation.id + moved,
        setting=identity["setting"],
        method=identity["method"],
        budget=distillation.budget,
        seed=distillation.seed,
        control=distillation.conditions.control,
        scores=scores,
        curves=trial.history.curves(),
        predictions=predictions,
        test_ids=test.ids.cpu().numpy(),
        test_labels=test.labels.cpu().numpy(),
        models=models,
        changes=changes,
        facts={**_facts(distillation, trial, predictions), "measures": measures},
        leaks_test=distillation.method.leaks_test,
        reviver=Revival(distillation.conditions.folder, distillation.setting, distillation.untrained),
    )


def _facts(distillation: Distillation, trial: Trial, predictions: dict[str, np.ndarray]) -> dict[str, Any]:
    agreement = None
    if "teacher" in predictions:
        student, teacher = (torch.from_numpy(predictions[party]) for party in ("student", "teacher"))
        agreement = float(trial.kind.agreement(student, teacher, distillation.setting.test.labels.cpu()))
    sizes = {party: parameters(_scored(distillation.method, trial, party)) for party in trial.parties}
    return {
        "teacher": distillation.identity["teacher"],
        "teacher_seed": distillation.conditions.teacher_seed,
        "agreement": agreement,
        "parameters": sizes,
        "steps": dict(trial.done),
        "epochs": dict(trial.epochs),
        "batch_size": trial.budget.batch_size,
        "seconds": time.monotonic() - distillation.started,
        "score": trial.kind.score,
        "class_names": list(distillation.setting.class_names),
        "device": str(trial.device),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "workbench": version("kd-workbench"),
        "finished": time.time(),
        "warnings": list(trial.warnings),
        "energy": _energy(distillation, trial),
    }


def _energy(distillation: Distillation, trial: Trial) -> dict[str, Any]:
    trial.ledger.charge("evaluation")
    return trial.ledger.record(reads_teacher=distillation.method.reads_teacher)


def _who(party: str) -> str:
    return "teacher" if party == "teacher" else "student"
