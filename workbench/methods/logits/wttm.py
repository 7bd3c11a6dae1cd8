"""Soften the teacher only, and listen to it most where it is least sure.

Like ``ttm``, with a weight for each sample: the sum of the powers, by which they are divided to be probabilities. It
is 1 for a teacher that is sure of one class and grows to C^(1 - exponent) for one that knows nothing, so it is a
measure of the teacher's doubt (a power of its Renyi entropy). The teacher is detached; nothing is learnt besides the
student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + soft_weight * mean_b u_b * KL( q_b || softmax(s_b) )
    q_b,c = p_b,c^exponent / u_b,   u_b = sum over k of p_b,k^exponent,   p = softmax(t);  s, t: logits (B, C).

Faithful to: Zheng and Yang, ICLR 2024, weighted transformed teacher matching, and the authors' code.
Departs from it: nothing.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.divergences import log_probabilities
from workbench.methods.logits.ttm import TTM
from workbench.methods.ranges import Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Evidence, Progress


class WTTM(TTM):
    """Weighted transformed teacher matching.

    Args:
        exponent: Of the teacher's probabilities, 1 / temperature; 0.2 in the authors' example.
        soft_weight: Weight of the soft term; 4 in the authors' example.
        label_weight: Weight of the labels; 1 in the authors' code.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> sure, unsure = torch.tensor([[40.0, 0.0]]), torch.tensor([[0.0, 0.0]])
        >>> [round(float(WTTM(exponent=0.5).doubt(teacher)), 3) for teacher in (sure, unsure)]
        [1.0, 1.414]
    """

    citation = TTM.citation
    evidence = Evidence(
        "code",
        "zkxufo/TTM (authors), distiller_zoo/wttm.py at 2de9060d32b85221c00d864d47b8f68016491d86, and README.md",
        "the weight of the soft term: the example is of a sum with CRD",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = "low"
    aliases = ("weighted_ttm",)

    def __init__(
        self,
        exponent: Annotated[float, Range(0.02, 1.0, 0.02)] = 0.2,
        soft_weight: Weight = 4.0,
        label_weight: Weight = 1.0,
    ) -> None:
        super().__init__(exponent, soft_weight, label_weight)

    def doubt(self, teacher_logits: Tensor) -> Tensor:
        """The sum of the powers of the teacher's probabilities, (B, C) -> (B,)."""
        return (self.exponent * log_probabilities(teacher_logits)).exp().sum(1)

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The soft term, weighed."""
        matched = super().match(student_logits, teacher_logits, batch)
        return {"soft": self.doubt(teacher_logits) * matched["soft"]}
