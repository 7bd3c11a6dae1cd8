"""What all methods that match output distributions share."""

from __future__ import annotations

from typing import Self

from torch import Tensor, nn

from workbench.methods.method import Method
from workbench.records.batch import Batch
from workbench.records.trace import Trace


class ResponseMethod(Method):
    """Reads logits only; both sides pass through the same ``LogitTransform`` first.

    A subclass gives ``match`` and, in its signature, ``label_weight``.
    """

    label_weight: float
    transform: nn.Module | None = None

    def through(self, transform: nn.Module) -> Self:
        """This method on transformed logits, as in ``DKD().through(Standardize())``."""
        self.transform = transform
        return self

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The distillation terms, weighted; (B, C) and (B, C) -> (B,) each."""
        raise NotImplementedError

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """``labels`` on the raw logits and the terms of ``match`` on the transformed ones."""
        pair = student.logits, teacher.logits
        if self.transform is not None:
            pair = self.transform(pair[0]), self.transform(pair[1])
        return {"labels": self.label_weight * self.label_loss(student, batch), **self.match(*pair, batch)}
