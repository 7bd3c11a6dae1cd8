"""Two samples of one class should be answered alike, wrong classes included: each teaches the other.

A net that is sure for reasons of one sample's own is held back by what it says of its classmates. In a step every labelled
sample learns from all others of its class in the batch. They are detached; no teacher is needed, nothing is learnt besides
the student.

Formula:
    L = mean_b CE(s_b, y_b) + weight * T^2 * mean_b mean_{c in M(b)} KL( softmax(s_c / T) || softmax(s_b / T) )
    M(b): the other samples of the batch with the label y_b;  s: student logits (B, C);  y: labels (B,).

Faithful to: Yun et al., CVPR 2020, Eqs. 2 and 3, and the authors' code.
Departs from it: the classmates are those in the batch, all of them, instead of one that is drawn from the whole class and
shown beside the batch; so there is no second forward pass, and a sample alone in its class learns from its label only, as
one without a label does from nobody. Use batches of several samples per class.
Cost: memory for B^2 numbers.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.maths.divergences import pairwise_kl
from workbench.methods.method import Method
from workbench.methods.parts.memory import SMALLER_BATCHES, refuse_larger
from workbench.methods.parts.weighting import weights_of
from workbench.methods.ranges import Temperature, Weight
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class CSKD(Method):
    """Class-wise self-distillation.

    Args:
        temperature: Softens the answers; 4 in the authors' code.
        weight: Weight of the classmates; 1 in the authors' code.

    Terms: ``labels`` and ``classmates``, (B,) each.

    Example:
        >>> batch = Batch(torch.arange(2), torch.zeros(2, 1), labels=torch.tensor([1, 1]))
        >>> sorted(CSKD()(Trace(torch.eye(2, 3)), None, batch))
        ['classmates', 'labels']
    """

    citation = Citation(
        "Regularizing Class-Wise Predictions via Self-Knowledge Distillation",
        "Yun, Park, Lee, Shin",
        "CVPR",
        2020,
        "2003.13964",
    )
    evidence = Evidence("code", "alinlab/cs-kd (authors), train.py at b706db95fce9c6f59d71fcf2a472ee724e443770")
    progress = Progress("labels")
    terms = ("labels", "classmates")
    reads = Reads("logits only; all pairs of the batch, (B, B)")
    partner = "itself: classmates"
    cost = "low"
    aliases = ("class_wise_self_kd",)
    reads_teacher = False

    def __init__(self, temperature: Temperature = 4.0, weight: Weight = 1.0) -> None:
        super().__init__()
        self.temperature, self.weight = temperature, weight

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage on the labelled samples."""
        return (StagePlan(teacher=None, data="labelled"),)

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The labels and the classmates."""
        refuse_larger("divergences of all pairs", (len(batch.ids),) * 2, student.logits, SMALLER_BATCHES)
        others = _classmates(batch) * weights_of(batch, student.logits)
        divergences = pairwise_kl(student.logits, student.logits.detach(), self.temperature)
        classmates = (divergences * others).sum(1) / others.sum(1).clamp(min=1e-12)
        return {
            "labels": self.label_loss(student, batch),
            "classmates": self.weight * self.temperature**2 * classmates,
        }


def _classmates(batch: Batch) -> Tensor:
    """Who shares a row's label without being it, (B, B) boolean."""
    if batch.labels is None:
        return torch.zeros(len(batch.ids), len(batch.ids), dtype=torch.bool, device=batch.ids.device)
    same = (batch.labels == batch.labels[:, None]) & (batch.labels != UNLABELLED)
    return same.fill_diagonal_(fill_value=False)
