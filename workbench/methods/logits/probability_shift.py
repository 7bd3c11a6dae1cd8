"""Correct the teacher before copying it: where it is wrong, its favourite and the true class change places.

A wrong teacher pulls the student away from the label with all its confidence. Swapping two probabilities puts the
largest on the label and leaves everything else the teacher knows as it was. The teacher is detached; nothing is learnt
besides the student.

Formula:
    L = soft_weight * T^2 * mean_b KL( A(softmax(t_b / T)) || softmax(s_b / T) ) + label_weight * mean_b CE(s_b, y_b)
    A: swaps the largest entry with that of the label;  s, t: logits (B, C);  y: labels (B,);  T: temperature.

Faithful to: Wen, Lai and Qian, 2019, Knowledge Adjustment by Probability Shift.
Departs from it: weights and temperature are those of ``kd``; samples without a label keep the teacher's answer.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from torch import Tensor

from workbench.maths.adjustment import shifted_to_label
from workbench.methods.logits.kd import KD
from workbench.methods.ranges import Temperature, Weight
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class ProbabilityShift(KD):
    """Soft targets of a corrected teacher.

    Args:
        temperature: Softens both distributions; 4 as for ``kd``.
        soft_weight: Weight of the soft term; 0.9 as for ``kd``.
        label_weight: Weight of the labels; 0.1 as for ``kd``.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> wrong, right = torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[4.0, 2.0, 1.0]])
        >>> batch = Batch(torch.arange(1), wrong, torch.tensor([0]))
        >>> ProbabilityShift().match(right, wrong, batch)["soft"]
        tensor([0.])
    """

    citation = Citation(
        "Preparing Lessons: Improve Knowledge Distillation with Better Supervision",
        "Wen, Lai, Qian",
        "arXiv",
        2019,
        "1911.07471",
    )
    evidence = Evidence(
        "code",
        "zju-SWJ/RLD (not the authors), mdistiller/distillers/SWAP.py at d54578fd77cd669d6209be4d05ae773bca4109b5",
        "weights and temperature; SforAiDl/KD_Lib (not the authors), KD_Lib/KD/vision/KA/PS.py, swaps the two largest "
        "entries instead, whatever the label is",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = "low"
    aliases = ("knowledge_adjustment", "ka", "ka_ps")
    tasks = ("classification",)

    def __init__(self, temperature: Temperature = 4.0, soft_weight: Weight = 0.9, label_weight: Weight = 0.1) -> None:
        super().__init__(temperature, soft_weight, label_weight)

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The soft term against the corrected teacher."""
        return super().match(student_logits, shifted_to_label(teacher_logits, batch.labels), batch)

    def targets(self, teacher: Trace, batch: Batch) -> tuple[Tensor, Tensor]:
        """As for ``kd``, of the corrected teacher."""
        return super().targets(Trace(shifted_to_label(teacher.logits, batch.labels)), batch)
