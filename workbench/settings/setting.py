"""A stage to play on: data, a teacher, a student and a score."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, ClassVar, Self

import torch
from torch import nn

from workbench.data.convert import as_transfer_set
from workbench.data.split import stratified, uniform
from workbench.data.transfer import TransferSet
from workbench.models.copies import copied
from workbench.records.budget import Budget
from workbench.records.code import Identity, identity_of, own_code
from workbench.records.released import is_released
from workbench.settings.arguments import check_arguments, check_factory
from workbench.settings.data_checks import check_data, check_repeats, check_views, empty_classes
from workbench.settings.fields import Fields
from workbench.settings.given_models import check_teacher, notes_of_models
from workbench.settings.measures import class_weights_of, measures_of
from workbench.settings.signature import copy_of, factory_identity, is_model, new_from

DATA = ("train", "validation", "teacher_train", "test")

BESIDE = (
    "name",
    "task",
    "class_names",
    "teacher",
    "student",
    "augment",
    "budget",
    "look",
    "threads",
    "notes",
    "warnings",
)
"""Fields with a place of their own in an identity, or without effect on any number."""


@dataclass(frozen=True)
class Recipe:
    """How a teacher comes about: a net and the budget it is trained with, on labels; the engine caches it.

    Attributes:
        factory: makes the untrained net; called under the teacher's seed.
        budget: of its training.

    Raises:
        TypeError: the factory cannot be called without arguments, or the budget is none.
    """

    factory: Callable[[], nn.Module]
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        """Refuse what cannot be called without arguments, and a budget that is none."""
        check_factory("the recipe's factory", self.factory)
        if not isinstance(self.budget, Budget):
            raise TypeError(f"the recipe's budget is a {type(self.budget).__name__}; give a Budget")


@dataclass(eq=False, repr=False)
class Setting(Fields):
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
        task: classification, multilabel, tokens, dense or regression.
        validation: share of the labelled data taken out for validation, or data of its own.
        teacher_train: labelled data the teacher recipe is trained on; by default the student's.
        budget: of the student, unless a run brings its own.
        augment: a function of (inputs, generator), applied to training batches. Its code and the values it reads tell runs
            apart, files that it opens do not: after changing one, give another ``name`` or ask for ``fresh=True``.
        class_names: shown in figures; by default the numbers.
        look: how a sample is drawn.
        threads: of PyTorch while it trains; None leaves them alone.
        class_weights: weights of the classes in the loss on labels, as ``torch.nn.CrossEntropyLoss(weight=...)`` takes
            them: one number per class, a dict by class name, or ``balanced`` (N / (C * samples of the class)). They weigh
            the labels of every arm, control and teacher recipe alike; distillation terms are not weighted.
        measures: further scores by name, functions of (models, setting, seed) or ``Measure`` objects; taken at the end of
            each run and compared in a study like the score. Their code is part of the identity.

    Attributes:
        notes: what was converted when the setting was made, in words; a study repeats them.
        warnings: what its user must see, such as test samples that are in the training data as well; every run repeats them.

    Raises:
        TypeError: the data is of a form that cannot be read, the student is neither model nor factory, or another argument
            is of another type.
        ValueError: data is empty, not finite, of one class, of labels that the student's data does not know or that are
            those of another task, or all of the test is in the training data.
        KeyError: there is no such task.
    """

    about: ClassVar[str] = ""
    source: ClassVar[str] = ""  # key in data.sources of what must be downloaded; empty if the data is at hand

    def __post_init__(self) -> None:
        """Converts the data, checks it and takes the validation split out."""
        check_arguments(self)
        self.class_names = tuple(map(str, self.class_names))
        self._read()
        self._number()
        self.class_names = self.class_names or self.train.encoding.classes
        check_data(self)
        notes, warnings = check_repeats(self)
        check_views(self)
        self.class_names = self.class_names or tuple(str(k) for k in range(self.classes))
        if not isinstance(self.validation, TransferSet):
            self._split(self.validation)
        if self.teacher_train is None:
            self.teacher_train = self.train.subset(self.train.labelled)
        self.class_weights = class_weights_of(self)
        self.warnings = (*warnings, *check_teacher(self))
        self.notes += (*notes, *empty_classes(self), *notes_of_models(self))
        self.measures = measures_of(self.measures, self.kind.score)

    def _read(self) -> None:
        """Data of any form becomes transfer sets; that of the student says how the others are read."""
        given = {"class_names": self.class_names, "keep_numbers": self.teacher_train is not None}
        self.train = _read_as("train", self.train, self.kind.name, **given)
        for name in ("test", "teacher_train", "validation"):
            data = getattr(self, name)
            if data is not None and not (name == "validation" and isinstance(data, Real)):
                setattr(self, name, _read_as(name, data, self.task, self.train.encoding))
        parts = {name: getattr(self, name) for name in DATA}
        self.notes = tuple(
            f"{name}: {note}" for name, part in parts.items() if isinstance(part, TransferSet) for note in part.notes
        )

    def _number(self) -> None:
        """Samples that came without ids are numbered on from those of the train set, so that no two share one."""
        start = int(self.train.ids.max()) + 1
        for name in ("test", "teacher_train", "validation"):
            part = getattr(self, name)
            if isinstance(part, TransferSet):
                part = part if part.named else part.numbered_from(start)
                setattr(self, name, part)
                start = max(start, int(part.ids.max()) + 1)

    def _split(self, share: float) -> None:
        rows = self.train.labelled
        labels = self.train.labels[rows]
        _, taken = stratified(labels, share) if self.task == "classification" else uniform(len(rows), share)
        out = torch.zeros(len(self.train), dtype=torch.bool)
        out[rows[taken]] = True
        self.validation = self.train.subset(rows[taken])
        self.train = self.train.subset((~out).nonzero().squeeze(1))

    def but(self, **changes: Any) -> Self:
        """A copy with some fields replaced, such as ``setting.but(budget=Budget(epochs=3))``; its data is shared.

        A setting is never changed after it was made: a study or a session may be using it.

        Args:
            changes: values by field, as a made setting holds them: data as ``TransferSet``, measures as ``Measure`` objects.

        Raises:
            TypeError: there is no such field, or a value is of another type.
            ValueError: a value is out of its range.
        """
        if unknown := sorted(changes.keys() - (known := {f.name for f in fields(self)})):
            raise TypeError(f"a setting has no {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        made = object.__new__(type(self))
        vars(made).update(vars(self) | changes)
        check_arguments(made)
        return made

    # --- what the engine asks ------------------------------------------------------------------------------------
    def make_student(self) -> Any:
        """A new student in float32: from the factory under the current random state, or a copy of the given model.

        Raises:
            TypeError: the factory makes something else.
        """
        made = copied(self.student) if is_model(self.student) else new_from(self.student, "student")
        if not is_model(made):
            raise TypeError(f"the student's factory made a {type(made).__name__}; a net or an estimator is needed")
        return self.in_precision(made)

    @property
    def varies_initialisation(self) -> bool:
        """False if the student was given as a module, so that every seed starts from the same weights."""
        return not isinstance(self.student, nn.Module)

    def config(self) -> dict[str, Any]:
        """The constructor arguments of a named setting as plain values; empty for one's own."""
        if type(self).__init__ is Setting.__init__:
            return {}
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def identity(self) -> dict[str, Any]:
        """Name, configuration, and digests of data, code and models: what makes the numbers of two settings comparable.

        ``unaddressed`` says what cannot be told apart, if there is anything; its digest is another one each time.

        Raises:
            ValueError: the student shares its weights with the teacher or with other students of its factory.
        """
        parts = {name: getattr(self, name) for name in DATA}
        transforms = {name: identity_of((type(part), part.transform)) for name, part in parts.items()}
        found = {
            "augment": identity_of(self.augment),
            "student": self._student_identity(),
            "rest": self._rest_identity(),
        }
        unaddressed = [words for each in (*transforms.values(), *found.values()) for words in each.unaddressed]
        return {
            "name": self.name,
            "config": self.config(),
            "task": self.task,
            "classes": list(self.class_names),
            "data": {name: f"{part.digest()} {transforms[name].digest}" for name, part in parts.items()},
            "measures": {name: [own_code([m.function]), m.about()] for name, m in self.measures.items()},
            **{name: each.digest for name, each in found.items()},
            **({"unaddressed": unaddressed} if unaddressed else {}),
        }

    def _student_identity(self) -> Identity:
        if not is_model(self.student):
            return factory_identity(self.student, "student", self.teacher)
        copy_of(self.student, "student")
        return identity_of(self.student)

    def _rest_identity(self) -> Identity:
        """Class and further fields; of a class of one's own all that its objects hold."""
        names = {f.name for f in fields(self)} if is_released(type(self)) else set(vars(self))
        return identity_of((type(self), {name: getattr(self, name) for name in sorted(names - {*DATA, *BESIDE})}))

    def __repr__(self) -> str:
        """How to make a named setting again; sizes of one's own."""
        if config := self.config():
            return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in config.items())})"
        train, validation, test = len(self.train), len(self.validation), len(self.test)
        sizes = f"{train:,} training, {validation:,} validation and {test:,} test samples"
        return f"{type(self).__name__}({self.name!r}, {self.task}, {sizes})"

    def __reduce__(self) -> Any:
        """A named setting travels to other processes by its configuration, not by its data."""
        if type(self).__init__ is Setting.__init__:
            return super().__reduce__()
        rest = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in DATA}
        return _rebuild, (type(self), self.config()), rest


def _read_as(name: str, *given: Any, **how: Any) -> TransferSet:
    """A transfer set; what cannot be read is refused with the name of the data."""
    try:
        return as_transfer_set(*given, **how)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name}: {error}") from error


def _rebuild(cls: type[Setting], config: dict[str, Any]) -> Setting:
    return cls(**config)
