"""For an answer at every pixel: match each pixel's distribution, and which regions of the picture are alike.

Pixel by pixel it is plain distillation. The pairwise term adds what single pixels do not say: the feature maps are pooled to a
few regions, and the cosines between all of them are to be the teacher's, whatever the widths. The teacher is detached; nothing
is learnt besides the student.

Formula:
    L = mean_b mean_i CE(s_bi, y_bi) + pixel_weight * mean_b mean_i KL( softmax(t_bi) || softmax(s_bi) )
        + pair_weight * mean_b mean_ij ( a^s_bij - a^t_bij )^2,   a_ij = f_i . f_j / (|f_i| |f_j|)
    s, t: logits (B, C, H, W) at pixels i;  f: maps pooled by their maximum to regions i, j;  y: labels (B, H, W).

Faithful to: Liu et al., CVPR 2019, Eqs. 1 and 2, and the authors' code, in which the norms have no gradient.
Departs from it: the adversarial term is left out; the pixels' term is a KL instead of a cross-entropy, a constant apart; maps of
different sizes are pooled to as many regions on both sides.
Cost: memory for B R^2 numbers a side, R = regions^2.
Setting: one's own, of the task dense. On it we expect: the pixel term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.divergences import positions_kl
from workbench.methods.method import Method
from workbench.methods.parts.layers import example_traces, last_stage_pair
from workbench.methods.parts.memory import SMALLER_BATCHES, refuse_larger
from workbench.methods.ranges import Layer, Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class StructuredKD(Method):
    """Pixels, and pairs of regions.

    Args:
        pixel_weight: Weight of the pixels' divergence; 10 in the authors' script.
        pair_weight: Weight of the regions' similarities; 0.5 in the authors' script.
        regions: Regions across and down; 2 in the authors' script, where a region is half as wide as the map.
        guided: Student layer; None is its last stage.
        hint: Teacher layer; None is its last stage.

    Terms: ``labels``, ``pixels`` and ``pairs``, (B,) each.

    Example:
        >>> StructuredKD(regions=4).config()["regions"]
        4
    """

    citation = Citation(
        "Structured Knowledge Distillation for Semantic Segmentation",
        "Liu, Chen, Liu, Qin, Luo, Wang",
        "CVPR",
        2019,
        "1903.04197",
    )
    evidence = Evidence(
        "code",
        "irfanICMLL/structure_knowledge_distillation (authors), utils/criterion.py at "
        "3914ec7b634cf1e0c9509a86f352cf8f4380e068, utils/utils.py and run_train_val.sh",
        "maps of different sizes",
    )
    progress = Progress("pixels")
    terms = ("labels", "pixels", "pairs")
    reads = Reads(
        "logits (B, C, H, W), and maps of one layer of each model, (B, D, H, W)",
        student=("layers", "logits"),
        partner=("layers", "logits"),
    )
    cost = None
    aliases = ("pixelwise_kd", "skds")
    tasks = ("dense",)

    def __init__(
        self,
        pixel_weight: Weight = 10.0,
        pair_weight: Weight = 0.5,
        regions: Annotated[int, Range(1, 64, 1)] = 2,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.pixel_weight, self.pair_weight, self.regions = pixel_weight, pair_weight, regions
        self.guided, self.hint = guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Names the two layers, and looks for them.

        Raises:
            ValueError: their features are no maps.
        """
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        traces = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        for name, trace in zip((mine, theirs), traces, strict=True):
            if trace[name].dim() != 4:
                raise ValueError(f"layer {name!r} is of shape {tuple(trace[name].shape)}; maps (B, D, H, W) are needed")

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels, the pixels and the pairs."""
        mine, theirs = student[self.student_layers[0]], teacher[self.teacher_layers[0]].detach()
        refuse_larger("similarities of all regions", (len(mine), self.regions**4), mine, SMALLER_BATCHES)
        gaps = self._similarities(mine) - self._similarities(theirs)
        return {
            "labels": self.label_loss(student, batch),
            "pixels": self.pixel_weight * positions_kl(student.logits, teacher.logits.detach(), batch.mask),
            "pairs": self.pair_weight * gaps.square().mean((1, 2)),
        }

    def _similarities(self, maps: Tensor) -> Tensor:
        pooled = F.adaptive_max_pool2d(maps, self.regions).flatten(2)
        unit = pooled / (pooled.detach().norm(dim=1, keepdim=True) + 1e-8)
        return torch.einsum("bdi,bdj->bij", unit, unit)
