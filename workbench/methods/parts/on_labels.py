"""Nets that a method trains on labels before they teach."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from workbench.methods.logits.kd import KD
from workbench.records.batch import Batch
from workbench.records.plan import StagePlan
from workbench.records.trace import Trace


def on_labels(party: str, share: float = 1.0, **more: Any) -> StagePlan:
    """A stage of that name in which a party of that name learns from the labels alone.

    Args:
        party: who learns.
        share: of the student's steps.
        more: further fields of the plan, such as ``factory``.
    """
    return StagePlan(party, share, party, None, data="labelled", **more)


class OwnTeachersKD(KD):
    """Distillation from nets that the method trains itself; a subclass says in ``stages`` which."""

    tasks = ("classification",)

    def targets(self, teacher: Trace, batch: Batch) -> tuple[Tensor, Tensor]:
        """Refused: who teaches has to be trained first.

        Raises:
            TypeError: always.
        """
        return super(KD, self).targets(teacher, batch)

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """Labels alone in a stage without a teacher."""
        if teacher is None:
            return {"labels": self.label_loss(student, batch)}
        return super().forward(student, teacher, batch)
