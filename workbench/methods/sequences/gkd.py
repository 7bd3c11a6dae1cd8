"""Let the student make its own mistakes and hear at each token what the teacher would have said there.

A student that only ever reads texts of others meets its own words for the first time when it is used. Here a share of
the batches is written by the student as it stands; on these and on the given texts it matches the teacher's next-token
distributions by a divergence between the forward and the reverse one. The teacher is detached, and so is the writing;
nothing is learnt besides the student.

Formula:
    L = mean( beta * KL(p || m) + (1 - beta) * KL(q || m) ),   m = beta * p + (1 - beta) * q
    with beta = 0: mean KL(p || q);   with beta = 1: mean KL(q || p);
    s, t: student and teacher logits (B, L, V), q = softmax(s), p = softmax(t), read on the student's own texts with a
    probability of on_policy, else on those given;  the mean is over the positions of each text that count, then over
    texts.

Faithful to: Agarwal et al., ICLR 2024, Eq. 1 and Algorithm 1.
Departs from it: every text weighs the same, however long it is. At both ends of beta the divergence of Eq. 1 vanishes;
there the limits of its gradient take its place, as in the paper's experiments, so that the value jumps. A released
first version swapped the shares and mixed logarithms; that is not followed.
Cost: some 2 times the training of word-level distillation: where the student writes, it reads once for every token.
Setting: tiny_lm. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.token_divergences import jensen_shannon, reverse_kl, word_kl
from workbench.methods.parts.writing import WritingMethod, chance, prompts_of
from workbench.models.sampling import Sampling, draw
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence


class GKD(WritingMethod):
    """Generalised distillation on texts of the student's own.

    Args:
        on_policy: Share of the batches that the student writes; 0.5 in the reference code, 0 to 1 in the paper.
        beta: Between the forward divergence, 0, and the reverse one, 1; 0.5 in the reference code.

    Terms: ``soft``, (B,).

    Example:
        >>> half, fifth = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.2, 0.8]]).log()
        >>> GKD(beta=0.0).divergence(fifth, half)
        tensor([0.2231])
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
        "huggingface/trl (reference), trl/trainer/gkd_trainer.py at a9fa292c2d1df64c6f0189ebe32d37b46ce64438",
        "length of the texts: that of the longest response of the batch; the mean over texts of the mean over tokens",
    )
    cost = "medium"
    aliases = ("on_policy_distillation",)

    def __init__(
        self,
        on_policy: Annotated[float, Range(0.0, 1.0, 0.05)] = 0.5,
        beta: Annotated[float, Range(0.0, 1.0, 0.05)] = 0.5,
    ) -> None:
        super().__init__()
        self.on_policy, self.beta = on_policy, beta

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """The batch, or what the student makes of its prompts."""
        prompts_of(self.name, batch)
        if float(torch.rand(())) >= self.on_policy:
            return batch
        generator, sampling = chance(), Sampling(1)
        student = next(iter(students.values()))
        return self.written(batch, [student], lambda expected: draw(expected[0], sampling, generator))

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Between both, by ``beta``."""
        if self.beta == 0:
            return word_kl(student_logits, teacher_logits)
        if self.beta == 1:
            return reverse_kl(student_logits, teacher_logits)
        return jensen_shannon(student_logits, teacher_logits, self.beta)
