"""Raise what the teacher writes and lower what only the student would write: each kind of text has a divergence of its own.

On the teacher's texts the forward divergence pulls the student's probabilities up; on the student's own the reverse one pushes
down what the teacher would not have said. A little of one side is mixed into the other: more for texts on which they are
still far apart. The student's texts count more and more. Teacher, writing, skews and the student in the reverse mixture are
detached; nothing is learnt besides the student.

Formula:
    L = mean over texts of  (2 - beta) * KL( p || a * p + (1 - a) * q )   where the teacher has written it,
                            beta * KL( q || a * q' + (1 - a) * p )        where the student has written it
    q = softmax(s), p = softmax(t);  s, t: student and teacher logits (B, L, V);  q' is q, held;  beta = 1 + min(progress, 1/2);
    of each text the mean over its tokens;  a = clip(1 - (1 - skew) * first / (gap + 1e-5), 0.01, skew) for each text;
    gap: how much likelier (geometric mean over tokens) its writer finds it than the other side;  first: the mean gap of the
    writer's texts in the first tenth of the run, where a = skew.  Without the curriculum a = skew and beta = 1.

Faithful to: Ko et al., ICML 2025, the contrastive loss, with the authors' code for the curricula, which it switches off.
Departs from it: each prompt gets one text at each step, half of them from either side, where the paper lets both write one
before an epoch; skews are detached, and compared with the gaps of a tenth of the run instead of one interval of the log.
Cost: 4 times a step of word-level distillation and more: both sides read once for every token that is written.
Setting: tiny_lm. On it we expect: the term of the teacher's texts falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.token_divergences import skew_kl, skew_reverse_kl
from workbench.maths.tokens import check_vocabularies
from workbench.methods.parts.tokenwise import mean_over
from workbench.methods.parts.writing import WritingMethod, chance
from workbench.models.sampling import Sampling, draw
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Learns, Progress
from workbench.records.trace import Trace

LEAST, MARGIN = 0.01, 1e-5
"""Smallest skew, and what keeps its quotient finite, in the code of Ko et al., ICML 2025."""


def likelihood(logits: Tensor, labels: Tensor, counted: Tensor) -> Tensor:
    """The geometric mean of the probabilities of a text's tokens, (B, L, V) with (B, L) and (B, L) bool -> (B,)."""
    logs = logits.log_softmax(2).gather(2, labels.clamp(min=0)[..., None]).squeeze(2)
    return mean_over(logs, counted).exp()


class FirstGaps(nn.Module):
    """The mean gap of the texts of each of two writers, over those it was shown.

    Attributes:
        total: (2,), sums of the gaps.
        count: (2,), numbers of texts.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        super().__init__()
        self.register_buffer("total", torch.zeros(2))
        self.register_buffer("count", torch.zeros(2))

    def observe(self, gap: Tensor, writer: Tensor) -> None:
        """Take further texts into the means; their gaps, (B,), and whose they are, (B,) 0 or 1."""
        self.total.index_add_(0, writer, gap.to(self.total))
        self.count.index_add_(0, writer, torch.ones_like(gap).to(self.count))

    def skews(self, gap: Tensor, writer: Tensor, largest: float) -> Tensor:
        """The skew of each text, (B,): ``largest`` where it is as far from the other side as at first, less where not.

        It is 1 - (1 - largest) * first / (gap + margin), between 0.01 and ``largest``; arguments as in ``observe``.
        """
        first = (self.total / self.count.clamp(min=1)).to(gap)[writer]
        return (1 - (1 - largest) * first / (gap + MARGIN)).clamp(LEAST, largest)


TEMPERATURE = 0.8
"""Of the texts, in the authors' code."""
BEGINNING = 0.1
"""Share of the run in which the gaps are measured that later ones are compared with."""


class DistiLLM2(WritingMethod):
    """Contrastive distillation on texts of both sides.

    Args:
        skew: Largest share of a text's writer in the mixture; 0.1 in the authors' code.
        curriculum: Skews of their own for each text and a growing weight of the student's texts, as in the paper.

    Terms: ``teacher_texts`` and ``student_texts``, (B,) each, 0 for the texts of the other side.

    Example:
        >>> DistiLLM2().config()
        {'skew': 0.1, 'curriculum': True}
    """

    citation = Citation(
        "DistiLLM-2: A Contrastive Approach Boosts the Distillation of LLMs",
        "Ko, Chen, Kim, Ding, Liang, Zharkov, Yun",
        "ICML",
        2025,
        "2503.07067",
    )
    evidence = Evidence(
        "code",
        "jongwooko/distillm-2 (authors), src/distillm_trainer.py at fe4cf9bfbb4f83219dd1d69219800164b59685fa",
        "length of the texts: that of the longest response of the batch; what the first gaps are measured on",
    )
    progress = Progress("teacher_texts")
    terms = ("teacher_texts", "student_texts")
    learns = Learns("nothing besides the student; the gaps at the beginning are kept with the run")
    cost = "high"
    aliases = ("cald",)

    def __init__(self, skew: Annotated[float, Range(0.02, 0.5, 0.01)] = 0.1, *, curriculum: bool = True) -> None:
        super().__init__()
        self.skew, self.curriculum = skew, curriculum
        self.first = FirstGaps()
        self._done = 0.0

    def schedule(self, progress: float) -> None:
        """The weights."""
        self._done = progress

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """Each prompt with one text; ``extras["by_teacher"]``, (B,) bool, says whose it is."""
        generator, order, sampling = chance(), batch.ids.argsort(), Sampling(1, TEMPERATURE)
        theirs = (torch.randperm(len(order), generator=generator) % 2 == 0).to(order.device)

        def choose(expected: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
            check_vocabularies(*expected)
            return draw(torch.where(theirs[:, None], expected[1], expected[0]), sampling, generator)

        made = self.written(batch, [next(iter(students.values())), self._teacher], choose)
        return made.but(extras={**made.extras, "by_teacher": theirs[order.argsort()]})

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The divergence of each text by its writer."""
        own, theirs, counted = self.compared(student, teacher, batch)
        by_teacher = batch.extras["by_teacher"]
        mine, other = (likelihood(logits, batch.labels, counted) for logits in (own.detach(), theirs))
        self._gaps = torch.where(by_teacher, other - mine, mine - other), (~by_teacher).long()
        beta, skew = 1 + min(self._done, 0.5) if self.curriculum else 1.0, self._skews()[:, None]
        raised = mean_over(skew_kl(own, theirs, skew), counted)
        lowered = mean_over(skew_reverse_kl(own, theirs, skew, held=True), counted)
        return {"teacher_texts": (2 - beta) * raised * by_teacher, "student_texts": beta * lowered * ~by_teacher}

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """Measures the gaps at the beginning."""
        if self._done < BEGINNING:
            read = batch.mask.any(1)
            self.first.observe(*(part[read] for part in self._gaps))

    def _skews(self) -> Tensor:
        if self.curriculum and self._done >= BEGINNING:
            return self.first.skews(*self._gaps, self.skew)
        return torch.full_like(self._gaps[0], self.skew)
