"""Like what the teacher likes: match the distribution of what the channels respond to, not each channel.

A channel's pattern is where in the image it fires, as a unit vector. The set of the student's patterns must look like
a sample of the teacher's: their maximum mean discrepancy is the distance of the two mean outer products of patterns,
so the nets may differ in width. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = mean_b CE(s_b, y_b) + weight * sum_j mean_b ( mean_{c, c'} k(u_c, u_c') + mean_{d, d'} k(v_d, v_d')
                                                      - 2 mean_{c, d} k(u_c, v_d) )_j
    k(u, v) = (u . v)^2;  u, v: flattened maps of the student's and the teacher's channels at length 1.

Faithful to: Huang and Wang, 2017, the squared MMD with the polynomial kernel of degree 2 and offset 0.
Departs from it: the teacher's own term, a constant, is kept, so that 0 means equal; maps of unequal size are averaged
to the smaller; in a net without maps, (B, D), the units are the positions of one channel.
Cost: memory for min(C, H W)^2 numbers per sample, side and layer.
Setting: digits. On it we expect: the discrepancy falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.maps import as_maps, to_common_size
from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.layers import example_traces, last_stage_pair, stage_pairs
from workbench.methods.parts.memory import refuse_larger
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class NST(Method):
    """Neuron selectivity transfer.

    Args:
        weight: Weight of the discrepancy; 50 in the authors' code and in the benchmark of Tian et al. 2020.
        guided: Student layers, separated by commas; None is the last stage. The benchmark matches every stage.
        hint: Teacher layers, one for each; None is the last stage.

    Terms: ``labels`` and ``selectivity``, (B,) each; a sample without a label takes part in the latter only.

    Example:
        >>> NST(weight=10.0).config()["weight"]
        10.0
    """

    citation = Citation(
        "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer",
        "Huang, Wang",
        "arXiv",
        2017,
        "1707.01219",
    )
    evidence = Evidence(
        "code",
        "TuSimple/neuron-selectivity-transfer (authors), symbol/transfer.py at db33064988f4eeefff8f4129eb48e63da15899e5 "
        "and config/cfgs.py at aed2b30172885558ec6ded47943ab5a257221609",
        "sizes that differ, and nets without maps",
    )
    progress = Progress("selectivity")
    terms = ("labels", "selectivity")
    reads = Reads(
        "one layer or more of both models, (B, C, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    cost = "low"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("neuron_selectivity_transfer",)

    def __init__(
        self, weight: Annotated[float, Range(0.0, 1000.0, 1.0)] = 50.0, guided: Layer = None, hint: Layer = None
    ) -> None:
        super().__init__()
        self.weight, self.guided, self.hint = weight, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Pairs the layers, and tries one comparison."""
        super().build(student_model, teacher_model, example, facts)
        if self.guided or self.hint:
            layers = stage_pairs(student_model, teacher_model, self.guided, self.hint)
        else:
            mine, theirs = last_stage_pair(student_model, teacher_model, None, None)
            layers = (mine,), (theirs,)
        self.student_layers, self.teacher_layers = layers
        self._distance(*example_traces(student_model, teacher_model, layers, example))

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the discrepancies of all layers."""
        distance = self.weight * self._distance(student, teacher)
        return {"labels": self.label_loss(student, batch), "selectivity": distance}

    def _distance(self, student: Trace, teacher: Trace) -> Tensor:
        distances = []
        for mine, theirs in zip(self.student_layers, self.teacher_layers, strict=True):
            for side in (student[mine], teacher[theirs]):
                products = min(side.shape[1], side[0, 0].numel())
                refuse_larger(
                    "products of patterns",
                    (len(side), products, products),
                    side,
                    "take a later layer or smaller batches",
                )
            distances.append(selectivity_distance(student[mine], teacher[theirs].detach()))
        return torch.stack(distances).sum(0)


def selectivity_distance(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of the channels' unit patterns, with the kernel (u . v)^2, (B,).

    It is the squared distance of the two mean outer products u u^T. Maps of different sizes are averaged to the smaller
    size first. Vectors are one channel whose units are positions. At most min(C, positions)^2 numbers per sample and side
    are held.

    Args:
        student_features: (B, C, H, W), (B, L, D) or (B, D).
        teacher_features: the same rank; any number of channels.

    Raises:
        ValueError: the ranks differ.
    """
    if student_features.dim() != teacher_features.dim():
        shapes = f"{tuple(student_features.shape)} and {tuple(teacher_features.shape)}"
        raise ValueError(f"features of shapes {shapes} have no comparable patterns; choose layers of one rank")
    maps = to_common_size(_positions(student_features), _positions(teacher_features))
    student, teacher = (F.normalize(side.flatten(2), dim=2) for side in maps)
    within = mean_squared_products(student, student) + mean_squared_products(teacher, teacher)
    return within - 2 * mean_squared_products(student, teacher)


def mean_squared_products(first: Tensor, second: Tensor) -> Tensor:
    """Mean of (u . v)^2 over all pairs of a row u of the first and v of the second, (B, C, N) with (B, D, N) -> (B,).

    Summed up over the pairs or, where there are fewer positions than rows, over the entries of both outer products.
    """
    rows = first.shape[1], second.shape[1]
    if first.shape[2] >= min(rows):
        return (first @ second.mT).square().mean((1, 2))
    return ((first.mT @ first) * (second.mT @ second)).sum((1, 2)) / (rows[0] * rows[1])


def _positions(features: Tensor) -> Tensor:
    return features[:, None, :, None] if features.dim() == 2 else as_maps(features)
