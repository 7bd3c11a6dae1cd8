"""Choose, with two powers, how much large errors and how much the student's own certainty count.

A step down the forward divergence spreads its effort evenly, one down the reverse divergence throws it all on what the
student is already sure of. A family of divergences lies between them: alpha turns down the emphasis on large errors as it
grows, beta turns up the emphasis on tokens the student believes in. The teacher is detached; nothing is learnt besides the
student.

Formula:
    L = soft_weight * mean D(p, q) + label_weight * mean CE(s, y)
    D(p, q) = -1 / (alpha * beta) * sum over tokens of
        ( p^alpha * q^beta - alpha / (alpha + beta) * p^(alpha + beta) - beta / (alpha + beta) * q^(alpha + beta) )
    s, t: student and teacher logits (B, L, V), q = softmax(s), p = softmax(t);  the mean is over the positions of each text
    that count, then over texts;  y: next tokens (B, L).

Faithful to: Wang et al., ICML 2025, the alpha-beta divergence, and the authors' code.
Departs from it: alpha and beta stay positive, so that the limits (the forward divergence at 1 and 0, the reverse one at 0 and
1) are approached, not reached; every text weighs the same, however long it is.
Setting: tiny_lm. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.token_divergences import alpha_beta
from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.methods.ranges import Weight
from workbench.records.annotations import Range
from workbench.records.provenance import Citation, Evidence


class AlphaBetaDivergence(TokenwiseMethod):
    """The alpha-beta divergence of ABKD, token by token.

    Args:
        alpha: Power of the teacher's probabilities; 0.2 in the authors' scripts for GPT-2.
        beta: Power of the student's probabilities; 0.7 in the authors' scripts for GPT-2.
        soft_weight: Weight of the divergence; 1 in the authors' scripts.
        label_weight: Weight of the labels; 0 in them.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> half, quarter = torch.tensor([[1.0, 1.0]]).log(), torch.tensor([[1.0, 3.0]]).log()
        >>> AlphaBetaDivergence().divergence(quarter, half)
        tensor([0.1446])
    """

    citation = Citation(
        "ABKD: Pursuing a Proper Allocation of the Probability Mass in Knowledge Distillation via alpha-beta-Divergence",
        "Wang, Yang, Wang, Wang, Xu, Huang",
        "ICML",
        2025,
    )
    evidence = Evidence(
        "code",
        "ghwang-s/abkd (authors), distillation_llm/distillm/losses.py at df813185e69d21d1e99510272cd94e49be7250c0, and "
        "distillation_llm/scripts/gpt2/ab",
        "the mean over texts of the mean over tokens",
    )
    cost = "low"
    aliases = ("abkd",)

    def __init__(
        self,
        alpha: Annotated[float, Range(0.01, 2.0, 0.01)] = 0.2,
        beta: Annotated[float, Range(0.01, 2.0, 0.01)] = 0.7,
        soft_weight: Weight = 1.0,
        label_weight: Weight = 0.0,
    ) -> None:
        super().__init__(soft_weight, label_weight)
        self.alpha, self.beta = alpha, beta

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """The alpha-beta divergence."""
        return alpha_beta(student_logits, teacher_logits, self.alpha, self.beta)
