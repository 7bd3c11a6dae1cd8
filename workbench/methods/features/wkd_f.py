"""Match the distribution of features over a picture: as a Gaussian for each channel, by the cost of moving one to the other.

What a channel says at all positions is summed up by its mean and deviation, and the Wasserstein distance of two such
Gaussians stays meaningful where they hardly overlap, as the KL divergence does not. The teacher is detached; besides the
student the projector is learnt.

Formula:
    L = mean_b CE(s_b, y_b) + w * mean_b mean_cells ( mean_weight * |m_s - m_t|^2 + |d_s - d_t|^2 )_b
    m, d: mean and deviation of each channel within a cell of P(F_s) and of F_t, last maps (B, C, H, W);  P: 1 x 1
    convolution, batch norm and rectifier;  w: weight, falling as a cosine to 0 from decay_start to the end of the run.

Faithful to: Lv, Yang and Li, NeurIPS 2024, the feature distillation with diagonal Gaussians, and the authors' code.
Departs from it: maps of unequal size are not brought to one size, since only their moments are compared; a deviation over
one position counts as 0, so that in a net without maps, (B, D), means alone are matched; the weight falls with every step.
Setting: digits. On it we expect: the distance of the Gaussians falls below that of a student that does not learn.
"""

from __future__ import annotations

import math
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.maps import as_maps, averaged
from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.layers import example_traces, last_stage_pair
from workbench.methods.ranges import Layer
from workbench.models.blocks import conv_bn_relu
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class WKDF(Method):
    """Wasserstein distillation of features.

    Args:
        weight: Weight of the distance; 0.08 for CIFAR-100 and ResNets in the authors' recipes, 0.005 to 0.3 elsewhere.
        mean_weight: Weight of the means against the deviations; 4 in that recipe.
        grid: Cells in either direction, each with Gaussians of its own; 1 in that recipe, 4 for unlike nets.
        decay_start: Share of the run after which the weight falls; 150 of 240 epochs in that recipe.
        guided: Student layer; None is the last stage.
        hint: Teacher layer; None is the last stage.

    Terms: ``labels`` and ``gaussians``, (B,) each; a sample without a label takes part in the latter.

    Example:
        >>> WKDF(grid=4).config()["grid"]
        4
    """

    citation = Citation(
        "Wasserstein Distance Rivals Kullback-Leibler Divergence for Knowledge Distillation",
        "Lv, Yang, Li",
        "NeurIPS",
        2024,
        "2412.08139",
    )
    evidence = Evidence(
        "code",
        "JiamingLv/WKD (authors), mdistiller/distillers/WKD.py at 214cf8868c2b8e45781f238b8f0e47c2e4e38190 and "
        "configs/cifar100/wkd_f/res32x4_res8x4.yaml",
        "nets without maps",
    )
    progress = Progress("gaussians")
    terms = ("labels", "gaussians")
    reads = Reads(
        "one layer of each model, (B, C, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    learns = Learns("projector", between=("projector",))
    cost = "low"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("wasserstein_features",)

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 5.0, 0.01)] = 0.08,
        mean_weight: Annotated[float, Range(0.0, 20.0, 0.5)] = 4.0,
        grid: Annotated[int, Range(1, 16, 1)] = 1,
        decay_start: Annotated[float, Range(0.0, 1.0, 0.01)] = 0.625,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.mean_weight, self.grid, self.decay_start = weight, mean_weight, grid, decay_start
        self.guided, self.hint = guided, hint
        self._left = 1.0

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the projector."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        widths = as_maps(student[mine]).shape[1], as_maps(teacher[theirs]).shape[1]
        self.projector = nn.Sequential(*conv_bn_relu(*widths)).to(student[mine])

    def schedule(self, progress: float) -> None:
        """How much of the weight is left."""
        decayed = max(progress - self.decay_start, 0.0) / max(1 - self.decay_start, 1e-9)
        self._left = (1 + math.cos(math.pi * decayed)) / 2

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the distance."""
        mine = self.projector(as_maps(student[self.student_layers[0]]))
        theirs = as_maps(teacher[self.teacher_layers[0]].detach())
        distance = gaussian_distance(mine, theirs, self.grid, self.mean_weight)
        return {"labels": self.label_loss(student, batch), "gaussians": self._left * self.weight * distance}


def moments(maps: Tensor, grid: int, epsilon: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Mean and unbiased standard deviation of each channel in every cell of a grid, twice (B, C, h, w).

    Args:
        maps: (B, C, H, W).
        grid: cells in either direction; fewer where a map has fewer positions.
        epsilon: added to the variance, which is 0 where a cell has one position.
    """
    height, width = maps.shape[2:]
    size = min(grid, height), min(grid, width)
    offset = maps.mean((2, 3), keepdim=True)  # the variance does not depend on it, its rounding error does
    centred = maps - offset
    mean = averaged(centred, size)
    counts = _counts(height, size[0], maps)[:, None] * _counts(width, size[1], maps)
    variance = (averaged(centred.square(), size) - mean.square()).clamp(min=0) * counts / (counts - 1).clamp(min=1)
    return mean + offset, (variance + epsilon).sqrt()


def gaussian_distance(student: Tensor, teacher: Tensor, grid: int, mean_weight: float = 1.0) -> Tensor:
    """Squared 2-Wasserstein distance of diagonal Gaussians, ``|mean difference|^2 + |deviation difference|^2``, (B,).

    Args:
        student: (B, C, H, W).
        teacher: (B, C, H', W').
        grid: one Gaussian for each of its cells, the distance averaged over them.
        mean_weight: of the first part; 1 is the distance.
    """
    cells = min(grid, *student.shape[2:], *teacher.shape[2:])
    (mean, deviation), (wanted_mean, wanted_deviation) = moments(student, cells), moments(teacher, cells)
    squared = mean_weight * (mean - wanted_mean).square() + (deviation - wanted_deviation).square()
    return squared.sum(1).mean((1, 2))


def _counts(before: int, after: int, like: Tensor) -> Tensor:
    """How many of ``before`` places each of ``after`` cells averages, (after,)."""
    cell = torch.arange(after, device=like.device)
    return (((cell + 1) * before + after - 1) // after - cell * before // after).to(like)
