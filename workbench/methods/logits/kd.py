"""Match the teacher's softened probabilities: how it spreads its doubt over the wrong classes is knowledge, too.

A temperature above 1 lifts the small probabilities, in which the teacher says which mistakes would be sensible. The
gradient of the soft term shrinks with the square of the temperature, hence the factor. The teacher is detached; nothing
is learnt besides the student.

Formula:
    L = soft_weight * T^2 * mean_b KL( softmax(t_b / T) || softmax(s_b / T) ) + label_weight * mean_b CE(s_b, y_b)
    s, t: student and teacher logits (B, C);  y: labels (B,);  T: temperature.

Faithful to: Hinton, Vinyals and Dean, 2015, section 2, with the weights of the CIFAR-100 benchmark of Tian et al. 2020.
Departs from it: nothing.
Setting: digits with 60 labels. On it we expect: asked about 1,000 further inputs, a teacher that has seen all labels puts
the student 5 points and more ahead of labels only; a teacher trained on the same 60 labels, asked about these alone, less
than 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.maths.divergences import forward_kl, one_hot, positions_kl
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class KD(ResponseMethod):
    """Soft-target distillation.

    Args:
        temperature: Softens both distributions; larger shows more of the small probabilities. 4 in the benchmark.
        soft_weight: Weight of the soft term; 0.9 in the benchmark.
        label_weight: Weight of the labels; 0.1 in the benchmark.

    Terms: ``labels`` and ``soft``, (B,) each; of an answer for each pixel the mean over the pixels.

    Example:
        >>> batch = Batch(torch.arange(2), torch.zeros(2, 1), labels=torch.tensor([0, 1]))
        >>> sorted(KD(temperature=2.0)(Trace(torch.zeros(2, 3)), Trace(torch.eye(2, 3)), batch))
        ['labels', 'soft']
    """

    citation = Citation(
        "Distilling the Knowledge in a Neural Network", "Hinton, Vinyals, Dean", "arXiv", 2015, "1503.02531"
    )
    evidence = Evidence(
        "code",
        "HobbitLong/RepDistiller (benchmark code), distiller_zoo/KD.py at 1e2f81692647991a80a1e97ffa14e2af915eaa6f",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = "low"
    aliases = ("hinton", "soft_targets")
    tasks = ("classification", "dense")

    def __init__(self, temperature: Temperature = 4.0, soft_weight: Weight = 0.9, label_weight: Weight = 0.1) -> None:
        super().__init__()
        self.temperature, self.soft_weight, self.label_weight = temperature, soft_weight, label_weight

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The soft term."""
        if student_logits.dim() == 2:
            divergence = forward_kl(student_logits, teacher_logits, self.temperature)
        else:
            divergence = positions_kl(student_logits, teacher_logits, batch.mask, self.temperature)
        return {"soft": self.soft_weight * self.temperature**2 * divergence}

    def targets(self, teacher: Trace, batch: Batch) -> tuple[Tensor, Tensor]:
        """The mixture of soft targets and label by their weights; a sample without a label weighs the soft part only.

        A fitted student has no temperature of its own, so there is no factor to make up for.
        """
        soft = torch.softmax(self.transformed(teacher.logits) / self.temperature, 1)
        if batch.labels is None:
            return soft, torch.full_like(soft[:, 0], self.soft_weight)
        label_weight = self.label_weight * (batch.labels != UNLABELLED).to(soft)[:, None]
        total = self.soft_weight + label_weight
        mixed = self.soft_weight * soft + label_weight * one_hot(batch.labels.clamp(min=0), soft)
        return torch.where(total > 0, mixed / total, soft), total.squeeze(1)
