"""Match the probabilities themselves: no token counts more than the probability that is misplaced on it.

Divergences with a logarithm punish a tiny probability that should be tinier as hard as a gross error. Half the sum of
absolute differences is bounded and treats student and teacher alike: it is the probability one would have to move to turn
one distribution into the other. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = soft_weight * mean( 1/2 * sum over tokens of |p - q| ) + label_weight * mean CE(s, y)
    s, t: student and teacher logits (B, L, V), q = softmax(s), p = softmax(t);  the mean is over the positions of each text
    that count, then over texts;  y: next tokens (B, L).

Faithful to: Wen et al., ACL 2023, the word-level step of their total variation distance, in Ko et al. 2024's comparison code.
Departs from it: the texts are those of the transfer set, where the paper's are samples of both models; every text weighs
the same, however long it is.
Setting: tiny_lm. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from torch import Tensor

from workbench.maths.token_divergences import total_variation
from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.records.provenance import Citation, Evidence


class TotalVariation(TokenwiseMethod):
    """The total variation distance, token by token.

    Args:
        soft_weight: Weight of the divergence; 1 in the comparison code.
        label_weight: Weight of the labels; 0 in it.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> half, quarter = torch.tensor([[1.0, 1.0]]).log(), torch.tensor([[1.0, 3.0]]).log()
        >>> TotalVariation().divergence(quarter, half)
        tensor([0.2500])
    """

    citation = Citation(
        "f-Divergence Minimization for Sequence-Level Knowledge Distillation",
        "Wen, Li, Du, Mou",
        "ACL",
        2023,
        "2307.15190",
    )
    evidence = Evidence(
        "code",
        "jongwooko/distillm (comparison code), distillm/losses.py at d47e77ff9d27721783b32213be38c1204230cc0a",
        "the mean over texts of the mean over tokens",
    )
    cost = "low"
    aliases = ("tvd",)

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """The total variation distance."""
        return total_variation(student_logits, teacher_logits)
