"""The fields of a setting, and what follows from them alone; ``Setting`` reads, checks and identifies them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from workbench.maths.tasks import Task, task
from workbench.models.learners import in_single_precision
from workbench.records.budget import Budget
from workbench.records.parameters import Checked

Look = Literal["image", "points", "table", "series", "text"]


@dataclass(eq=False, repr=False)
class Fields(metaclass=Checked):
    """What a setting is made of; ``Setting`` says what each field may be."""

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
    class_weights: Any = None
    measures: Mapping[str, Any] = field(default_factory=dict)

    notes: tuple[str, ...] = field(default=(), init=False)
    warnings: tuple[str, ...] = field(default=(), init=False)

    @property
    def kind(self) -> Task:
        """The task: layout, label loss and score."""
        return task(self.task)

    @property
    def classes(self) -> int:
        """Number of classes, or of the entries of a multi-label; 0 where the task has none."""
        if self.task == "regression":
            return 0
        if self.class_names:
            return len(self.class_names)
        if self.task == "multilabel":
            return self.train.labels.shape[1]
        labels = [part.labels for part in (self.train, self.teacher_train) if part is not None]
        return int(max(part.max() for part in labels)) + 1

    @property
    def class_numbers(self) -> dict[str, int]:
        """The number of each class by its name, and by its number where the labels are numbers."""
        names = {name: k for k, name in enumerate(self.class_names)}
        return names if self.train.encoding.classes else names | {str(k): k for k in range(self.classes)}

    def in_precision(self, model: Any) -> Any:
        """A net with its weights in float32, in which training computes, unless the inputs are float64 themselves."""
        wide = any(isinstance(part, Tensor) and part.dtype == torch.float64 for part in self.train.parts())
        return model if wide else in_single_precision(model)
