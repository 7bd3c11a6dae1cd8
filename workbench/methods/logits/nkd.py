"""Label and teacher agree on what the target is, so learn it from both; the other classes are normalised first.

The cross-entropy to soft targets has a part for the target, which is the label's loss with the teacher's confidence as
its weight, and a part for the other classes, whose probabilities sum to different numbers for student and teacher and
cannot match. Normalised on both sides they can. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + mean_b p_b * CE(s_b, y_b) + gamma * T^2 * mean_b KL(n_t,b || n_s,b)
    p_b: the teacher's probability of y_b at temperature 1;  n: probabilities among the other classes at temperature T
    s, t: logits (B, C);  y: labels (B,), the teacher's choice where there is none.

Faithful to: Yang et al., ICCV 2023, the normalised loss of NKD, and the authors' code.
Departs from it: a KL instead of a cross-entropy of the same gradient; samples without a label take the teacher's choice
as their target.
Setting: digits. On it we expect: the divergence among the non-target classes falls below that of a student that does
not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from workbench.maths.decoupling import decoupled_kl, target_classes
from workbench.maths.tasks import cross_entropy
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress


class NKD(ResponseMethod):
    """Normalised distillation.

    Args:
        temperature: Softens the non-target classes; 3 for CIFAR-100, 1 for ImageNet.
        gamma: Weight of the non-target classes; 3.5 for CIFAR-100, 1.5 for ImageNet.
        label_weight: Weight of the labels; 1 in the paper.

    Terms: ``labels``, ``target_class`` and ``non_target_classes``, (B,) each.

    Example:
        >>> same = torch.tensor([[1.0, 2.0, 4.0]])
        >>> NKD().match(same, same, Batch(torch.arange(1), same))["non_target_classes"]
        tensor([0.])
    """

    citation = Citation(
        "From Knowledge Distillation to Self-Knowledge Distillation: A Unified Approach with Normalized Loss and "
        "Customized Soft Labels",
        "Yang, Zeng, Li, Zhang, Yuan, Li",
        "ICCV",
        2023,
        "2303.13005",
    )
    evidence = Evidence(
        "code",
        "yzd-v/cls_KD (authors), mmcls/models/dis_losses/nkd.py at 9466b3f3d8e06a1021d722bf3f4a7ebee99e3aed and "
        "configs/distillers/cifar100/res34_distill_res18_cifar.py at 87a71975c820b9774291119cae1eb68e69ed1dd0",
        "targets of samples without a label: the teacher's choice",
    )
    progress = Progress("non_target_classes")
    terms = ("labels", "target_class", "non_target_classes")
    cost = "low"
    aliases = ("normalized_kd",)

    def __init__(
        self,
        temperature: Temperature = 3.0,
        gamma: Annotated[float, Range(0.0, 20.0, 0.1)] = 3.5,
        label_weight: Weight = 1.0,
    ) -> None:
        super().__init__()
        self.temperature, self.gamma, self.label_weight = temperature, gamma, label_weight

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Both parts."""
        targets = target_classes(batch.labels, teacher_logits)
        confidence = torch.softmax(teacher_logits, 1).gather(1, targets[:, None]).squeeze(1)
        others = decoupled_kl(student_logits, teacher_logits, targets, self.temperature)[1]
        return {
            "target_class": confidence * cross_entropy(student_logits, targets),
            "non_target_classes": self.gamma * self.temperature**2 * others,
        }
