"""Ask for the teacher's preferences, not for its numbers: predictions need only be correlated with it.

A strong teacher's probabilities are out of a small student's reach, but what it prefers to what is not. Correlation
sees the order and the proportions, and neither location nor scale: once among the classes of a sample, once among the
samples of a class. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b)
        + inter_weight * T^2 * mean_b (1 - r(p_b,:, q_b,:)) + intra_weight * T^2 * mean_c (1 - r(p_:,c, q_:,c))
    p = softmax(t / T), q = softmax(s / T), (B, C);  r: Pearson's correlation;  s, t: logits (B, C);  y: labels (B,).

Faithful to: Huang et al., NeurIPS 2022, inter-class and intra-class relations, and the authors' code.
Departs from it: nothing; ``intra`` is one number for a batch, given to each of its samples.
Setting: digits. On it we expect: the term among classes falls below that of a student that does not learn.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress


class DIST(ResponseMethod):
    """Correlated predictions.

    Args:
        temperature: Softens both sides; 4 on CIFAR-100, 1 on ImageNet.
        inter_weight: Weight of the correlation among the classes of a sample; 2 on CIFAR-100, 1 on ImageNet.
        intra_weight: Weight of the correlation among the samples of a class; 2 on CIFAR-100, 1 on ImageNet.
        label_weight: Weight of the labels; 1 in the paper.

    Terms: ``labels``, ``inter`` and ``intra``, (B,) each.

    Example:
        >>> logits = torch.tensor([[1.0, 2.0, 4.0], [3.0, 0.0, 1.0]])
        >>> sum(DIST().match(logits, logits, None).values()).abs() < 1e-4
        tensor([True, True])
    """

    citation = Citation(
        "Knowledge Distillation from A Stronger Teacher", "Huang, You, Wang, Qian, Xu", "NeurIPS", 2022, "2205.10536"
    )
    evidence = Evidence(
        "code",
        "hunto/image_classification_sota (authors), lib/models/losses/dist_kd.py at "
        "2bc48324cd03c6d85a36ca2b94e9f9878b2ff55f; the temperature: open-mmlab/mmrazor (not the authors), "
        "mmrazor/models/losses/dist_loss.py at 276161c01321718307c6f6d4c0f58bb6f9a3b0fd",
    )
    progress = Progress("inter")
    terms = ("labels", "inter", "intra")
    cost = "low"
    aliases = ("correlation_matching",)
    relates_samples = True

    def __init__(
        self,
        temperature: Temperature = 4.0,
        inter_weight: Weight = 2.0,
        intra_weight: Weight = 2.0,
        label_weight: Weight = 1.0,
    ) -> None:
        super().__init__()
        self.temperature, self.label_weight = temperature, label_weight
        self.inter_weight, self.intra_weight = inter_weight, intra_weight

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Both correlations."""
        student, teacher = (torch.softmax(z / self.temperature, 1) for z in (student_logits, teacher_logits))
        scale = self.temperature**2
        among_samples = (1 - pearson(student, teacher, 0)).mean().expand(len(student))
        return {
            "inter": self.inter_weight * scale * (1 - pearson(student, teacher)),
            "intra": self.intra_weight * scale * among_samples,
        }


def pearson(student: Tensor, teacher: Tensor, dim: int = 1, epsilon: float = 1e-8) -> Tensor:
    """Pearson's correlation along a dimension, in [-1, 1]; 0 where a side is constant.

    Args:
        student: (B, C).
        teacher: (B, C).
        dim: 1 correlates rows, giving (B,); 0 columns, giving (C,).
        epsilon: added to the product of the lengths.
    """
    mine, theirs = (side - side.mean(dim, keepdim=True) for side in (student, teacher))
    return (mine * theirs).sum(dim) / (mine.norm(dim=dim) * theirs.norm(dim=dim) + epsilon)
