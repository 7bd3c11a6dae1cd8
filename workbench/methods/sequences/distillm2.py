"""Raise what the teacher writes and lower what only the student would write: each kind of text has a divergence of its own.

On the teacher's texts the forward divergence pulls the student's probabilities up; on the student's own texts the reverse one
pushes down what the teacher would not have said. Both are skewed: a little of one side is mixed into the other. Texts on
which the two sides are still far apart get more of it, judged by how likely either finds the text, and the student's texts
count more and more. The skews, the student in the reverse mixture and the teacher are detached; so is the writing, of which
each prompt gets one text at each step, half of them from either side. Nothing is learnt besides the student.

Formula:
    L = mean over texts of  (2 - beta) * KL( p || a * p + (1 - a) * q )   where the teacher has written it,
                            beta * KL( q || a * q' + (1 - a) * p )        where the student has written it
    q = softmax(s), p = softmax(t);  s, t: student and teacher logits (B, L, V);  q' is q, held;  of each text the mean over
    the tokens written;  beta = 1 + min(progress, 1/2);
    a = clip(1 - (1 - skew) * first / (gap + 1e-5), 0.01, skew), for each text;  gap: how much likelier its writer finds it
    than the other side, likelihoods being geometric means over its tokens;  first: the mean gap of the texts of that writer
    in the first tenth of the run, during which a = skew.  Without the curriculum a = skew and beta = 1 throughout.

Faithful to: Ko et al., ICML 2025, the contrastive loss, with the authors' code for the curricula, which it switches off.
Departs from it: one text for a prompt and step, written at that step by one of both, where the paper lets each write one
before an epoch; the skews are detached, and the gaps they start from are those of the first tenth instead of one interval
of the log.
Setting: tiny_lm. On it we expect: the term of the teacher's texts falls below that of a student that does not learn. A step
costs more than three of kd, since both sides read once for every token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.functional.token_divergences import skew_kl, skew_reverse_kl
from workbench.functional.tokens import check_vocabularies
from workbench.methods.tokenwise import mean_over
from workbench.methods.writing import WritingMethod, chance
from workbench.models.sampling import Sampling, draw
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace

TEMPERATURE = 0.8
"""Of the texts, in the authors' code."""
LEAST, MARGIN = 0.01, 1e-5
"""Smallest skew, and what keeps its quotient finite, in the authors' code."""
BEGINNING = 0.1
"""Share of the run in which the gaps are measured that later ones are compared with."""


class DistiLLM2(WritingMethod):
    """Contrastive distillation on texts of both sides.

    Args:
        skew: Largest share of a text's writer in the mixture; 0.1 in the authors' code.
        curriculum: Skews of their own for each text and a growing weight of the student's texts, as in the paper.

    Terms: ``teacher_texts`` and ``student_texts``, (B,) each, 0 for the texts of the other side.
    Reads: logits; prompts in ``batch.extras``.
    Learns: nothing besides the student; the gaps at the beginning are kept with the run.

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
    aliases = ("cald",)

    def __init__(self, skew: Annotated[float, Range(0.02, 0.5, 0.01)] = 0.1, *, curriculum: bool = True) -> None:
        super().__init__()
        self.skew, self.curriculum = skew, curriculum
        self.register_buffer("gaps", torch.zeros(2))
        self.register_buffer("counts", torch.zeros(2))
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
        theirs, counted = self.compared(student, teacher, batch)
        by_teacher = batch.extras["by_teacher"]
        self._gap = _gap(student.logits.detach(), theirs, batch.labels, counted, by_teacher), by_teacher
        skew, own = self.skews(*self._gap)[:, None], ~by_teacher
        raised = skew_kl(student.logits[by_teacher], theirs[by_teacher], skew[by_teacher])
        lowered = skew_reverse_kl(student.logits[own], theirs[own], skew[own], held=True)
        beta = 1 + min(self._done, 0.5) if self.curriculum else 1.0
        return {
            "teacher_texts": (2 - beta) * _spread(mean_over(raised, counted[by_teacher]), by_teacher),
            "student_texts": beta * _spread(mean_over(lowered, counted[own]), own),
        }

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """Measures the gaps at the beginning."""
        if self._done < BEGINNING:
            gap, by_teacher = self._gap
            for writer, rows in enumerate((by_teacher, ~by_teacher)):
                self.gaps[writer] += gap[rows].sum()
                self.counts[writer] += rows.sum()

    def skews(self, gap: Tensor, by_teacher: Tensor) -> Tensor:
        """The share of the writer in the mixture of each text, (B,).

        Args:
            gap: (B,), how much likelier its writer finds each text than the other side.
            by_teacher: (B,) bool, whose each text is.
        """
        if not self.curriculum or self._done < BEGINNING:
            return torch.full_like(gap, self.skew)
        first = (self.gaps / self.counts.clamp(min=1)).to(gap)
        quotient = torch.where(by_teacher, first[0], first[1]) / (gap + MARGIN)
        return (1 - (1 - self.skew) * quotient).clamp(LEAST, self.skew)


def _gap(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, counted: Tensor, by_teacher: Tensor) -> Tensor:
    """How much likelier the writer finds each text than the other side, (B,)."""
    places = labels.clamp(min=0)[..., None]
    mine, theirs = (
        mean_over(logits.log_softmax(2).gather(2, places).squeeze(2), counted).exp()
        for logits in (student_logits, teacher_logits)
    )
    return torch.where(by_teacher, theirs - mine, mine - theirs)


def _spread(values: Tensor, rows: Tensor) -> Tensor:
    """Values (K,) at the K rows that are True, 0 at the others, (B,)."""
    return values.new_zeros(len(rows)).masked_scatter(rows, values)
