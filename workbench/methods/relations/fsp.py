"""Match the flow of a solution: how features of one layer turn into those of the next, before any label is learnt.

The inner products of the channels of two layers, averaged over positions, say what the step between them does. A
first stage teaches the student its teacher's steps from one stage of the net to the next; a second learns the task
from the labels alone. The teacher is detached; where widths differ, a linear map of the student's channels is learnt
beside it.

Formula:
    first stage:   L = weight * sum over j of mean_b mean over k, l of ( G_s[j] - G_t[j] )_{b, k, l}^2
    second stage:  L = mean_b CE(s_b, y_b)
    G[j] = F_j' F_(j+1) / positions, (B, D_j, D_(j+1));  F_0: what enters the first stage, F_1, F_2 ...: the stages
    (B, positions, D), the larger of two sizes average-pooled to the smaller.

Faithful to: Yim et al., CVPR 2017, and the benchmark's code; the share of the first stage is its 30 of 270 epochs.
Departs from it: channels are mapped to the teacher's widths, where both refuse other widths; means over the matrix,
as in the benchmark, instead of sums, with 10 times its weight: in nets without batch norm it hardly moved; in a net
without maps a layer has one position.
Cost: products of the channels of neighbouring layers, 3 to 5 times a step of ``kd`` on a net of a millisecond; memory
for min(D, positions) min(E, positions) numbers per sample and pair of layers.
Setting: digits. On it we expect: the flow falls below that of a student that does not learn.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.adapters import channel_adapter
from workbench.methods.parts.layers import example_traces, stage_pairs
from workbench.methods.parts.memory import SMALLER_BATCHES, refuse_larger
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace

Step = tuple[Tensor, Tensor]


def flow(first: Tensor, second: Tensor) -> Tensor:
    """Inner products of all pairs of channels of two layers, averaged over the positions, (B, D, E).

    Args:
        first: (B, positions, D), see ``step``.
        second: (B, positions, E).
    """
    return first.transpose(1, 2) @ second / first.shape[1]


def step(first: Tensor, second: Tensor) -> Step:
    """Two layers over the same positions, (B, positions, D) and (B, positions, E).

    Args:
        first: (B, D, H, W) maps, (B, L, D) sequences, or (B, D) vectors, which have one position.
        second: the same with E channels; maps of the larger size are average-pooled to the smaller.

    Raises:
        ValueError: the layers have no positions in common.
    """
    if first.dim() == second.dim() == 4:
        size = tuple(min(a, b) for a, b in zip(first.shape[2:], second.shape[2:], strict=True))
        first, second = (F.adaptive_avg_pool2d(f, size) if tuple(f.shape[2:]) != size else f for f in (first, second))
    left, right = _positions(first), _positions(second)
    if left.shape[1] != right.shape[1]:
        shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise ValueError(f"layers of shapes {shapes} have no positions in common; name layers of one kind")
    return left, right


def flow_gap(student: Step, teacher: Step) -> Tensor:
    """Mean squared difference of the entries of two flows of one shape, (B,).

    Where a layer has many channels at few positions, the inner products of the positions say the same for less.
    """
    width, other = teacher[0].shape[2], teacher[1].shape[2]
    if student[0].shape[1] * teacher[0].shape[1] >= width * other:
        return (flow(*student) - flow(*teacher)).square().mean((1, 2))
    square = _inner(student, student) + _inner(teacher, teacher) - 2 * _inner(student, teacher)
    return square / (width * other)


def _inner(one: Step, other: Step) -> Tensor:
    """Sum of the products of the entries of two flows, (B,)."""
    products = (one[0] @ other[0].transpose(1, 2)) * (one[1] @ other[1].transpose(1, 2))
    return products.mean((1, 2))


def _positions(features: Tensor) -> Tensor:
    """(B, positions, channels)."""
    if features.dim() == 2:
        return features[:, None]
    return features.flatten(2).transpose(1, 2) if features.dim() == 4 else features.flatten(1, -2)


class FSP(Method):
    """Flow of solution procedure.

    Args:
        flow_share: Share of the run given to the first stage; 30 of 270 epochs in the benchmark.
        weight: Weight of the flow; 1 in the benchmark, whose 50 weighs a term of the second stage that is 0.
        guided: Student layers, two or more with commas; None is what enters the first stage, and the stages.
        hint: Teacher layers, one for each; None is what enters the first stage, and the stages.

    Terms: ``flow`` in the first stage; ``labels`` in the second, (B,) each.

    Example:
        >>> [(plan.name, plan.share) for plan in FSP(flow_share=0.25).stages(Facts(100, 10, 1000, 10))]
        [('flow', 0.25), ('distill', 0.75)]
    """

    citation = Citation(
        "A Gift from Knowledge Distillation: Fast Optimization, Network Minimization and Transfer Learning",
        "Yim, Joo, Bae, Kim",
        "CVPR",
        2017,
    )
    evidence = Evidence(
        "code",
        "HobbitLong/RepDistiller (benchmark code), distiller_zoo/FSP.py at 1e2f81692647991a80a1e97ffa14e2af915eaa6f "
        "and helper/pretrain.py",
        "widths that differ, nets without maps, and the weight",
    )
    progress = Progress("flow")
    terms = ("flow", "labels")
    reads = Reads(
        "the stages of both models, (B, D, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    learns = Learns("adapters from the student's channels to the teacher's, in the first stage", between=("adapters",))
    cost = "low"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("flow_of_solution_procedure", "gift")

    def __init__(
        self,
        flow_share: Annotated[float, Range(0.05, 0.95, 0.05)] = 30 / 270,
        weight: Annotated[float, Range(0.0, 100.0, 0.5)] = 10.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.flow_share, self.weight, self.guided, self.hint = flow_share, weight, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Pairs the layers, makes the maps between their widths, and tries one comparison.

        Raises:
            ValueError: fewer than two layers are named.
        """
        super().build(student_model, teacher_model, example, facts)
        if teacher_model is None:  # as the second stage begins, which has no teacher
            return
        mine, theirs = stage_pairs(student_model, teacher_model, self.guided, self.hint)
        mine = mine if self.guided else (f"{mine[0]}:input", *mine)
        theirs = theirs if self.hint else (f"{theirs[0]}:input", *theirs)
        student, teacher = example_traces(student_model, teacher_model, (mine, theirs), example)
        count = min(len(mine), len(theirs))
        if count < 2:
            raise ValueError(f"fsp compares steps between layers; name two or more, not {(self.guided or self.hint)!r}")
        self.student_layers, self.teacher_layers = mine[-count:], theirs[-count:]
        pairs = zip(self.student_layers, self.teacher_layers, strict=True)
        self.adapters = nn.ModuleList(channel_adapter(student[one], teacher[other]) for one, other in pairs)
        self._gap(student, teacher)

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """The flow, then the labels."""
        return StagePlan("flow", self.flow_share), StagePlan("distill", 1 - self.flow_share, teacher=None)

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The term of the stage."""
        if self.stage == "flow":
            return {"flow": self.weight * self._gap(student, teacher)}
        return {"labels": self.label_loss(student, batch)}

    def _gap(self, student: Trace, teacher: Trace) -> Tensor:
        """Mean squared difference of the flows, summed over the steps, (B,)."""
        gaps = []
        for first, second in pairwise(range(len(self.adapters))):
            mine = step(student[self.student_layers[first]], student[self.student_layers[second]])
            theirs = step(teacher[self.teacher_layers[first]].detach(), teacher[self.teacher_layers[second]].detach())
            sides = min(theirs[0].shape[2], theirs[0].shape[1]), min(theirs[1].shape[2], theirs[1].shape[1])
            refuse_larger("the flow of a batch", (len(theirs[0]), *sides), theirs[0], f"{SMALLER_BATCHES} or layers")
            gaps.append(flow_gap((self.adapters[first](mine[0]), self.adapters[second](mine[1])), theirs))
        return torch.stack(gaps).sum(0)
