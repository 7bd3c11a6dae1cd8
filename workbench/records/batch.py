"""One batch as a method sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    Inputs = Tensor | tuple[Tensor, ...] | dict[str, Tensor]

UNLABELLED = -1
"""The label of a sample (or position) without one; it never enters the task loss."""


@dataclass(frozen=True)
class Batch:
    """A batch of B samples; student and teacher may see different inputs.

    Attributes:
        ids: (B,) int64, stable names of the samples.
        student_inputs: what the student is called with; a tuple or dict is unpacked.
        labels: (B, ...) int64 or float targets, ``UNLABELLED`` where there is none; None if the task has none.
        teacher_inputs: what the teacher is called with; None means the student's inputs.
        mask: boolean positions that count, (B, L) for sequences or (B,) for nodes; None means all.
        weight: (B,) sample weights; None means equal.
        alignment: (B,) or (B, L) index of the teacher's row (or position) that belongs to each of the student's, -1
            where there is none, as in unpaired data; None if row i meets row i.
        extras: anything else a setting wants its methods to see.
    """

    ids: Tensor
    student_inputs: Inputs
    labels: Tensor | None = None
    teacher_inputs: Inputs | None = None
    mask: Tensor | None = None
    weight: Tensor | None = None
    alignment: Tensor | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def known_labels(self) -> Tensor:
        """The labels, where there must be some.

        Raises:
            ValueError: there are none.
        """
        if self.labels is None:
            raise ValueError("the samples of this batch have no labels")
        return self.labels

    @property
    def for_teacher(self) -> Inputs:
        """The inputs the teacher is called with."""
        return self.student_inputs if self.teacher_inputs is None else self.teacher_inputs

    def but(self, **changes: Any) -> Batch:
        """A copy with some fields replaced."""
        return replace(self, **changes)
