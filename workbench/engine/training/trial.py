"""The state of one run while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.data.transfer import Augment, TransferSet
from workbench.engine.controls import Controls
from workbench.engine.ledger.ledger import Ledger
from workbench.engine.streams import Streams
from workbench.engine.training.loader import steps_per_epoch
from workbench.maths.tasks import Task
from workbench.methods.method import Method
from workbench.models.copies import copied
from workbench.records.batch import Batch
from workbench.records.budget import Budget
from workbench.records.plan import Facts, StagePlan
from workbench.records.run import Curve
from workbench.settings.setting import Setting


class History:
    """Named quantities over student steps."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.points: dict[str, tuple[list[int], list[float]]] = {}

    def add(self, prefix: str, step: int, values: Mapping[str, float]) -> None:
        """One value of each name at a step."""
        for name, value in values.items():
            steps, numbers = self.points.setdefault(f"{prefix}/{name}", ([], []))
            steps.append(step)
            numbers.append(value)

    def curves(self) -> dict[str, Curve]:
        """As arrays."""
        return {name: Curve(np.array(steps), np.array(values)) for name, (steps, values) in self.points.items()}

    def state(self) -> dict[str, Any]:
        """As arrays in plain tuples."""
        return {name: (np.array(steps), np.array(values)) for name, (steps, values) in self.points.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.points = {name: (list(steps.tolist()), list(values.tolist())) for name, (steps, values) in state.items()}


@dataclass
class Trial:
    """Everything a stage needs to know and may change; it holds no test data, unless the method ``leaks_test``.

    Attributes:
        make_student: makes a new student under the current random state.
        threads: to compute with, None for any number.
        test: test samples, for a method that ``leaks_test`` and is marked for it; None for all others.
        control: what is done to the teacher's answers, as in ``Conditions``.
        class_weights: (C,) of the classes in the labels' term, None for equal ones.
        parties: every model of the run by name; ``teacher`` among them.
        learners: the parties that have been made to learn.
        sides: by party, whose inputs it was trained on and is shown: ``student`` or ``teacher``.
        best: by party, the validation score, epoch and weights that were best so far.
        done: optimiser steps so far, by party.
        epochs: validations so far, by party.
        changes: controls moved so far.
        warnings: what was warned of so far, each once.
        built_for: the (learner, teacher) pair the method was built for.
        ledger: what it has cost so far.
    """

    method: Method
    budget: Budget
    device: torch.device
    train: TransferSet
    validation: TransferSet
    test: TransferSet | None
    augment: Augment | None
    kind: Task
    classes: int
    make_student: Callable[[], Any]
    streams: Streams
    controls: Controls
    threads: int | None = None
    control: str = "none"
    class_weights: Tensor | None = None
    parties: dict[str, nn.Module] = field(default_factory=dict)
    learners: set[str] = field(default_factory=set)
    sides: dict[str, str] = field(default_factory=lambda: {"teacher": "teacher"})
    history: History = field(default_factory=History)
    best: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    built_for: tuple[Any, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def facts(self) -> Facts:
        """What a method may know."""
        return Facts(len(self.train), self.classes, self.steps, self.budget.epochs, self.kind.name)

    @property
    def steps(self) -> int:
        """Optimiser steps of the student over all stages."""
        return self.budget.epochs * self.epoch_steps

    @property
    def epoch_steps(self) -> int:
        """Optimiser steps in one pass over the transfer set."""
        return steps_per_epoch(self.train, self.budget.batch_size)

    def students_of(self, plan: StagePlan) -> dict[str, nn.Module]:
        """The models that learn in a stage, by party; made and prepared where they do not exist yet."""
        names = [plan.learner, *(f"peer_{k}" for k in range(1, self.method.students))]
        for name in names:
            if name not in self.parties or plan.start == "fresh":
                self.parties[name] = self._new(name, plan)
        if isinstance(plan.start, Mapping):
            self._blend(plan, plan.start)
        self.learners |= set(names)
        self.sides |= dict.fromkeys(names, plan.inputs)
        return {name: self.parties[name] for name in names}

    def _new(self, name: str, plan: StagePlan) -> nn.Module:
        with self.streams.initialising(name):
            factory = plan.factory if name == plan.learner else None
            made = copied(factory()) if factory else self.make_student()  # it may be somebody's own model
        with self.streams.using("method"):
            return self.method.prepare(made).to(self.device)

    @torch.no_grad()
    def _blend(self, plan: StagePlan, shares: Mapping[str, float]) -> None:
        """The learner becomes the weighted average of parties; counts among its buffers are rounded."""
        total = sum(shares.values())
        states = {name: self._party(name, plan).state_dict() for name in shares}
        for key, tensor in self.parties[plan.learner].state_dict().items():
            parts = [states[name][key].double() * (share / total) for name, share in shares.items()]
            mixed = reduce(add, parts)
            tensor.copy_(mixed if tensor.is_floating_point() else mixed.round())

    # --- which inputs a model is shown -----------------------------------------------------------------------------
    def teacher_sides(self, plan: StagePlan) -> tuple[str, ...]:
        """Whose inputs each teacher of a stage is shown, by what it was trained on.

        A copy that follows the student was trained as the student is. The student itself as its own teacher
        (``same_weights``) sees the teacher's inputs: that it does in another context is all it can teach.
        """
        source = self.method.teacher_source
        if source != "fixed":
            return ("teacher" if source == "same_weights" else "student",)
        return tuple(self.sides[name] for name in self._teacher_names(plan))

    def shown(self, plan: StagePlan, data: TransferSet) -> TransferSet:
        """Samples as a stage sees them: the teacher's inputs only where a teacher was trained on them."""
        if plan.inputs == "teacher":
            return data.as_teacher_sees()
        return data if "teacher" in self.teacher_sides(plan) else data.as_student_sees()

    def seen_by(self, party: str, data: TransferSet) -> TransferSet:
        """Samples whose inputs, as a student is shown them, are those that a party was trained on."""
        return data.as_teacher_sees() if self.sides.get(party) == "teacher" else data

    def teachers_of(self, plan: StagePlan) -> list[nn.Module]:
        """The models that teach in a stage.

        Raises:
            KeyError: a party that does not exist yet.
        """
        return [self._party(name, plan) for name in self._teacher_names(plan)]

    @staticmethod
    def _teacher_names(plan: StagePlan) -> tuple[str, ...]:
        return () if plan.teacher is None else (plan.teacher,) if isinstance(plan.teacher, str) else plan.teacher

    def _party(self, name: str, plan: StagePlan) -> nn.Module:
        if name not in self.parties:
            raise KeyError(f"stage {plan.name!r} asks for {name!r}; there are {', '.join(self.parties)}")
        return self.parties[name]

    def build(self, student: nn.Module, teacher: nn.Module | None, plan: StagePlan | None = None) -> None:
        """Let the method make what depends on this pair: once, or for each pair if it reads their layers."""
        if self.built_for and (self.built_for == (student, teacher) or not self._reads_layers):
            return
        for model in (student, teacher):
            if model is not None:
                model.eval()
        example = self.example(plan or StagePlan(teacher=None if teacher is None else "teacher"))
        with self.streams.using("method"):
            self.method.build(student, teacher, example, self.facts)
        self.method.to(self.device)
        self.built_for = (student, teacher)

    @property
    def _reads_layers(self) -> bool:
        return bool(self.method.student_layers or self.method.teacher_layers)

    def example(self, plan: StagePlan) -> Batch:
        """A few samples as a stage sees them, for shapes."""
        data = self.shown(plan, self.train)
        return data.batch(torch.arange(min(4, len(data)), device=self.device))

    def rows_of(self, plan: StagePlan) -> Tensor:
        """The rows of the transfer set that take part in a stage.

        Raises:
            ValueError: there are none, or an id is not in the transfer set.
        """
        if isinstance(plan.data, str):
            rows = self.train.labelled if plan.data == "labelled" else torch.arange(len(self.train))
        else:
            ids, wanted = self.train.ids.cpu(), torch.as_tensor(plan.data)
            rows = torch.isin(ids, wanted).nonzero().squeeze(1)
            if len(rows) < len(wanted.unique()):
                unknown = wanted[~torch.isin(wanted, ids)].tolist()
                raise ValueError(f"stage {plan.name!r} asks for ids that are not in the data: {unknown[:5]} ...")
        if not len(rows):
            raise ValueError(f"stage {plan.name!r} has no samples to train on")
        return rows.to(self.device)


def trial_of(setting: Setting, method: Method, budget: Budget, streams: Streams, controls: Controls) -> Trial:
    """The state at the start of a run; test data stays behind in the setting, but for a method that ``leaks_test``."""
    device = streams.device
    return Trial(
        method=method,
        budget=budget,
        device=device,
        train=setting.train.weighed().to(device),
        validation=setting.validation.to(device),
        test=setting.test.to(device) if method.leaks_test else None,
        augment=setting.augment,
        kind=setting.kind,
        classes=setting.classes,
        make_student=setting.make_student,
        streams=streams,
        controls=controls,
        threads=setting.threads,
        class_weights=None if setting.class_weights is None else torch.tensor(setting.class_weights, device=device),
    )
