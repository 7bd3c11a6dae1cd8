"""A teacher that needs no net: it gives every label the same high probability and shares the rest out evenly.

Much of what soft targets do, being soft does: they keep the student from growing too sure. The virtual teacher is
always right and never says which mistakes would be sensible, so what it teaches is regularisation alone. It differs from
label smoothing by its temperature. Only labelled samples are trained on; nothing is learnt besides the student.

Formula:
    L = (1 - virtual_weight) * mean_b CE(s_b, y_b) + virtual_weight * R
    u_b,c: correct where c = y_b, (1 - correct) / (C - 1) elsewhere
    paper:    R = T^2 * mean_b KL( softmax(log u_b / T) || softmax(s_b / T) )
    released: R = 1 / C * mean_b KL( softmax(u_b / T) || softmax(s_b) )
    s: student logits (B, C);  y: labels (B,);  T: temperature.

Faithful to: Yuan et al., CVPR 2020, Tf-KD by regularisation (section 5), and with ``released`` to the authors' code,
which divides probabilities by the temperature where logits are meant, leaves the student's alone, and averages over
classes.
Departs from it: the paper's term is multiplied with the squared temperature, so that its weight does not depend on it.
Setting: digits. On it we expect: the virtual teacher's term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from torch import Tensor

from workbench.maths.adjustment import virtual_logits
from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.records.annotations import Range
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class TeacherFree(Method):
    """Soft labels of a virtual teacher.

    Args:
        correct: Probability the virtual teacher gives the label; 0.99 in the authors' code.
        temperature: Softens it; 20 for ResNet18 in the authors' code, 10 to 40 for other nets.
        virtual_weight: Share of its term, the rest is the labels'; 0.1 for ResNet18 in the authors' code, else 0.95.
        variant: ``paper``, or ``released`` for what the authors' code computes.

    Terms: ``labels`` and ``reg_virtual``, (B,) each; both 0 without a label.

    Example:
        >>> batch = Batch(torch.arange(1), torch.zeros(1, 1), torch.tensor([0]))
        >>> student = Trace(torch.tensor([[0.8, 0.1, 0.1]]).log())
        >>> TeacherFree(correct=0.8)(student, None, batch)["reg_virtual"].abs() < 1e-6
        tensor([True])
    """

    citation = Citation(
        "Revisiting Knowledge Distillation via Label Smoothing Regularization",
        "Yuan, Tay, Li, Wang, Feng",
        "CVPR",
        2020,
        "1909.11723",
    )
    evidence = Evidence(
        "code",
        "yuanli2333/Teacher-free-Knowledge-Distillation (authors), my_loss_function.py at "
        "880a74ec5ac1d6641a14a3393df23a16f45b460a, experiments/base_experiments/base_resnet18/params.json",
        "the squared temperature of the paper's term",
    )
    progress = Progress("reg_virtual")
    terms = ("labels", "reg_virtual")
    cost = "low"
    aliases = ("tf_kd", "virtual_teacher")
    reads_teacher = False

    def __init__(
        self,
        correct: Annotated[float, Range(0.5, 0.999, 0.001)] = 0.99,
        temperature: Annotated[float, Range(1.0, 100.0, 1.0)] = 20.0,
        virtual_weight: Annotated[float, Range(0.0, 1.0, 0.05)] = 0.1,
        variant: Literal["paper", "released"] = "paper",
    ) -> None:
        super().__init__()
        self.correct, self.temperature = correct, temperature
        self.virtual_weight, self.variant = virtual_weight, variant

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage on the labelled samples."""
        return (StagePlan(teacher=None, data="labelled"),)

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The labels' loss and the virtual teacher's."""
        return {
            "labels": (1 - self.virtual_weight) * self.label_loss(student, batch),
            "reg_virtual": self.virtual_weight * self._virtual(student.logits, batch.labels),
        }

    def _virtual(self, logits: Tensor, labels: Tensor | None) -> Tensor:
        if labels is None:
            return torch.zeros_like(logits[:, 0])
        classes = logits.shape[1]
        teacher = virtual_logits(labels.clamp(min=0), classes, self.correct, logits)
        if self.variant == "released":
            loss = forward_kl(logits, teacher.exp() / self.temperature) / classes
        else:
            loss = self.temperature**2 * forward_kl(logits, teacher, self.temperature)
        return loss * (labels != UNLABELLED)
