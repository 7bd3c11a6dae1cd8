"""Weigh the forward and the reverse divergence by where the student is wrong: among the teacher's likely tokens or the others.

Early in training the forward divergence mends the likeliest tokens first, the reverse one the unlikely ones. At each
position their weights are the shares of the student's error that lie in the teacher's head, its likeliest tokens, and in the
rest. The weights and the teacher are detached; nothing is learnt besides the student.

Formula:
    L = soft_weight * mean( h * KL(p || q) + (1 - h) * KL(q || p) ) + label_weight * mean CE(s, y)
    h = sum over the head of |p - q| / sum over all tokens of |p - q|;   the head: the likeliest tokens of p as long as
    together they have at most the probability head, and the very likeliest in any case.
    s, t: student and teacher logits (B, L, V), q = softmax(s), p = softmax(t);  the mean is over the positions of each text
    that count, then over texts;  y: next tokens (B, L).

Faithful to: Wu et al., COLING 2025, adaptive divergence, and the authors' code.
Departs from it: every text weighs the same, however long it is. A public reimplementation takes the head of the sorted
vocabulary and applies it to the unsorted one; here it belongs to its tokens, so that their numbering changes nothing.
Setting: tiny_lm. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.token_divergences import head_share, reverse_kl, word_kl
from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.methods.ranges import Weight
from workbench.records.annotations import Range
from workbench.records.provenance import Citation, Evidence


class AdaptiveKL(TokenwiseMethod):
    """Forward and reverse divergence, weighted at each position.

    Args:
        head: Probability of the teacher's head; 0.5 in the authors' code.
        soft_weight: Weight of the divergence; 1 in the authors' code.
        label_weight: Weight of the labels; 0 in it.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> half, quarter = torch.tensor([[1.0, 1.0]]).log(), torch.tensor([[1.0, 3.0]]).log()
        >>> AdaptiveKL().divergence(quarter, half)
        tensor([0.1373])
    """

    citation = Citation(
        "Rethinking Kullback-Leibler Divergence in Knowledge Distillation for Large Language Models",
        "Wu, Tao, Wang, Yang, Zhao, Wong",
        "COLING",
        2025,
        "2404.02657",
    )
    evidence = Evidence(
        "code",
        "wutaiqiang/LLM_KD_AKL (authors), AKL.py at ff278be603df44b10afc07da3c7962ec8218aca7",
        "weights where student and teacher are equal, and both divergences 0: all on the reverse one; the mean over texts "
        "of the mean over tokens",
    )
    cost = "low"
    aliases = ("akl",)

    def __init__(
        self,
        head: Annotated[float, Range(0.05, 0.95, 0.05)] = 0.5,
        soft_weight: Weight = 1.0,
        label_weight: Weight = 0.0,
    ) -> None:
        super().__init__(soft_weight, label_weight)
        self.head = head

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Both divergences by their weights."""
        forward = head_share(student_logits.detach(), teacher_logits, self.head)
        return forward * word_kl(student_logits, teacher_logits) + (1 - forward) * reverse_kl(
            student_logits, teacher_logits
        )
