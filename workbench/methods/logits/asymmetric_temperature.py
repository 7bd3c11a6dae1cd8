"""Soften the teacher's right answer more than its wrong ones, so that the wrong ones keep their differences.

A large teacher is so sure of the true class that one temperature either leaves it almost a label or flattens the wrong
classes into one. A high temperature on the true class and a lower one on the others separates the two. The student has
its own temperature; the teacher is detached; nothing is learnt besides the student.

Formula:
    L = (1 - soft_weight) * mean_b CE(s_b, y_b) + soft_weight * T^2 * mean_b KL( p_b || softmax(s_b / T) )
    p_b,c = softmax over c of t_b,c / T_b,c;  T_b,c: correct_temperature at the label, wrong_temperature elsewhere
    s, t: logits (B, C);  y: labels (B,), the teacher's choice where there is none;  T: student_temperature.

Faithful to: Li et al., NeurIPS 2022, asymmetric temperature scaling, and the authors' code.
Departs from it: a KL instead of a cross-entropy of the same gradient; without a label, the teacher's choice is taken.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from workbench.maths.decoupling import target_classes
from workbench.maths.divergences import forward_kl
from workbench.methods.ranges import Temperature
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress


class AsymmetricTemperature(ResponseMethod):
    """Two temperatures for the teacher. Unlike one, they see a number added to all logits; nothing is centred.

    Args:
        correct_temperature: Of the teacher's logit of the true class; from 1 to 6 in the authors' search.
        wrong_temperature: Of its other logits; from 1 to 5 in the authors' search, lower than the first.
        student_temperature: Of all the student's logits; 1 in the authors' code.
        soft_weight: Share of the soft term, the rest is the labels'; 0.5 in the authors' code.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> student, teacher = torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([[8.0, 3.0, 0.0]])
        >>> batch = Batch(torch.arange(1), torch.zeros(1, 1), torch.tensor([0]))
        >>> AsymmetricTemperature(correct_temperature=4.0, wrong_temperature=3.0).match(student, teacher, batch)["soft"]
        tensor([0.])
    """

    citation = Citation(
        "Asymmetric Temperature Scaling Makes Larger Networks Teach Well Again",
        "Li, Fan, Song, Li, Li, Shao, Zhan",
        "NeurIPS",
        2022,
        "2210.04427",
    )
    evidence = Evidence(
        "code",
        "lxcnju/ATS-LargeKD (authors), distill.py and train_distill_ats.py at 3b34629d7cc7cc421e0a08999577c4e78efb631f",
        "which pair of temperatures of the authors' search; samples without a label",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = "low"
    aliases = ("ats",)

    def __init__(
        self,
        correct_temperature: Temperature = 4.0,
        wrong_temperature: Temperature = 3.0,
        student_temperature: Temperature = 1.0,
        soft_weight: Annotated[float, Range(0.0, 1.0, 0.05)] = 0.5,
    ) -> None:
        super().__init__()
        self.correct_temperature, self.wrong_temperature = correct_temperature, wrong_temperature
        self.student_temperature, self.soft_weight = student_temperature, soft_weight

    @property
    def label_weight(self) -> float:
        """The rest."""
        return 1 - self.soft_weight

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The soft term."""
        targets = target_classes(batch.labels, teacher_logits)[:, None]
        temperatures = torch.full_like(teacher_logits, self.wrong_temperature)
        temperatures = temperatures.scatter(1, targets, self.correct_temperature)
        divergence = forward_kl(student_logits / self.student_temperature, teacher_logits / temperatures)
        return {"soft": self.soft_weight * self.student_temperature**2 * divergence}
