"""Match the teacher's probabilities at three levels: sample by sample, between samples, and between classes.

Probabilities at several temperatures are compared as they are; their inner products between samples say which inputs
the teacher takes for alike, those between classes which classes it confuses. The samples and the classes of which the
teacher is surer than of the median one are left out. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + soft_weight * sum over T of ( mean_b m_b * T^2 * KL(p_b || q_b)
        + mean_b m_b * |(Q Q' - P P')_b|^2 + mean_c n_c * |(Q' Q - P' P)_c / d|^2 ),   T in {temperature, 2, 3, 5, 6}
    P = softmax(t / T), Q = softmax(s / T), (B, C), rows p_b and q_b;  s, t: logits (B, C);  y: labels (B,)
    m_b = 1 where max_c softmax(t_b) is at most its median over the batch;  n_c likewise for sum_b softmax(t_b)_c
    d = max(B / C, 1).

Faithful to: Jin et al., CVPR 2023, and the authors' code, with masks per sample as its comments mean them. As
released, they act on numbers that are already averaged, and multiply each with the masked share: that is
``mask="scalar"``.
Departs from it: one view of each sample, the setting's; there, the code adds a strongly augmented one without a mask.
The divisor d, which is 1 in the authors' runs of 64 samples and 100 classes: without it the last term grows with the
square of the samples per class, and a batch of 32 with two classes learnt nothing.
Cost: memory for B^2 and C^2 numbers at each of five temperatures.
Setting: digits. On it we expect: the term of the samples falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workbench.maths.divergences import forward_kl
from workbench.methods.parts.memory import FEWER_CLASSES, SMALLER_BATCHES, refuse_larger
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress

FURTHER = (2.0, 3.0, 5.0, 6.0)
"""Temperatures besides the one that is given."""


class MultiLevel(ResponseMethod):
    """Multi-level logit distillation.

    Args:
        temperature: The first of five; the others are 2, 3, 5 and 6; 4 in the authors' code.
        soft_weight: Weight of all three levels; 0.9 in the authors' code.
        label_weight: Weight of the labels; 0.1 in the authors' code.
        mask: Leaves single samples and classes out, or weakens all of them, as released.

    Terms: ``labels``, ``samples``, ``between_samples`` and ``between_classes``, (B,) each.

    Example:
        >>> logits = torch.tensor([[1.0, 2.0, 4.0], [3.0, 0.0, 1.0]])
        >>> MultiLevel().match(logits, logits, None)["between_samples"]
        tensor([0., 0.])
    """

    citation = Citation("Multi-Level Logit Distillation", "Jin, Wang, Lin", "CVPR", 2023)
    evidence = Evidence(
        "code",
        "Jin-Ying/Multi-Level-Logit-Distillation (authors), mdistiller/distillers/KD_ours.py and "
        "mdistiller/engine/cfg.py at 6327e733bbbdeae766a4f72f01fb6226df209f70",
        "that a mask is about single samples and classes, as the commented-out reduction says",
    )
    progress = Progress("samples")
    terms = ("labels", "samples", "between_samples", "between_classes")
    cost = "low"
    aliases = ("mlkd", "mld")
    relates_samples = True

    def __init__(
        self,
        temperature: Temperature = 4.0,
        soft_weight: Weight = 0.9,
        label_weight: Weight = 0.1,
        mask: Literal["per_sample", "scalar"] = "per_sample",
    ) -> None:
        super().__init__()
        self.temperature, self.soft_weight, self.label_weight = temperature, soft_weight, label_weight
        self.mask = mask

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The three levels."""
        count, width = student_logits.shape
        views = 1 + len(FURTHER)
        refuse_larger("products of all samples", (views, count, count), student_logits, SMALLER_BATCHES)
        refuse_larger("products of all classes", (views, width, width), student_logits, FEWER_CLASSES)
        samples, classes = self._masks(teacher_logits)
        temperatures = student_logits.new_tensor([self.temperature, *FURTHER])[:, None, None]
        student, teacher = (torch.softmax(z / temperatures, 2) for z in (student_logits, teacher_logits))
        alone = temperatures[:, :, 0] ** 2 * forward_kl(student_logits, teacher_logits, temperatures, dim=2)
        between_samples = (student @ student.mT - teacher @ teacher.mT).square().sum((0, 2))
        crowd = max(student.shape[1] / student.shape[2], 1.0)
        between_classes = ((student.mT @ student - teacher.mT @ teacher) / crowd).square().sum((0, 2))
        return {
            "samples": self.soft_weight * samples * alone.sum(0),
            "between_samples": self.soft_weight * samples * between_samples,
            "between_classes": (self.soft_weight * classes * between_classes).mean().expand(len(samples)),
        }

    def _masks(self, teacher_logits: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of the samples, (B,), and of the classes, (C,)."""
        teacher = torch.softmax(teacher_logits, 1)
        masks = [(sure <= sure.median()).to(teacher) for sure in (teacher.amax(1), teacher.sum(0))]
        if self.mask == "scalar":
            masks = [mask.mean().expand_as(mask) for mask in masks]
        return masks[0], masks[1]
