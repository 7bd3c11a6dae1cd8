"""Compare student and teacher with their mixture: somewhere between covering all the teacher says and keeping to its surest.

Both divergences to the mixture are bounded, however sure either side is, and beta moves the emphasis: near 0 the gradient is
that of the forward divergence, near 1 that of the reverse one. But the number itself shrinks to 0 at either end, it does not
become these divergences; so the ends are not allowed, instead of meaning something else there. The teacher is detached;
nothing is learnt besides the student.

Formula:
    L = soft_weight * mean( beta * KL(p || m) + (1 - beta) * KL(q || m) ) + label_weight * mean CE(s, y)
    m = beta * p + (1 - beta) * q;
    s, t: student and teacher logits (B, L, V), q = softmax(s), p = softmax(t);  the mean is over the positions of each text
    that count, then over texts;  y: next tokens (B, L).

Faithful to: Agarwal et al., ICLR 2024, Eq. 1, on the texts of the transfer set.
Departs from it: beta stays away from 0 and 1, where others switch to a plain divergence and the loss jumps; every text
weighs the same, however long it is.
Setting: tiny_lm. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.token_divergences import jensen_shannon
from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.methods.ranges import Weight
from workbench.records.annotations import Range
from workbench.records.provenance import Citation, Evidence


class JensenShannon(TokenwiseMethod):
    """The generalised Jensen-Shannon divergence, token by token.

    Args:
        beta: Share of the teacher in the mixture, and weight of its divergence; 0.5 in the reference code.
        soft_weight: Weight of the divergence; 1 in the reference code.
        label_weight: Weight of the labels; 0 in it.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> half, quarter = torch.tensor([[1.0, 1.0]]).log(), torch.tensor([[1.0, 3.0]]).log()
        >>> JensenShannon().divergence(quarter, half)
        tensor([0.0338])
    """

    citation = Citation(
        "On-Policy Distillation of Language Models: Learning from Self-Generated Mistakes",
        "Agarwal, Vieillard, Zhou, Stanczyk, Ramos, Geist, Bachem",
        "ICLR",
        2024,
        "2306.13649",
    )
    evidence = Evidence(
        "code",
        "huggingface/trl (reference code), trl/experimental/gkd/gkd_trainer.py at "
        "f2cd57710ae345ea6428ae95363267fcf38a3dc8",
        "the mean over texts of the mean over tokens",
    )
    cost = "low"
    aliases = ("jsd", "gjsd")

    def __init__(
        self,
        beta: Annotated[float, Range(0.01, 0.99, 0.01)] = 0.5,
        soft_weight: Weight = 1.0,
        label_weight: Weight = 0.0,
    ) -> None:
        super().__init__(soft_weight, label_weight)
        self.beta = beta

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """The divergence of both from their mixture."""
        return jensen_shannon(student_logits, teacher_logits, self.beta)
