"""Match the teacher's verdict on the target class and its ranking of the others as two separate losses.

The divergence of soft targets is the sum of both, but weighs the second with the probability the teacher leaves to the
wrong classes: little, where it is sure. Decoupled, that dark knowledge counts in full. The teacher is detached; nothing
is learnt besides the student.

Formula:
    L = CE(s, y) + ramp * T^2 * (alpha * KL(b_t || b_s) + beta * KL(n_t || n_s)),   mean over samples
    b: (probability of y, of any other class), n: probabilities among the other classes, both at temperature T
    s, t: logits (B, C);  y: labels (B,), the teacher's choice where there is none;  ramp: min(progress / warm_up, 1).

Faithful to: Zhao et al., CVPR 2022, Eq. 7, and the authors' code.
Departs from it: the warm-up of 20 of 240 epochs is a share of the run and rises with every step, from 0, instead of with
every epoch, from 1 / 20; samples without a label take the teacher's choice as their target.
Setting: digits. On it we expect: the divergence among the non-target classes falls below that of a student that does not
learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.decoupling import decoupled_kl, target_classes
from workbench.methods.parts.ramps import linear_ramp
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress


class DKD(ResponseMethod):
    """Decoupled distillation.

    Args:
        temperature: Softens all distributions; 4 in the paper.
        alpha: Weight of the target-class part; 1 in the paper.
        beta: Weight of the non-target part; 8 for most pairs of the paper, 2 to 6 for the others.
        label_weight: Weight of the labels; 1 in the paper.
        warm_up: Share of the run over which both parts rise to their weights; 20 of 240 epochs in the paper.

    Terms: ``labels``, ``target_class`` and ``non_target_classes``, (B,) each.

    Example:
        >>> import torch
        >>> same = torch.tensor([[1.0, 2.0, 4.0]])
        >>> sorted(DKD().match(same, same, Batch(torch.arange(1), same)))
        ['non_target_classes', 'target_class']
    """

    citation = Citation("Decoupled Knowledge Distillation", "Zhao, Cui, Song, Qiu, Liang", "CVPR", 2022, "2203.08679")
    evidence = Evidence(
        "code",
        "megvii-research/mdistiller (authors), mdistiller/distillers/DKD.py at e8c5bb331e78c9d79a8894ca233caae78531cf7f",
        "targets of samples without a label: the teacher's choice",
    )
    progress = Progress("non_target_classes")
    terms = ("labels", "target_class", "non_target_classes")
    cost = "low"
    aliases = ("decoupled",)

    def __init__(
        self,
        temperature: Temperature = 4.0,
        alpha: Weight = 1.0,
        beta: Annotated[float, Range(0.0, 150.0, 0.5)] = 8.0,
        label_weight: Weight = 1.0,
        warm_up: Annotated[float, Range(0.0, 1.0, 0.01)] = 20 / 240,
    ) -> None:
        super().__init__()
        self.temperature, self.alpha, self.beta = temperature, alpha, beta
        self.label_weight, self.warm_up = label_weight, warm_up
        self._ramp = 1.0

    def schedule(self, progress: float) -> None:
        """The ramp."""
        self._ramp = linear_ramp(progress, self.warm_up)

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Both parts."""
        targets = target_classes(batch.labels, teacher_logits)
        binary, others = decoupled_kl(student_logits, teacher_logits, targets, self.temperature)
        scale = self._ramp * self.temperature**2
        return {"target_class": self.alpha * scale * binary, "non_target_classes": self.beta * scale * others}
