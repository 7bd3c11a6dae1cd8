"""Listen to the teacher where it knows better: each sample's soft target is weighed by how far the student is behind.

Soft targets lower the variance of what is learnt and raise its bias. On samples that the student already explains
better than the teacher does, only the bias is left; there the weight 1 - exp(-ratio of the two label losses) is small,
elsewhere it is near 1. Teacher and weight are detached; nothing is learnt besides the student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + soft_weight * T^2 * mean_b w_b * KL( softmax(t_b / T) || softmax(s_b / T) )
    w_b = 1 - exp( -CE(s_b, y_b) / (CE(t_b, y_b) + 1e-7) ), at temperature 1;  s, t: logits (B, C);  y: labels (B,).

Faithful to: Zhou et al., ICLR 2021, the weighted soft labels, and the authors' code.
Departs from it: a KL instead of a cross-entropy of the same gradient; samples without a label weigh 1.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.maths.divergences import forward_kl
from workbench.maths.tasks import UNLABELLED, cross_entropy
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress

EPSILON = 1e-7


class WSLD(ResponseMethod):
    """Weighted soft labels.

    Args:
        temperature: Softens both distributions of the soft term; 4 for CIFAR, 2 for ImageNet.
        soft_weight: Weight of the soft term; 2.25 for CIFAR, 2.5 for ImageNet.
        label_weight: Weight of the labels; 1 in the paper.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> batch = Batch(torch.arange(2), torch.zeros(2, 1), labels=torch.tensor([0, 1]))
        >>> sorted(WSLD().match(torch.zeros(2, 3), torch.eye(2, 3), batch))
        ['soft']
    """

    citation = Citation(
        "Rethinking Soft Labels for Knowledge Distillation: A Bias-Variance Tradeoff Perspective",
        "Zhou, Song, Chen, Zhou, Wang, Yuan, Zhang",
        "ICLR",
        2021,
        "2102.00650",
    )
    evidence = Evidence(
        "code",
        "bellymonster/Weighted-Soft-Label-Distillation (authors), knowledge_distiller.py at "
        "4ecf930e7da4bf450c4f3436cf53f90d34767137 (ImageNet); CIFAR's numbers: yzd-v/cls_KD (not the authors), "
        "mmcls/models/dis_losses/wsld.py at e21ad377df0665bc94c64eb55d5e6f99187fb767",
        "samples without a label",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = "low"
    aliases = ("weighted_soft_labels", "wsl")

    def __init__(self, temperature: Temperature = 4.0, soft_weight: Weight = 2.25, label_weight: Weight = 1.0) -> None:
        super().__init__()
        self.temperature, self.soft_weight, self.label_weight = temperature, soft_weight, label_weight

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The weighted soft term."""
        divergence = forward_kl(student_logits, teacher_logits, self.temperature)
        weight = sample_weights(student_logits.detach(), teacher_logits, batch.labels)
        return {"soft": self.soft_weight * self.temperature**2 * weight * divergence}


def sample_weights(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor | None) -> Tensor:
    """How far the student is behind, (B,) in [0, 1]; 1 without a label."""
    if labels is None:
        return torch.ones_like(student_logits[:, 0])
    mine, theirs = cross_entropy(student_logits, labels), cross_entropy(teacher_logits, labels)
    return torch.where(labels == UNLABELLED, 1.0, 1 - torch.exp(-mine / (theirs + EPSILON)))
