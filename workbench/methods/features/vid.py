"""Make the student's features tell as much as they can about the teacher's.

The mutual information of both is bounded from below by how likely a learnt Gaussian, whose mean is predicted from the
student, finds the teacher's features. Its variance is learnt for each channel: what the student cannot predict counts
little. The teacher is detached; besides the student the means and the variances are learnt.

Formula:
    L = mean_b CE(s_b, y_b) + weight * sum_j mean_b mean_i 1/2 * ( (F_t - mu_j(F_s))_bi^2 / v_jc + log v_jc )
    v_jc = log(1 + exp(a_jc)) + 1e-5, one for each channel c of stage j;  mu_j: three 1 x 1 convolutions with rectifiers.

Faithful to: Ahn et al., CVPR 2019, the negative logarithm of the Gaussian with its constant left out.
Departs from it: stages alone are matched, as in the benchmark of Tian et al., not logits; the error is averaged over
positions and channels, as there; maps of unequal size are averaged to the smaller.
Cost: some 2 times a step of ``kd`` on small nets: three convolutions as wide as the teacher for each stage.
Setting: digits. On it we expect: the surprise falls below that of a student that does not learn.
"""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.maps import as_maps, to_common_size
from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.layers import example_maps, stage_pairs
from workbench.methods.ranges import Layer, Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace

EPSILON = 1e-5


class VID(Method):
    """Variational information distillation.

    Args:
        weight: Weight of all stages; 1 in the benchmark.
        first_variance: Variance of every channel at the start; 5 in the benchmark. Read when the method is built.
        guided: Student layers, separated by commas; None is the stages of the model.
        hint: Teacher layers, one for each; None is the stages of the model.

    Terms: ``labels`` and ``surprise``, (B,) each; the latter can be negative; a sample without a label takes part in it.

    Example:
        >>> VID(first_variance=1.0).config()["first_variance"]
        1.0
    """

    citation = Citation(
        "Variational Information Distillation for Knowledge Transfer",
        "Ahn, Hu, Damianou, Lawrence, Dai",
        "CVPR",
        2019,
        "1904.05835",
    )
    evidence = Evidence(
        "code",
        "HobbitLong/RepDistiller (benchmark code; the authors' repository is gone), distiller_zoo/VID.py at "
        "1e2f81692647991a80a1e97ffa14e2af915eaa6f",
        "nets without maps",
    )
    progress = Progress("surprise")
    terms = ("labels", "surprise")
    reads = Reads(
        "the stages of both models, (B, C, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    learns = Learns(
        "means, one for each pair of stages, and variances before their softplus, (C,) each",
        between=("means", "variances"),
    )
    cost = "medium"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("variational_information_distillation",)

    def __init__(
        self,
        weight: Weight = 1.0,
        first_variance: Annotated[float, Range(0.1, 50.0, 0.1)] = 5.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.first_variance, self.guided, self.hint = weight, first_variance, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the means and the variances."""
        super().build(student_model, teacher_model, example, facts)
        layers = stage_pairs(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = layers
        pairs = example_maps(student_model, teacher_model, layers, example)
        self.means = nn.ModuleList(_mean(s.shape[1], t.shape[1]).to(s) for s, t in pairs)
        first = math.log(math.expm1(self.first_variance - EPSILON))
        self.variances = nn.ParameterList(t.new_full((t.shape[1],), first) for _, t in pairs)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the surprise of all stages."""
        layers = zip(self.student_layers, self.teacher_layers, self.means, self.variances, strict=True)
        losses = []
        for mine, theirs, mean, raw in layers:
            given, told = to_common_size(as_maps(student[mine]), as_maps(teacher[theirs].detach()))
            variance = (F.softplus(raw) + EPSILON)[:, None, None]
            surprise = (mean(given) - told).square() / variance + variance.log()
            losses.append(surprise.flatten(1).mean(1) / 2)
        return {"labels": self.label_loss(student, batch), "surprise": self.weight * torch.stack(losses).sum(0)}


def _mean(inputs: int, outputs: int) -> nn.Module:
    widths = ((inputs, outputs), (outputs, outputs), (outputs, outputs))
    first, second, third = (nn.Conv2d(before, after, 1, bias=False) for before, after in widths)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), third)
