"""Labels that leave a little probability to every class, as if a teacher knew nothing about the wrong ones.

The second control: what a soft target gives a student by being soft alone. The smoothed cross-entropy is a pair of
losses, one to the label and one to the uniform distribution, and both are shown. Only labelled samples are trained on.

Formula:
    L = (1 - epsilon) * mean_b CE(s_b, y_b) + epsilon * mean_b CE(s_b, u),   u_k = 1 / C
    s: student logits (B, C);  y: labels (B,).

Faithful to: Szegedy et al., CVPR 2016, section 7.
Departs from it: nothing.
Setting: digits. On it we expect: the label part falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from workbench.maths.divergences import one_hot, soft_cross_entropy
from workbench.methods.method import Method
from workbench.records.annotations import Range
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class LabelSmoothing(Method):
    """Cross-entropy to smoothed labels.

    Args:
        epsilon: Probability that is taken from the label and shared out evenly; 0.1 in the paper.

    Terms: ``labels`` and ``reg_uniform``, (B,) each.

    Example:
        >>> batch = Batch(torch.arange(2), torch.zeros(2, 1), labels=torch.tensor([0, 1]))
        >>> sorted(LabelSmoothing()(Trace(torch.zeros(2, 4)), None, batch))
        ['labels', 'reg_uniform']
    """

    citation = Citation(
        "Rethinking the Inception Architecture for Computer Vision",
        "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna",
        "CVPR",
        2016,
        "1512.00567",
    )
    evidence = Evidence(
        "code",
        "huggingface/pytorch-image-models (not the authors), timm/loss/cross_entropy.py at "
        "aa4354f4668ee7cf349f24de60e3a23dee43a6ef",
    )
    progress = Progress("labels")
    terms = ("labels", "reg_uniform")
    cost = "low"
    aliases = ("ls", "lsr")
    reads_teacher = False

    def __init__(self, epsilon: Annotated[float, Range(0.0, 0.9, 0.01)] = 0.1) -> None:
        super().__init__()
        self.epsilon = epsilon

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage on the labelled samples."""
        return (StagePlan(teacher=None, data="labelled"),)

    def targets(self, teacher: Trace, batch: Batch) -> tuple[Tensor, Tensor]:
        """Smoothed labels; samples without a label weigh nothing."""
        labels = torch.full_like(batch.ids, UNLABELLED) if batch.labels is None else batch.labels
        hard = one_hot(labels.clamp(min=0), teacher.logits)
        return (1 - self.epsilon) * hard + self.epsilon / hard.shape[1], (labels != UNLABELLED).to(hard)

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The pair of losses."""
        uniform = torch.full_like(student.logits, 1 / student.logits.shape[1])
        return {
            "labels": (1 - self.epsilon) * self.label_loss(student, batch),
            "reg_uniform": self.epsilon * soft_cross_entropy(student.logits, uniform),
        }
