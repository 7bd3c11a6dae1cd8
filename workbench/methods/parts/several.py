"""What all methods with several teachers share: who the further ones are and how they come to be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Self

import torch
from torch import Tensor, nn

from workbench.methods.parts.on_labels import on_labels
from workbench.methods.parts.untrained import untrained
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.code import identity_of
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Learns, Progress, Reads
from workbench.records.trace import Trace

Teachers = Annotated[int, Range(2, 8, 1)]
Share = Annotated[float, Range(0.01, 4.0, 0.01)]


class SeveralTeachers(ResponseMethod):
    """Learns from the setting's teacher and further ones.

    A setting has one teacher. Further ones are nets of its design that are trained on the labels from other weights, each
    for ``teacher_share`` of the student's steps, or one's own trained models, given with ``joined_by``. A subclass gives
    ``match_all``; its signature is this one, or this one with further parameters.

    Args:
        teachers: How many there are, the setting's among them.
        teacher_share: Steps of each further one, as a share of the student's.
        temperature: Softens what is matched.
        soft_weight: Weight of the soft term.
        label_weight: Weight of the labels.
    """

    progress = Progress("soft")
    terms = ("labels", "soft")
    reads = Reads("logits only, and the design of the setting's teacher")
    learns = Learns("teacher_2 and so on, nets of their own")
    partner = "several teachers, frozen"

    def __init__(
        self,
        teachers: Teachers = 3,
        teacher_share: Share = 1.0,
        temperature: Temperature = 4.0,
        soft_weight: Weight = 1.0,
        label_weight: Weight = 1.0,
    ) -> None:
        super().__init__()
        self.teachers, self.teacher_share = teachers, teacher_share
        self.temperature, self.soft_weight, self.label_weight = temperature, soft_weight, label_weight
        self._joined: list[nn.Module] = []
        self._design: Callable[[], nn.Module] | None = None

    def joined_by(self, *models: nn.Module) -> Self:
        """This method with trained models of one's own as the further teachers; they are not trained any more."""
        self._joined, self.teachers = list(models), 1 + len(models)
        return self

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, and who has joined, by digest."""
        digests = [identity_of(model).digest for model in self._joined]
        return super().config() | ({"joined_by": ",".join(digests)} if digests else {})

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Remembers the design of the teacher."""
        super().build(student_model, teacher_model, example, facts)
        if self._design is None and teacher_model is not None:
            self._design = partial(untrained, teacher_model)

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """The further teachers, then the student."""
        names = [f"teacher_{k}" for k in range(2, self.teachers + 1)]
        share = 0.0 if self._joined else self.teacher_share
        further = (
            on_labels(name, share, factory=partial(self.further, k), inputs="teacher") for k, name in enumerate(names)
        )
        return *further, StagePlan(teacher=("teacher", *names))

    def further(self, index: int) -> nn.Module:
        """The further teacher of a number, from 0, as it is before its stage.

        Raises:
            ValueError: nobody has joined, and no other net of the teacher's design can be made.
        """
        if self._joined:
            return self._joined[index]
        try:
            return self._design()  # pyright: ignore[reportOptionalCall] - build sets it
        except ValueError as error:
            own = f"{type(self).__name__}().joined_by(model, ...)"
            raise ValueError(f"{error}; or give further teachers that are trained, with {own}") from error

    def match_all(self, student: Trace, teachers: tuple[Trace, ...], batch: Batch) -> dict[str, Tensor]:
        """The distillation terms, weighted, (B,) each; all logits are transformed already."""
        raise NotImplementedError

    def forward(self, student: Trace, teacher: tuple[Trace, ...] | None, batch: Batch) -> dict[str, Tensor]:
        """Labels alone for a further teacher; labels and the terms of ``match_all`` for the student."""
        if teacher is None:
            return {"labels": self.label_loss(student, batch)}
        mine = Trace(self.transformed(student.logits), student.features)
        theirs = tuple(Trace(self.transformed(t.logits.detach()), t.features) for t in teacher)
        return {"labels": self.label_weight * self.label_loss(student, batch), **self.match_all(mine, theirs, batch)}


def stacked(teachers: tuple[Trace, ...]) -> Tensor:
    """The logits of K teachers, (K, B, C)."""
    return torch.stack([teacher.logits for teacher in teachers])
