"""Ask of each label apart how sure the teacher is that it applies: a sample may have several, so no softmax ties them.

One decision per label takes the place of one choice among classes. Each is a distribution over yes and no, and the student
is to give the teacher's. What is unknown to the labels is known to the teacher, so every entry takes part. The teacher is
detached; nothing is learnt besides the student.

Formula:
    L = label_weight * mean_b mean_k BCE(s_bk, y_bk) + soft_weight * T^2 * mean_b mean_k KL( B(t_bk / T) || B(s_bk / T) )
    B(z): the distribution over yes and no with sigmoid(z) for yes;  s, t: logits (B, C);  y: entries (B, C), k of those known.

Faithful to: Yang et al., ICCV 2023, the multi-label logits distillation of L2D, and the authors' code.
Departs from it: the label-wise embeddings of L2D are left out; both terms are means over the entries, where that code sums the
cross-entropy over the batch and averages the divergence over it, which at its batch of 64 makes its weight of 10 one of 10 / 64.
Setting: one's own, of the task multilabel. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from torch import Tensor

from workbench.maths.divergences import binary_kl
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress


class MultiLabelKD(ResponseMethod):
    """One binary distribution per label.

    Args:
        temperature: Softens both decisions; 1 in the authors' code.
        soft_weight: Weight of the soft term; 10 / 64 is the authors' at their batch size.
        label_weight: Weight of the labels; 1 in the authors' code.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> same = torch.tensor([[3.0, -4.0]])
        >>> MultiLabelKD().match(same, same, None)["soft"]
        tensor([0.])
    """

    citation = Citation(
        "Multi-Label Knowledge Distillation", "Yang, Xie, Zong, Feng, Niu, Sugiyama, Huang", "ICCV", 2023, "2308.06453"
    )
    evidence = Evidence(
        "code",
        "penghui-yang/L2D (authors), criterion/distiller_zoo/logits_based/mld.py at "
        "e3c438ad074bf5c1c49031e3b08828855a7b7f81, criterion/loss/bce.py and configs/coco/resnet101_to_resnet34_l2d.py",
        "entries without a label",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = None
    aliases = ("l2d",)
    tasks = ("multilabel",)

    def __init__(
        self, temperature: Temperature = 1.0, soft_weight: Weight = 10 / 64, label_weight: Weight = 1.0
    ) -> None:
        super().__init__()
        self.temperature, self.soft_weight, self.label_weight = temperature, soft_weight, label_weight

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The soft term."""
        divergence = binary_kl(student_logits, teacher_logits, self.temperature).mean(1)
        return {"soft": self.soft_weight * self.temperature**2 * divergence}
