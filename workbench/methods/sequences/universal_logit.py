"""Teach across tokenizers: only how sure the teacher is of its first, second, third choice counts, not which tokens they are.

Two vocabularies have no tokens in common that could be compared. But sorted by size, probabilities can be: with a cost of
moving probability that is the same between any two tokens, the optimal transport between two vocabularies is the distance
of the sorted probabilities. The labels say which tokens are meant. The teacher is detached; nothing is learnt besides the
student.

Formula:
    L = label_weight * mean CE(s, y) + soft_weight * mean( sum over k of |q_(k) - p_(k)| )
    x_(k): the k-th largest entry, 0 beyond the last;
    s, t: student and teacher logits (B, L, V) and (B, M, W), q = softmax(s), p = softmax(t);  the mean is over the positions of each text
    that count and have a partner, then over texts;  y: next tokens (B, L).

Faithful to: Boizard et al., TMLR 2025, the universal logit distillation loss, and the authors' code.
Departs from it: positions are paired where both models have read the same piece of text (the batch's alignment), where the
paper pairs them by their number in the answer, up to the shorter one; temperatures, 1 there, are left out.
Setting: tiny_lm with teacher_tokens=characters. On it we expect: the soft term falls below that of a student that does not
learn.
"""

from __future__ import annotations

from torch import Tensor

from workbench.maths.token_divergences import sorted_distance
from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.methods.ranges import Weight
from workbench.records.provenance import Citation, Evidence


class UniversalLogit(TokenwiseMethod):
    """Sorted probabilities matched, whatever the tokenizers.

    Args:
        soft_weight: Weight of the distance; 1.5 in the authors' code.
        label_weight: Weight of the labels; 1 in the authors' code.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> UniversalLogit().divergence(torch.tensor([[1.0, 1.0]]).log(), torch.tensor([[1.0, 3.0, 1.0]]).log())
        tensor([0.6000])
    """

    citation = Citation(
        "Towards Cross-Tokenizer Distillation: the Universal Logit Distillation Loss for LLMs",
        "Boizard, El Haddad, Hudelot, Colombo",
        "TMLR",
        2025,
        "2402.12030",
    )
    evidence = Evidence(
        "code",
        "Nicolas-BZRD/llm-recipes (authors), models/distillation_model.py and configs/distillation.py at "
        "ab6e79800d28a1820348d72fc43ad964bb51ac29",
        "the texts' pairing of positions",
    )
    cost = "medium"
    aliases = ("uld", "universal_logit_distillation")
    across_tokenizers = True

    def __init__(self, soft_weight: Weight = 1.5, label_weight: Weight = 1.0) -> None:
        super().__init__(soft_weight, label_weight)

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """The distance of the sorted probabilities, (B, L, V) with (B, L, W) -> (B, L)."""
        return sorted_distance(student_logits, teacher_logits)
