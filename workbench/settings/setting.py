"""A stage to play on: data, a teacher, a student and a score."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from workbench.data.convert import as_transfer_set
from workbench.data.split import stratified, uniform
from workbench.data.transfer import TransferSet
from workbench.functional.tasks import Task, task
from workbench.records.budget import Budget

Look = Literal["image", "points", "table", "series", "text"]


@dataclass(frozen=True)
class Recipe:
    """How a teacher comes about: a net and the budget it is trained with, on labels; the engine caches it.

    Attributes:
        factory: makes the untrained net; called under the teacher's seed.
        budget: of its training.
    """

    factory: Callable[[], nn.Module]
    budget: Budget = field(default_factory=Budget)


@dataclass(eq=False)
class Setting:
    """Data, teacher, student and score; your own, or the base of a named one.

    A validation split is taken from the labelled student data before anything else. The test set is only read when
    a trained model is scored.

    Args:
        train: what the student learns on: (inputs, labels), a Dataset, a DataFrame whose last column is the label, or
            a ``TransferSet``; samples labelled -1 are transfer inputs without a label.
        test: the same kind, all labelled.
        teacher: a ``Recipe``, a trained ``nn.Module``, a function of inputs to logits, or a scikit-learn classifier.
        student: a factory (called under each run's seed), or a module, of which every run trains a copy.
        name: shown in tables.
        task: classification, tokens, dense or regression.
        validation: share of the labelled data taken out for validation.
        teacher_train: labelled data the teacher recipe is trained on; by default the student's.
        budget: of the student, unless a run brings its own.
        augment: a function of (inputs, generator), applied to training batches.
        class_names: shown in figures; by default the numbers.
        look: how a sample is drawn.

    Raises:
        ValueError: shapes or labels do not fit together, or a class is missing.
    """

    train: Any
    test: Any
    teacher: Any
    student: Any
    name: str = "mine"
    task: str = "classification"
    validation: Any = 0.1
    teacher_train: Any = None
    budget: Budget = field(default_factory=Budget)
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None
    class_names: tuple[str, ...] = ()
    look: Look = "table"
    threads: int | None = None

    about: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Converts the data, checks it and takes the validation split out."""
        self.train, self.test = as_transfer_set(self.train), as_transfer_set(self.test)
        if self.teacher_train is not None:
            self.teacher_train = as_transfer_set(self.teacher_train)
        self._check_labels()
        if not isinstance(self.validation, TransferSet):
            self._split(self.validation)
        if self.teacher_train is None:
            self.teacher_train = self.train.subset(self.train.labelled)
        self.class_names = self.class_names or tuple(str(k) for k in range(self.classes))

    def _check_labels(self) -> None:
        rows = self.train.labelled
        if self.train.labels is None or not len(rows):
            raise ValueError("the student's data has no label at all; at least two samples of each class are needed")
        if self.test.labels is None or len(self.test.labelled) < len(self.test):
            raise ValueError("every test sample needs a label")
        if self.task == "classification":
            seen = self.train.labels[rows].unique()
            if len(seen) < 2:
                raise ValueError(f"the student's labels hold one class only ({int(seen[0])}); at least two are needed")
            unseen = sorted(set(self.test.labels.unique().tolist()) - set(range(self.classes)))
            if unseen:
                raise ValueError(f"test labels {unseen} are outside the student's classes 0 .. {self.classes - 1}")

    def _split(self, share: float) -> None:
        rows = self.train.labelled
        labels = self.train.labels[rows]
        kept, taken = stratified(labels, share) if self.task == "classification" else uniform(len(rows), share)
        out = torch.zeros(len(self.train), dtype=torch.bool)
        out[rows[taken]] = True
        self.validation = self.train.subset(rows[taken])
        self.train = self.train.subset((~out).nonzero().squeeze(1))

    # --- what the engine asks ------------------------------------------------------------------------------------
    @property
    def kind(self) -> Task:
        """The task: layout, label loss and score."""
        return task(self.task)

    @property
    def classes(self) -> int:
        """Number of classes; 0 where the task has none."""
        if self.task == "regression":
            return 0
        if self.class_names:
            return len(self.class_names)
        labels = [part.labels for part in (self.train, self.teacher_train) if part is not None]
        return int(max(part.max() for part in labels)) + 1

    def make_student(self) -> nn.Module:
        """A new student: from the factory under the current random state, or a copy of the given module."""
        if isinstance(self.student, nn.Module) or hasattr(self.student, "get_params"):
            return copy.deepcopy(self.student)
        return self.student()

    @property
    def varies_initialisation(self) -> bool:
        """False if the student was given as a module, so that every seed starts from the same weights."""
        return not isinstance(self.student, nn.Module)

    def config(self) -> dict[str, Any]:
        """The constructor arguments of a named setting as plain values; empty for one's own."""
        if type(self) is Setting:
            return {}
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def identity(self) -> dict[str, Any]:
        """Name, configuration and data hashes: what makes two settings the same."""
        parts = {"train": self.train, "validation": self.validation, "teacher_train": self.teacher_train}
        return {
            "name": self.name,
            "config": self.config(),
            "task": self.task,
            "data": {part: data.digest() for part, data in parts.items()},
            "student": _signature(self.student),
        }

    def __reduce__(self) -> Any:
        """A named setting travels to other processes by its configuration, not by its data."""
        if type(self) is Setting:
            return super().__reduce__()
        return _rebuild, (type(self), self.config())


def _rebuild(cls: type[Setting], config: dict[str, Any]) -> Setting:
    return cls(**config)


def _signature(student: Any) -> str:
    """A text that tells two students apart: structure of a module, or of what the factory makes."""
    if not isinstance(student, nn.Module) and callable(student):
        with torch.random.fork_rng(devices=[]):
            student = student()
    return repr(student)
