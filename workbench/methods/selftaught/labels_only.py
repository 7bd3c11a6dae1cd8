"""Learn from the labels and nobody else: the control every other method is compared with.

What a student reaches this way, with the same budget, seed and initialisation, is what distillation has to beat. Only
labelled samples are trained on, as many times as the budget allows.

Formula:
    L = mean_b CE(s_b, y_b)
    s: student logits (B, C);  y: labels (B,).

Faithful to: maximum likelihood of a categorical distribution, Bridle 1990.
Departs from it: nothing.
Setting: digits. On it we expect: the loss falls below that of a student that does not learn.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.maths.divergences import one_hot
from workbench.methods.method import Method
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class LabelsOnly(Method):
    """Training without a teacher.

    Terms: ``labels``, (B,).

    Example:
        >>> batch = Batch(torch.arange(2), torch.zeros(2, 1), labels=torch.tensor([0, 1]))
        >>> LabelsOnly()(Trace(torch.zeros(2, 4)), None, batch)["labels"].exp()
        tensor([4., 4.])
    """

    citation = Citation(
        "Probabilistic Interpretation of Feedforward Classification Network Outputs", "Bridle", "Neurocomputing", 1990
    )
    evidence = Evidence(
        "code",
        "HobbitLong/RepDistiller (benchmark code), helper/loops.py at 1fb2343fb5a61b37bedacac7630f07e3077d49cd",
        "no paper's recipe is followed",
    )
    progress = Progress("labels")
    terms = ("labels",)
    reads = Reads("outputs only")
    cost = "low"
    aliases = ("ce", "scratch", "vanilla")
    tasks = ("classification", "multilabel", "tokens", "dense", "regression")
    reads_teacher = False

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage on the labelled samples."""
        return (StagePlan(teacher=None, data="labelled"),)

    def targets(self, teacher: Trace, batch: Batch) -> tuple[Tensor, Tensor]:
        """One-hot labels, or the values of a regression; samples without a label weigh nothing."""
        if batch.labels is not None and batch.labels.is_floating_point():
            return batch.labels, torch.ones_like(teacher.outputs[:, 0])
        labels = torch.full_like(batch.ids, UNLABELLED) if batch.labels is None else batch.labels
        return one_hot(labels.clamp(min=0), teacher.logits), (labels != UNLABELLED).to(teacher.logits)

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The task's loss."""
        return {"labels": self.label_loss(student, batch)}
