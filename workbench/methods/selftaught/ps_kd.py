"""The student's answers of the last epoch soften its labels, the more the further it has come.

What the student said about a sample when it last saw it is kept in a bank and mixed into the label; its share grows with
every epoch, as the student becomes worth listening to. The past is detached; no teacher is needed, nothing is learnt
besides the student.

Formula:
    L = mean_b (1 - a_e) * CE(s_b, y_b) + a_e * CE(s_b, p_b),   a_e = final_share * e / E in epoch e of E
    p_b: probabilities of sample b when it was last seen, its label if never;  s: student logits (B, C);  y: labels (B,).

Faithful to: Kim et al., ICCV 2021, Eqs. 4 and 5, and the authors' code.
Departs from it: nothing. A sample without a label learns from its past alone, from its second time on.
Cost: memory for the last answer to every sample, N C numbers.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.divergences import soft_cross_entropy
from workbench.methods.method import Method
from workbench.methods.parts.bank import AnswerBank
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress
from workbench.records.trace import Trace


class PSKD(Method):
    """Progressive self-distillation.

    Args:
        final_share: Share of the past in the target at the end; 0.8 in the paper.

    Terms: ``labels`` and ``past``, (B,) each.

    Example:
        >>> PSKD(final_share=0.5).config()
        {'final_share': 0.5}
    """

    citation = Citation(
        "Self-Knowledge Distillation with Progressive Refinement of Targets",
        "Kim, Ji, Yoon, Hwang",
        "ICCV",
        2021,
        "2006.12000",
    )
    evidence = Evidence(
        "code",
        "lgcnsai/PS-KD-Pytorch (authors), main.py at 6ca4e75c85d94a9f0b00fba3fb72f2c7da5f7e31, loss/pskd_loss.py",
        "samples without a label",
    )
    progress = Progress("labels")
    terms = ("labels", "past")
    learns = Learns("nothing besides the student; keeps N x C probabilities of the transfer set, 4 GiB at most")
    partner = "itself: past"
    cost = "low"
    aliases = ("progressive_self_kd",)
    reads_teacher = False

    def __init__(self, final_share: Annotated[float, Range(0.0, 1.0, 0.05)] = 0.8) -> None:
        super().__init__()
        self.final_share = final_share
        self._epoch_share, self._epochs = 1.0, 1
        self._seen: tuple[Tensor, Tensor] | None = None

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the bank."""
        super().build(student_model, teacher_model, example, facts)
        self.bank, self._epochs = AnswerBank(facts.samples, facts.classes), facts.epochs

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage without a teacher."""
        return (StagePlan(teacher=None),)

    def schedule(self, progress: float) -> None:
        """The number of the epoch, as a share of all."""
        self._epoch_share = (int(progress * self._epochs + 1e-6) + 1) / self._epochs

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The labels and the past; the bank is written after the step."""
        share = self.final_share * self._epoch_share
        labels = self.label_loss(student, batch)
        answers, known = self.bank.recall(batch.ids)
        past = torch.where(known, soft_cross_entropy(student.logits, answers.to(student.logits)), labels)
        self._seen = batch.ids, torch.softmax(student.logits.detach(), 1)
        return {"labels": (1 - share) * labels, "past": share * past}

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """What was said is kept."""
        self.bank.keep(*self._seen)  # pyright: ignore[reportOptionalIterable] - forward sets it
