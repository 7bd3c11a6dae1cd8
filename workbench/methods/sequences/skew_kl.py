"""Compare the teacher with a student that already knows a little of it: the divergence loses its spikes.

Where the student gives almost no probability to what the teacher may say, the forward divergence and its gradient grow
without bound. With a little of the teacher mixed into the student's side, neither can, and the gradients of different
texts vary less. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = soft_weight * mean KL( p || skew * p + (1 - skew) * q ) + label_weight * mean CE(s, y)
    s, t: student and teacher logits (B, L, V), q = softmax(s), p = softmax(t);  the mean is over the positions of each text
    that count, then over texts;  y: next tokens (B, L).

Faithful to: Ko et al., ICML 2024, the skew divergence, and the authors' code.
Departs from it: their adaptive use of texts the student wrote, and its buffer, are not part of it; the entropy of the
teacher is part of the number, so that 0 means equal; every text weighs the same, however long it is.
Setting: tiny_lm. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.token_divergences import skew_kl
from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.methods.ranges import Weight
from workbench.records.annotations import Range
from workbench.records.provenance import Citation, Evidence


class SkewKL(TokenwiseMethod):
    """The skew divergence of DistiLLM, token by token.

    Args:
        skew: Share of the teacher in the mixture; 0.1 in the authors' code.
        soft_weight: Weight of the divergence; 1 in the authors' scripts for GPT-2.
        label_weight: Weight of the labels; 0 in them.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> half, quarter = torch.tensor([[1.0, 1.0]]).log(), torch.tensor([[1.0, 3.0]]).log()
        >>> SkewKL().divergence(quarter, half)
        tensor([0.1131])
    """

    citation = Citation(
        "DistiLLM: Towards Streamlined Distillation for Large Language Models",
        "Ko, Kim, Chen, Yun",
        "ICML",
        2024,
        "2402.03898",
    )
    evidence = Evidence(
        "code",
        "jongwooko/distillm (authors), distillm/losses.py and arguments.py at d47e77ff9d27721783b32213be38c1204230cc0a",
        "the mean over texts of the mean over tokens",
    )
    cost = "low"
    aliases = ("skl", "distillm")

    def __init__(
        self,
        skew: Annotated[float, Range(0.01, 0.99, 0.01)] = 0.1,
        soft_weight: Weight = 1.0,
        label_weight: Weight = 0.0,
    ) -> None:
        super().__init__(soft_weight, label_weight)
        self.skew = skew

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """The skew divergence."""
        return skew_kl(student_logits, teacher_logits, self.skew)
