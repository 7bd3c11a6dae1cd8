"""Copy the teacher's scores before the softmax: they say more than the probabilities, in which all but one vanish.

A regression on the logits sees a class of probability 1e-9 as clearly as the winner, and teaches the teacher's scale
as well as its proportions. It needs no labels, so any input will do. The teacher is detached; nothing is learnt besides
the student.

Formula:
    L = logit_weight * mean_b mean_c ( s_b,c - t_b,c )^2 + label_weight * mean_b CE(s_b, y_b)
    s, t: logits (B, C);  y: labels (B,).

Faithful to: Ba and Caruana, NeurIPS 2014, the L2 loss on logits (Bucilua et al., KDD 2006, before them on outputs).
Departs from it: the squares are averaged over classes, as benchmark code does, instead of half their sum, on which the
learning rates of the other methods diverge; the label term, absent at its default weight 0, is there for comparison.
Setting: digits. On it we expect: the distance of the logits falls below that of a student that does not learn.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.maths.divergences import logit_gaps
from workbench.methods.ranges import Weight
from workbench.methods.response import ResponseMethod
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class LogitRegression(ResponseMethod):
    """The mean squared difference of the logits.

    Args:
        logit_weight: Weight of the difference; half the number of classes makes it the paper's.
        label_weight: Weight of the labels; 0 in the paper.

    Terms: ``labels`` and ``logits``, (B,) each.

    Example:
        >>> import torch
        >>> LogitRegression().match(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]), None)["logits"]
        tensor([12.5000])
    """

    citation = Citation("Do Deep Nets Really Need to be Deep?", "Ba, Caruana", "NeurIPS", 2014, "1312.6184")
    evidence = Evidence(
        "code",
        "AberHu/Knowledge-Distillation-Zoo (not the authors), kd_losses/logits.py at "
        "e8e298d70d511c8d9a3f044dec08c56744acbdc7",
    )
    progress = Progress("logits")
    terms = ("labels", "logits")
    cost = "low"
    aliases = ("mimic", "logits_mse")
    tasks = ("classification", "multilabel", "dense", "regression")

    def __init__(self, logit_weight: Weight = 1.0, label_weight: Weight = 0.0) -> None:
        super().__init__()
        self.logit_weight, self.label_weight = logit_weight, label_weight

    def targets(self, teacher: Trace, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of a regression the mean of the teacher's values and the labels by their weights, whose squared error is the loss.

        Raises:
            TypeError: the task is not a regression.
        """
        if batch.labels is None or not batch.labels.is_floating_point():
            return super().targets(teacher, batch)
        total = self.logit_weight + self.label_weight
        labels = batch.labels.reshape(teacher.outputs.shape)
        mixed = (self.logit_weight * teacher.outputs + self.label_weight * labels) / total
        return mixed, torch.full_like(mixed[:, 0], total)

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The difference."""
        return {"logits": self.logit_weight * logit_gaps(student_logits, teacher_logits).square().flatten(1).mean(1)}
