"""Treat the teacher as a judge of whole texts: write, and write more of what it finds likelier than oneself.

The reverse divergence between whole texts keeps a small student from saying what the teacher would not. Its gradient
is a policy gradient, made calmer in three ways: what a single token does is computed exactly and only what comes after
it is estimated; the teacher writes a share of the tokens, so that the student cannot please it with nonsense; and a
token is credited with the mean, not the sum, of what comes after it, so that short texts are not preferred. The
teacher is detached, and so is the writing; nothing is learnt besides the student.

Formula:
    single_step = mean_n sg(w_n) * KL(q_n || p_n)
    long_term = - mean_n min( w_n * R_n, clamp(w_n, 1 - clip, 1 + clip) * R_n )
    w_n = q_n(y_n) / ( (1 - teacher_share) * q_n(y_n) + teacher_share * p_n(y_n) )
    R_n = sg mean_{k > n} log( p_k(y_k) / q_k(y_k) ), 0 after the last token
    q_n, p_n: student's and teacher's distributions of token n of a text y, drawn from the denominator of w;
    sg: no gradient;  means are over the tokens of each text, then over texts.

Faithful to: Gu et al., ICLR 2024, Eq. 7 and Algorithm 1.
Departs from it: every text serves one step instead of four, so that the denominator is that of the student as it
stands; there is no loss on a pretraining corpus, which a setting does not have; credits are neither whitened nor
discounted, as they are in the authors' code and not in the paper.
Cost: 4 times a step of word-level distillation and more: both models read once for every token that is written.
Setting: tiny_lm, from a student that has seen texts before. On it we expect: the single-step term falls below that of
a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.behaviours import mixed
from workbench.maths.token_divergences import reverse_kl
from workbench.maths.tokens import check_vocabularies
from workbench.methods.parts.tokenwise import mean_over
from workbench.methods.parts.writing import WritingMethod, chance
from workbench.models.sampling import Sampling, draw
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class MiniLLM(WritingMethod):
    """Policy gradient of the reverse divergence between texts.

    Args:
        teacher_share: Probability with which the teacher writes a token; 0.2 in the paper.
        clip: How far one step may trust the ratio of probabilities; 0.2 in the authors' code.

    Terms: ``single_step`` and ``long_term``, (B,) each; the second one's gradient is meant, not its value.

    Example:
        >>> MiniLLM(teacher_share=0.0).config()
        {'teacher_share': 0.0, 'clip': 0.2}
    """

    citation = Citation(
        "MiniLLM: Knowledge Distillation of Large Language Models", "Gu, Dong, Wei, Huang", "ICLR", 2024, "2306.08543"
    )
    evidence = Evidence(
        "code",
        "microsoft/LMOps (authors), minillm/minillm/losses.py at 7b14befcfabd699129d5223500c47742f31b4d88, "
        "minillm/minillm/sampler.py, minillm/minillm/reward.py and minillm/scripts/gpt2/minillm/train_base_xl.sh",
        "length of the texts: that of the longest response of the batch; the mean over texts of the mean over tokens",
    )
    progress = Progress("single_step")
    terms = ("single_step", "long_term")
    cost = "high"

    def __init__(
        self,
        teacher_share: Annotated[float, Range(0.0, 0.95, 0.05)] = 0.2,
        clip: Annotated[float, Range(0.05, 1.0, 0.05)] = 0.2,
    ) -> None:
        super().__init__()
        self.teacher_share, self.clip = teacher_share, clip

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """What the student makes of the prompts, the teacher taking its share."""
        generator = chance()

        def choose(expected: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
            student, teacher = expected
            check_vocabularies(student, teacher)
            shares = mixed(student.double().softmax(1), teacher.double().softmax(1), self.teacher_share)
            return draw(shares.log(), Sampling(1), generator)

        return self.written(batch, [next(iter(students.values())), self._teacher], choose)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """Both parts on what was written."""
        own_logits, theirs, counted = self.compared(student, teacher, batch)
        words = batch.labels.clamp(min=0)[..., None]
        own, judged = (x.log_softmax(2).gather(2, words).squeeze(2) for x in (own_logits, theirs))
        ratio = (own - batch.extras["behaviour"].to(own)).masked_fill(~counted, 0).exp()
        credit = _mean_to_come((judged - own).detach(), counted)
        single = ratio.detach() * reverse_kl(own_logits, theirs)
        gain = _clipped_gain(ratio, credit, self.clip)
        return {"single_step": mean_over(single, counted), "long_term": -mean_over(gain, counted)}


def _mean_to_come(rewards: Tensor, counted: Tensor) -> Tensor:
    """The mean reward of the tokens after each one, (B, L) with (B, L) bool -> (B, L); 0 where none comes.

    A mean instead of a sum, so that long texts are neither shunned nor sought.

    Example:
        >>> _mean_to_come(torch.tensor([[9.0, 1.0, 3.0, 7.0]]), torch.tensor([[True, True, True, False]]))
        tensor([[2., 3., 0., 0.]])
    """
    kept, ones = rewards.masked_fill(~counted, 0), counted.to(rewards)
    return _after(kept) / _after(ones).clamp(min=1)


def _clipped_gain(ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """What is to be maximised, after Schulman et al. 2017, Eq. 7: a ratio farther from 1 than clip gains nothing.

    Args:
        ratio: probability of a token now to that with which it was drawn, any shape.
        advantage: what it is credited with, the same shape.
        clip: above 0.
    """
    return torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def _after(values: Tensor) -> Tensor:
    return values.flip(1).cumsum(1).flip(1) - values
