"""Let a teacher who may look at more than the student ever will say how sure one can be.

Privileged information is there while training and gone when it counts: the doctor's report beside the scan, the full picture
beside the small one. A teacher who learns from it has an easy problem; its soft answers tell the student, who sees the
ordinary inputs, which samples are clear and which not worth the effort. Where both see the same it is plain distillation.
The teacher is detached; nothing is learnt besides the student.

Formula:
    L = mean_b ( (1 - imitation) * CE(s_b, y_b) + imitation * CE(s_b, softmax(t_b / T)) )
    s: student logits (B, C) on the inputs;  t: teacher logits (B, C) on the privileged inputs;  y: labels;  T: temperature.

Faithful to: Lopez-Paz, Bottou, Schoelkopf and Vapnik, ICLR 2016, Eqs. 4 and 5 and the three steps of section 4.
Departs from it: nothing. The student's softmax has no temperature, unlike in Hinton's form; the authors' scripts for their
larger data multiply the second part with T^2, which their equation does not.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from workbench.maths.divergences import one_hot, soft_cross_entropy
from workbench.methods.ranges import Temperature
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class GeneralisedDistillation(ResponseMethod):
    """Distillation from privileged information.

    What the teacher sees is what a setting gives as ``teacher_inputs``; without it both see the same.

    Args:
        imitation: Weight of the teacher's answers; the labels have the rest. 1 in the paper's synthetic experiments.
        temperature: Softens the teacher; 1 in these experiments.

    Terms: ``labels`` and ``soft``, (B,) each; a sample without a label takes part in the latter.

    Example:
        >>> GeneralisedDistillation(imitation=0.3).label_weight
        0.7
    """

    citation = Citation(
        "Unifying Distillation and Privileged Information",
        "Lopez-Paz, Bottou, Schoelkopf, Vapnik",
        "ICLR",
        2016,
        "1511.03643",
    )
    evidence = Evidence(
        "code",
        "lopezpaz/distillation_privileged_information (authors), code/mnist.py at "
        "ec8346db70fff96b66999af733ade2e719e574c7 and distillation.tex",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = "low"
    aliases = ("generalized_distillation", "lupi", "privileged_information")

    def __init__(
        self, imitation: Annotated[float, Range(0.0, 1.0, 0.05)] = 1.0, temperature: Temperature = 1.0
    ) -> None:
        super().__init__()
        self.imitation, self.temperature = imitation, temperature

    @property
    def label_weight(self) -> float:
        """What imitation leaves to the labels."""
        return 1 - self.imitation

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The soft term."""
        soft_targets = torch.softmax(teacher_logits / self.temperature, 1)
        return {"soft": self.imitation * soft_cross_entropy(student_logits, soft_targets)}

    def targets(self, teacher: Trace, batch: Batch) -> tuple[Tensor, Tensor]:
        """The mixture of both, which has the same gradient; a sample without a label weighs the soft part only."""
        soft = torch.softmax(self.transformed(teacher.logits) / self.temperature, 1)
        if batch.labels is None:
            return soft, torch.full_like(soft[:, 0], self.imitation)
        label_weight = self.label_weight * (batch.labels != UNLABELLED).to(soft)[:, None]
        total = self.imitation + label_weight
        mixed = self.imitation * soft + label_weight * one_hot(batch.labels.clamp(min=0), soft)
        return torch.where(total > 0, mixed / total, soft), total.squeeze(1)
