"""Ask that the student says nothing the teacher would not say, instead of everything the teacher might.

A small model cannot cover all that a large one may write. Forced to, it gives weight to what nobody would say; with the
divergence turned round, it is free to leave things out, but pays for each token that the teacher finds unlikely. So it
settles on what the teacher is surest of. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = soft_weight * mean KL( q || p ) + label_weight * mean CE(s, y)
    s, t: student and teacher logits (B, L, V), q = softmax(s), p = softmax(t);  the mean is over the positions of each text
    that count, then over texts;  y: next tokens (B, L).

Faithful to: Wen et al., ACL 2023, the word-level step of their reverse divergence, in Ko et al. 2024's comparison code.
Departs from it: the texts are those of the transfer set, where the paper's are samples of the student; every text weighs
the same, however long it is.
Setting: tiny_lm. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from torch import Tensor

from workbench.maths.token_divergences import reverse_kl
from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.records.provenance import Citation, Evidence


class ReverseKL(TokenwiseMethod):
    """The reverse divergence, token by token.

    Args:
        soft_weight: Weight of the divergence; 1 in the comparison code.
        label_weight: Weight of the labels; 0 in it.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> half, quarter = torch.tensor([[1.0, 1.0]]).log(), torch.tensor([[1.0, 3.0]]).log()
        >>> ReverseKL().divergence(quarter, half)
        tensor([0.1308])
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
    aliases = ("rkl",)

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """The reverse divergence."""
        return reverse_kl(student_logits, teacher_logits)
