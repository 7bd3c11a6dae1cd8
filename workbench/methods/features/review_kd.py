"""Review what was learnt before: let the student's deeper layers help its earlier ones to be like the teacher's.

From the deepest level upwards a learnt fusion mixes, position by position, a level's features with what was fused so
far, and each result is compared with the teacher's level at several scales. A teacher's early layer thus teaches the
student's late layers, too. The teacher is detached and read before it rectifies; besides the student the fusions are
learnt.

Formula:
    L = mean_b CE(s_b, y_b) + ramp * weight * sum_j mean_b H( leave_j(u_j), F_t,j )_b
    u_j = z_1 * enter_j(F_s,j) + z_2 * u_(j+1), enlarged;  z = sigmoid(conv [enter_j(F_s,j), u_(j+1)]);  u_n = enter_n(F_s,n)
    H: mean squared difference of maps and of their 4 x 4, 2 x 2 and 1 x 1 averages, weighted 1, 1/2, 1/4 and 1/8 to a mean;
    enter, leave: 1 x 1 and 3 x 3 convolution with batch norm;  ramp: min(progress / warm_up, 1).

Faithful to: Chen et al., CVPR 2021, attention-based fusion and hierarchical context loss, and the authors' code.
Departs from it: the warm-up of 20 of 240 epochs is a share of the run and rises with every step; where a stage of the
teacher ends with no rectifier that is a module its output is read; kernels are 1 x 1 where features have one position.
Cost: some 6 times a step of ``kd`` on small nets: 3 x 3 convolutions for every level, from its width up to 512
channels.
Setting: digits. On it we expect: the reviewed distance falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.maps import as_maps, averaged
from workbench.methods.method import OF_FEATURES, Method
from workbench.methods.parts.adapters import kernel_for
from workbench.methods.parts.layers import example_maps, example_traces, penultimate_pair, stage_pairs
from workbench.methods.parts.preactivations import preactivations
from workbench.methods.parts.ramps import linear_ramp
from workbench.methods.ranges import Layer, Weight
from workbench.models.blocks import conv_bn
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class _Fusion(nn.Module):
    """Attention-based fusion of a level's features with what was fused at the deeper levels.

    Args:
        student: the level's maps, (B, C, H, W).
        teacher: the maps that are wanted, (B, D, H', W').
        inner: channels of what is handed on.
        deepest: True where nothing was fused before.
    """

    def __init__(self, student: Tensor, teacher: Tensor, inner: int, *, deepest: bool) -> None:
        super().__init__()
        self.size = tuple(teacher.shape[2:])
        self.enter = nn.Sequential(*conv_bn(student.shape[1], inner))
        self.leave = nn.Sequential(*conv_bn(inner, teacher.shape[1], kernel_for(teacher)))
        self.attention = None if deepest else nn.Sequential(nn.Conv2d(2 * inner, 2, 1), nn.Sigmoid())
        for convolution in (self.enter[0], self.leave[0]):
            nn.init.kaiming_uniform_(convolution.weight, a=1)

    def forward(self, features: Tensor, deeper: Tensor | None) -> tuple[Tensor, Tensor]:
        """What is compared with the teacher, (B, D, H', W'), and what is handed on, (B, inner, H', W')."""
        fused = self.enter(features)
        if self.attention is not None:
            deeper = F.interpolate(deeper, fused.shape[2:])
            weights = self.attention(torch.cat([fused, deeper], 1))
            fused = fused * weights[:, :1] + deeper * weights[:, 1:]
        fused = F.interpolate(fused, self.size)
        return self.leave(fused), fused


GRIDS = (4, 2, 1)


def hierarchical_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of maps, of themselves and of their averages over ever coarser grids, (B,).

    The grids of 4 x 4, 2 x 2 and 1 x 1 that are coarser than the maps' height count 1/2, 1/4 and 1/8 of the maps
    themselves (the first of them that is coarser counts 1/2); the counts are brought to a sum of 1.

    Args:
        student: (B, C, H, W).
        teacher: the same shape.
    """
    difference = student - teacher
    distance, count, total = difference.square().flatten(1).mean(1), 1.0, 1.0
    for grid in GRIDS:
        if grid < student.shape[2]:
            count /= 2
            size = grid, min(grid, student.shape[3])
            distance = distance + count * averaged(difference, size).square().flatten(1).mean(1)
            total += count
    return distance / total


