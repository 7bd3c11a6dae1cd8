"""Match, at each position of a text, what the teacher expects to come next: distillation for models that write.

A label names one next token; the teacher's distribution names all that would have done, with their odds. The divergence
is the one of soft targets, position by position: the student must cover whatever the teacher may say, even where it cannot
do all of it, so that it rather spreads than forgets. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = soft_weight * mean KL( p || q ) + label_weight * mean CE(s, y)
    s, t: student and teacher logits (B, L, V), q = softmax(s), p = softmax(t);  the mean is over the positions of each text
    that count, then over texts;  y: next tokens (B, L).

Faithful to: Kim and Rush, EMNLP 2016, word-level distillation, with the weights of Ko et al. 2024's comparison code.
Departs from it: the entropy of the teacher is part of the number, so that 0 means equal; every text weighs the same, however
long it is, where the code averages over all tokens of a batch.
Setting: tiny_lm. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from torch import Tensor

from workbench.maths.token_divergences import word_kl
from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.records.provenance import Citation, Evidence


class WordLevelKD(TokenwiseMethod):
    """Word-level distillation.

    Args:
        soft_weight: Weight of the divergence; 1 in the comparison code.
        label_weight: Weight of the labels; 0 in it.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> half, quarter = torch.tensor([[1.0, 1.0]]).log(), torch.tensor([[1.0, 3.0]]).log()
        >>> WordLevelKD().divergence(quarter, half)
        tensor([0.1438])
    """

    citation = Citation("Sequence-Level Knowledge Distillation", "Kim, Rush", "EMNLP", 2016, "1606.07947")
    evidence = Evidence(
        "code",
        "jongwooko/distillm (comparison code), distillm/losses.py and finetune.py at "
        "d47e77ff9d27721783b32213be38c1204230cc0a",
        "the mean over texts of the mean over tokens",
    )
    cost = "low"
    aliases = ("word_kd", "forward_kl", "word_level_forward_kl")

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """The forward divergence."""
        return word_kl(student_logits, teacher_logits)
