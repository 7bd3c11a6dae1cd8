"""What all methods share that compare what student and teacher expect at each position of a text."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from workbench.maths.divergences import finite_logits
from workbench.maths.tokens import check_vocabularies
from workbench.methods.method import Method
from workbench.methods.ranges import Weight
from workbench.records.batch import Batch
from workbench.records.provenance import Progress
from workbench.records.trace import Trace


class TokenwiseMethod(Method):
    """A divergence per position, averaged over those of each text that count; every text weighs the same.

    A subclass gives ``divergence``; its signature is this one, or this one with other defaults and further parameters.

    Args:
        soft_weight: Weight of the divergence.
        label_weight: Weight of the labels.

    Class attributes:
        across_tokenizers: True if the vocabularies may differ.
    """

    tasks = ("tokens",)
    progress = Progress("soft")
    terms = ("labels", "soft")
    across_tokenizers: ClassVar[bool] = False

    def __init__(self, soft_weight: Weight = 1.0, label_weight: Weight = 0.0) -> None:
        super().__init__()
        self.soft_weight, self.label_weight = soft_weight, label_weight

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """How far the student is from the teacher, (B, L, V) with (B, L, V) -> (B, L)."""
        raise NotImplementedError

    def compared(self, student: Trace, teacher: Trace, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Both sides' logits at the student's positions, (B, L, V), and the positions that count, (B, L) bool.

        The logits are finite, and 0 where nothing counts, so that what padding holds reaches neither a loss nor a gradient.

        Raises:
            ValueError: the models read other tokens and the method cannot bridge that; both vocabularies, the labels of
                two tokenizers, or both lengths are named.
        """
        theirs = teacher.logits.detach()
        if not self.across_tokenizers:
            check_vocabularies(student.logits, theirs)
            check_tokenizer(self.name, batch)
        everywhere = torch.ones(student.logits.shape[:2], dtype=torch.bool, device=theirs.device)
        counted = everywhere if batch.mask is None else batch.mask
        if batch.alignment is not None:
            places = batch.alignment.clamp(min=0)[..., None].expand(-1, -1, theirs.shape[2])
            theirs, counted = theirs.gather(1, places), counted & (batch.alignment >= 0)
        elif theirs.shape[1] != student.logits.shape[1]:
            raise ValueError(
                f"the student reads {student.logits.shape[1]} positions, the teacher {theirs.shape[1]}; a batch whose "
                "models read other tokens says with its alignment which positions belong together"
            )
        own, theirs = (finite_logits(side.masked_fill(~counted[..., None], 0)) for side in (student.logits, theirs))
        return own, theirs, counted

    def soft(self, student: Trace, teacher: Trace, batch: Batch) -> Tensor:
        """The mean divergence of each text, (B,), 0 for a text of which nothing counts; refuses what ``compared`` does."""
        own, theirs, counted = self.compared(student, teacher, batch)
        return mean_over(self.divergence(own, theirs), counted)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """``labels`` and ``soft`` by their weights."""
        labels, soft = self.label_loss(student, batch), self.soft(student, teacher, batch)
        return {"labels": self.label_weight * labels, "soft": self.soft_weight * soft}


def mean_over(values: Tensor, counted: Tensor) -> Tensor:
    """The mean over the positions of each text that count, (B, L) with (B, L) bool -> (B,); 0 where none does."""
    return values.masked_fill(~counted, 0).sum(1) / counted.sum(1).clamp(min=1)


def check_tokenizer(name: str, batch: Batch) -> None:
    """Refuse a batch whose teacher has a tokenizer of its own; ``name`` is the method that compares token by token.

    Raises:
        ValueError: the teacher has a tokenizer of its own.
    """
    if "teacher_labels" in batch.extras:
        raise ValueError(
            f"{name} compares token by token, but the batch has teacher_labels: the teacher has a tokenizer of its own; "
            "give both models the same one, or use a method that works across tokenizers, such as universal_logit"
        )