WIDEST = 512


class ReviewKD(Method):
    """Knowledge review.

    Args:
        weight: Weight of the levels; 1 by default in the authors' code, 0.6 to 8 by pair of nets.
        warm_up: Share of the run over which it rises; 20 of 240 epochs in the paper.
        guided: Student layers, separated by commas, first to last; None is the stages, and what enters the classifier if
            the last stage has maps.
        hint: Teacher layers, one for each; None is before the rectifiers of the stages, and the same.

    Terms: ``labels`` and ``review``, (B,) each; a sample without a label takes part in the latter only.

    Example:
        >>> ReviewKD(weight=5.0).config()["weight"]
        5.0
    """

    citation = Citation("Distilling Knowledge via Knowledge Review", "Chen, Liu, Zhao, Jia", "CVPR", 2021, "2104.09044")
    evidence = Evidence(
        "code",
        "dvlab-research/ReviewKD (authors), CIFAR-100/model/reviewkd.py at 6607308a444e0b53650639f6b040515b3d665e05 and "
        "CIFAR-100/train.py",
        "nets without maps",
    )
    progress = Progress("review")
    terms = ("labels", "review")
    reads = Reads(
        "the stages of both models, (B, C, H, W), (B, L, D) or (B, D), and what enters the classifiers",
        student=("layers", "features"),
        partner=("layers", "features"),
    )
    learns = Learns("fusions, one for each level", between=("fusions",))
    cost = "high"
    tasks = OF_FEATURES
    reads_outputs = False
    aliases = ("knowledge_review",)

    def __init__(
        self,
        weight: Weight = 1.0,
        warm_up: Annotated[float, Range(0.0, 1.0, 0.01)] = 20 / 240,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.warm_up, self.guided, self.hint = weight, warm_up, guided, hint
        self._ramp = 1.0

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Finds the levels and makes the fusions."""
        super().build(student_model, teacher_model, example, facts)
        layers = self._levels(student_model, teacher_model, example)
        self.student_layers, self.teacher_layers = layers
        pairs = example_maps(student_model, teacher_model, layers, example)
        inner, last = min(WIDEST, pairs[-1][0].shape[1]), len(pairs) - 1
        self.fusions = nn.ModuleList(
            _Fusion(mine, theirs, inner, deepest=level == last).to(mine) for level, (mine, theirs) in enumerate(pairs)
        )

    def _levels(
        self, student_model: nn.Module, teacher_model: nn.Module, example: Batch
    ) -> tuple[tuple[str, ...], ...]:
        stages = stage_pairs(student_model, teacher_model, self.guided, self.hint)
        if self.guided or self.hint:
            return stages
        student, _ = example_traces(student_model, teacher_model, stages, example)
        before = preactivations(teacher_model, stages[1], example.for_teacher)
        if student[stages[0][-1]].dim() == 2:
            return stages[0], before
        mine, theirs = penultimate_pair(student_model, teacher_model, None, None)
        return (*stages[0], mine), (*before, theirs)

    def schedule(self, progress: float) -> None:
        """The ramp."""
        self._ramp = linear_ramp(progress, self.warm_up)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the distances of all levels."""
        levels = list(zip(self.fusions, self.student_layers, self.teacher_layers, strict=True))
        distances, fused = [], None
        for fusion, mine, theirs in reversed(levels):
            reviewed, fused = fusion(as_maps(student[mine]), fused)
            distances.append(hierarchical_distance(reviewed, as_maps(teacher[theirs].detach())))
        review = self._ramp * self.weight * torch.stack(distances).sum(0)
        return {"labels": self.label_loss(student, batch), "review": review}
