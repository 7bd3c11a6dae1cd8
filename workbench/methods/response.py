"""What all methods that match output distributions share."""

from __future__ import annotations

from typing import Any, Self

from torch import Tensor

from workbench.methods.method import Method
from workbench.methods.transforms import LogitTransform, transform
from workbench.records.arguments import checked_arguments
from workbench.records.batch import Batch
from workbench.records.trace import Trace


class ResponseMethod(Method):
    """Reads logits only; both sides pass through the same ``LogitTransform`` first.

    A subclass gives ``match`` and, in its signature, ``label_weight``.
    """

    label_weight: float
    transform: LogitTransform | None

    def __init__(self) -> None:
        """No transform."""
        super().__init__()
        self.transform = None

    def through(self, transform: LogitTransform) -> Self:
        """This method on transformed logits, as in ``DKD().through(Standardize())``."""
        self.transform = transform
        return self

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, and the key of the transform if there is one."""
        config = super().config()
        return config if self.transform is None else config | {"transform": self.transform.key}

    @checked_arguments
    def checked(self, name: str, value: Any) -> Any:
        """A value that ``change`` would take; ``transform`` takes the key of a logit transform, or None."""
        if name != "transform":
            return super().checked(name, value)
        return None if value is None else transform(value).key

    @checked_arguments
    def change(self, name: str, value: Any) -> None:
        """Move one parameter; takes effect at the next step."""
        if name != "transform":
            super().change(name, value)
            return
        key = self.checked(name, value)
        self.transform = None if key is None else transform(key)

    def transformed(self, logits: Tensor) -> Tensor:
        """The logits that are matched, (B, C) -> (B, C)."""
        return logits if self.transform is None else self.transform(logits)

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The distillation terms, weighted; (B, C) and (B, C) -> (B,) each."""
        raise NotImplementedError

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """``labels`` on the raw logits and the terms of ``match`` on the transformed ones."""
        teacher_logits = teacher.logits if self.teacher_input_gradient else teacher.logits.detach()
        matched = self.match(self.transformed(student.logits), self.transformed(teacher_logits), batch)
        return {"labels": self.label_weight * self.label_loss(student, batch), **matched}
