"""Soften the teacher only: the student is not divided by a temperature, its own answer has to be that soft.

Where both sides are softened, a student may be as sure as it likes. A power of the teacher's probabilities, made to
sum up to 1 again, is the same softening written without the student; matching it adds to ordinary distillation a
reward for the entropy of the student's answers, which regularises it. The teacher is detached; nothing is learnt
besides the student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + soft_weight * mean_b KL( q_b || softmax(s_b) )
    q_b,c = p_b,c^exponent / sum over k of p_b,k^exponent,   p = softmax(t);  s, t: logits (B, C);  y: labels (B,).

Faithful to: Zheng and Yang, ICLR 2024, transformed teacher matching, and the authors' code.
Departs from it: nothing.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.divergences import forward_kl
from workbench.methods.ranges import Weight
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress


class TTM(ResponseMethod):
    """Transformed teacher matching.

    Args:
        exponent: Of the teacher's probabilities, 1 / temperature; 0.1 in the authors' example.
        soft_weight: Weight of the soft term; 45 in the authors' example.
        label_weight: Weight of the labels; 1 in the authors' code.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> teacher = torch.tensor([[1.0, 2.0, 4.0]])
        >>> TTM(exponent=0.5).match(0.5 * teacher, teacher, None)["soft"].abs() < 1e-5
        tensor([True])
    """

    citation = Citation(
        "Knowledge Distillation Based on Transformed Teacher Matching", "Zheng, Yang", "ICLR", 2024, "2402.11148"
    )
    evidence = Evidence(
        "code", "zkxufo/TTM (authors), distiller_zoo/ttm.py at 2de9060d32b85221c00d864d47b8f68016491d86, and README.md"
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = "low"
    aliases = ("transformed_teacher",)

    def __init__(
        self,
        exponent: Annotated[float, Range(0.02, 1.0, 0.02)] = 0.1,
        soft_weight: Annotated[float, Range(0.0, 200.0, 1.0)] = 45.0,
        label_weight: Weight = 1.0,
    ) -> None:
        super().__init__()
        self.exponent, self.soft_weight, self.label_weight = exponent, soft_weight, label_weight

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The soft term; the softmax of ``exponent * t`` is the power of the softmax of ``t``, made to sum up to 1."""
        return {"soft": self.soft_weight * forward_kl(student_logits, self.exponent * teacher_logits)}
