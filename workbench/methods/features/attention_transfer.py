"""Look where the teacher looks: match, stage by stage, which positions carry the energy.

An attention map sums the squared activations of a layer over its channels, so student and teacher may differ in width. As
unit vectors the maps say where, not how much. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = mean_b CE(s_b, y_b) + weight * sum_j mean_{b, i} ( Q_s[j] / |Q_s[j]| - Q_t[j] / |Q_t[j]| )_{b, i}^2
    Q[j] = sum over channels of |F_j|^power, flattened over the positions i;  F_j: features of stage j (B, C, H, W).

Faithful to: Zagoruyko and Komodakis, ICLR 2017, Eq. 2, with the mean of squares of the authors' code instead of the norm.
Departs from it: maps of unequal size are average-pooled to the smaller; in a net without maps, (B, D), each unit is a
position; where the nets have different numbers of stages, the last ones are matched.
Setting: digits. On it we expect: the distance of the maps falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.attention import attention_distance
from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.layers import example_traces, stage_pairs
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class AttentionTransfer(Method):
    """Activation-based attention transfer.

    Args:
        weight: Weight of the maps; 1000 in the authors' code.
        power: Exponent of the energy; 2 in the paper.
        guided: Student layers, separated by commas; None is the stages of the model.
        hint: Teacher layers, one for each; None is the stages of the model.

    Terms: ``labels`` and ``attention``, (B,) each.

    Example:
        >>> AttentionTransfer(power=4.0).config()["power"]
        4.0
    """

    citation = Citation(
        "Paying More Attention to Attention: Improving the Performance of Convolutional Neural Networks via Attention "
        "Transfer",
        "Zagoruyko, Komodakis",
        "ICLR",
        2017,
        "1612.03928",
    )
    evidence = Evidence(
        "code",
        "szagoruyko/attention-transfer (authors), cifar.py at 083a6126d4b762c5beb899f78af077cc375e17b0",
        "sizes that differ, and nets without maps",
    )
    progress = Progress("attention")
    terms = ("labels", "attention")
    reads = Reads(
        "the stages of both models, (B, C, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    cost = "low"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("at",)

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 10000.0, 10.0)] = 1000.0,
        power: Annotated[float, Range(1.0, 8.0, 0.5)] = 2.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.power, self.guided, self.hint = weight, power, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Pairs the stages, and tries one comparison."""
        super().build(student_model, teacher_model, example, facts)
        self.student_layers, self.teacher_layers = stage_pairs(student_model, teacher_model, self.guided, self.hint)
        self._distance(
            *example_traces(student_model, teacher_model, (self.student_layers, self.teacher_layers), example)
        )

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the maps of all stages."""
        return {"labels": self.label_loss(student, batch), "attention": self.weight * self._distance(student, teacher)}

    def _distance(self, student: Trace, teacher: Trace) -> Tensor:
        pairs = zip(self.student_layers, self.teacher_layers, strict=True)
        distances = [attention_distance(student[s], teacher[t].detach(), self.power) for s, t in pairs]
        return torch.stack(distances).sum(0)
