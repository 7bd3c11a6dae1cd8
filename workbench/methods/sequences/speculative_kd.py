"""The student writes, and the teacher replaces the tokens it would hardly have written itself.

Texts of a weak student are far from anything the teacher knows, texts of the teacher far from what the student does.
Here the student proposes each token; one that is not among the teacher's likeliest is replaced by a token of the
teacher's. So the texts begin near the teacher's and become the student's own as it learns. On them it matches the
teacher's next-token distributions. The teacher is detached, and so is the writing; nothing is learnt besides the
student.

Formula:
    y_n ~ q'(. | x, y_<n), and if y_n is not among the likely tokens with the largest p: y_n ~ p'(. | x, y_<n)
    L = mean KL(p || q)
    s, t: student and teacher logits (B, L, V), q = softmax(s), p = softmax(t);  q', p': the same at their temperatures
    and cut off at top_p;  x: prompt;  the mean is over the tokens of each text, then over texts.

Faithful to: Xu et al., ICLR 2025, Algorithm 1, and the authors' code.
Departs from it: tokens are proposed and judged one by one instead of five at a time, which changes the speed only; the
teacher ranks all tokens, not those its own sampling would leave; every text weighs the same, however long it is.
Cost: 5 times a step of word-level distillation and more: both models read once for every token that is written.
Setting: tiny_lm. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from torch import Tensor, nn

from workbench.maths.behaviours import interleaved
from workbench.maths.token_divergences import word_kl
from workbench.maths.tokens import check_vocabularies
from workbench.methods.parts.writing import WritingMethod, chance
from workbench.models.sampling import Sampling, distribution, draw
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence

Heat = Annotated[float, Range(0.1, 2.0, 0.1)]


class SpeculativeKD(WritingMethod):
    """Interleaved sampling.

    Args:
        likely: So many of the teacher's likeliest tokens are accepted; 25 in the paper, whose vocabularies are large.
        student_temperature: At which the student proposes; 0.5 in the authors' code.
        teacher_temperature: At which the teacher replaces; 0.2 in the authors' code.
        top_p: Nucleus of both; 0.5 in the authors' code.

    Terms: ``soft``, (B,).

    Example:
        >>> import torch
        >>> half, fifth = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.2, 0.8]]).log()
        >>> SpeculativeKD().divergence(fifth, half)
        tensor([0.2231])
    """

    citation = Citation(
        "Speculative Knowledge Distillation: Bridging the Teacher-Student Gap Through Interleaved Sampling",
        "Xu, Han, Wang, Le, Madeka, Li, Wang, Agarwal, Lee, Pfister",
        "ICLR",
        2025,
        "2410.11325",
    )
    evidence = Evidence(
        "code",
        "google-research/google-research (authors), speculative_kd/transformers/utils.py at "
        "4c4299485319ed72ef782020c81784be5468924e, speculative_kd/train/ddp_skd.py and config/kd_train.yaml beside it",
        "length of the texts: that of the longest response of the batch; the mean over texts of the mean over tokens",
    )
    cost = "high"
    aliases = ("skd",)

    def __init__(
        self,
        likely: Annotated[int, Range(1, 1000, 1)] = 25,
        student_temperature: Heat = 0.5,
        teacher_temperature: Heat = 0.2,
        top_p: Annotated[float, Range(0.05, 1.0, 0.05)] = 0.5,
    ) -> None:
        super().__init__()
        self.likely, self.top_p = likely, top_p
        self.student_temperature, self.teacher_temperature = student_temperature, teacher_temperature

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """What student and teacher make of the prompts together."""
        generator = chance()
        own, theirs = (Sampling(1, heat, self.top_p) for heat in (self.student_temperature, self.teacher_temperature))

        def choose(expected: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
            student, teacher = expected
            check_vocabularies(student, teacher)
            likeliest = teacher.topk(min(self.likely, teacher.shape[1]), 1).indices
            shares = interleaved(distribution(student, own), distribution(teacher, theirs), likeliest)
            return draw(shares.log(), Sampling(1), generator)

        return self.written(batch, [next(iter(students.values())), self._teacher], choose)

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """The forward one."""
        return word_kl(student_logits, teacher_logits)
