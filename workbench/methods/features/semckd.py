"""Let each layer of the student attend to the teacher's layers that mean the same, sample by sample.

Layers that match in meaning need not be at the same depth. Every layer of the student learns from all of the
teacher's, weighted by an attention that is learnt from how samples relate to each other in each layer. The teacher is
detached; besides the student the attention and one projection for each pair of layers are learnt.

Formula:
    L = mean_b CE(s_b, y_b) + soft_weight * T^2 * mean_b KL( softmax(t_b / T) || softmax(s_b / T) )
        + weight * mean_b 1/S * sum_{i, j} a_bij * mean ( P_ij(F_s,i) - F_t,j )_b^2
    a_bi = softmax over j of q_bi . k_bj;  q, k: learnt from the similarities of sample b in layer i of S, j of the teacher.

Faithful to: Chen et al., AAAI 2021, the semantic calibration of all pairs of layers, and the authors' code.
Departs from it: queries and keys read a sample's similarities in falling order, at a number of points, where the paper
reads them in the order of the batch, whose size must then never change; 1 x 1 kernels where there is one position.
Cost: some 13 times a step of ``kd`` on small nets: S x T projections of three convolutions each; memory for B^2
numbers in every layer of either net.
Setting: digits. On it we expect: the calibrated distance falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.maths.maps import as_maps, to_common_size
from workbench.methods.method import Method
from workbench.methods.parts.adapters import kernel_for
from workbench.methods.parts.layers import every_stage, example_traces
from workbench.methods.parts.memory import SMALLER_BATCHES, refuse_larger
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.blocks import conv_bn_relu
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


def similarity_profile(features: Tensor, points: int) -> Tensor:
    """How like the others in the batch a sample is: its inner products with all, in falling order, at some points.

    It depends neither on the order of the batch nor, in its shape, on its size; B^2 numbers are held.

    Args:
        features: (B, ...).
        points: along the order, linearly interpolated.

    Returns:
        (B, points).
    """
    flat = features.flatten(1)
    falling = (flat @ flat.T).sort(1, descending=True).values
    places = torch.linspace(0, len(flat) - 1, points, device=flat.device, dtype=torch.float64)
    low = places.long()
    between = (places - low).to(flat)
    return falling[:, low] * (1 - between) + falling[:, (low + 1).clamp(max=len(flat) - 1)] * between


class _Profiler(nn.Module):
    """A query or a key, a quarter as wide and of length 1, from a similarity profile.

    Args:
        points: of the profile.
    """

    def __init__(self, points: int) -> None:
        super().__init__()
        self.points, width = points, points // 4
        self.layers = nn.Sequential(nn.Linear(points, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, features: Tensor) -> Tensor:
        """(B, ...) -> (B, points // 4)."""
        return F.normalize(self.layers(similarity_profile(features, self.points)), dim=1)


def projection(student: Tensor, teacher: Tensor) -> nn.Sequential:
    """From the channels of the student's maps to those of the teacher's: three convolutions, twice as wide inside.

    Args:
        student: (B, C, H, W).
        teacher: (B, D, H', W'); the maps that are projected have the smaller size of both.
    """
    common, _ = to_common_size(student, teacher)
    inner = 2 * teacher.shape[1]
    layers = conv_bn_relu(student.shape[1], inner) + conv_bn_relu(inner, inner, kernel_for(common))
    return nn.Sequential(*layers, nn.Conv2d(inner, teacher.shape[1], 1, bias=False)).to(student)


class SemCKD(Method):
    """Cross-layer distillation with semantic calibration.

    Args:
        weight: Weight of the calibrated distance; 400 in the paper.
        soft_weight: Weight of the soft targets; 1 in the authors' code.
        temperature: Of the soft targets; 4 in the authors' code.
        points: Similarities that describe a sample in a layer; a batch has 64 in the paper. Read when the method is built.
        guided: Student layers, separated by commas; None is all stages of the model.
        hint: Teacher layers, in any number; None is all stages of the model.

    Terms: ``labels``, ``soft`` and ``calibrated``, (B,) each; a sample without a label takes part in the latter two.

    Example:
        >>> SemCKD(weight=100.0).config()["weight"]
        100.0
    """

    citation = Citation(
        "Cross-Layer Distillation with Semantic Calibration",
        "Chen, Mei, Zhang, Wang, Wang, Feng, Chen",
        "AAAI",
        2021,
        "2012.03236",
    )
    evidence = Evidence(
        "code",
        "DefangChen/SemCKD (authors), models/util.py at 85140adb4f8d2e462f3d8d1786aaad8fdd0b799f and "
        "distiller_zoo/SemCKD.py; weights: DefangChen/SimKD (same authors), scripts/run_distill.sh",
        "batches of other sizes; nets without maps",
    )
    progress = Progress("calibrated")
    terms = ("labels", "soft", "calibrated")
    reads = Reads(
        "the stages of both models, (B, C, H, W), (B, L, D) or (B, D), and logits",
        student=("layers", "logits"),
        partner=("layers", "logits"),
    )
    learns = Learns(
        "queries, keys and projections, one for each layer of the student, of the teacher, and each pair",
        between=("queries", "keys"),
    )
    cost = "high"
    aliases = ("semantic_calibration",)
    relates_samples = True

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 5000.0, 10.0)] = 400.0,
        soft_weight: Weight = 1.0,
        temperature: Temperature = 4.0,
        points: Annotated[int, Range(4, 512, 4)] = 64,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.soft_weight, self.temperature = weight, soft_weight, temperature
        self.points, self.guided, self.hint = points, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes queries, keys and projections."""
        super().build(student_model, teacher_model, example, facts)
        layers = every_stage(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = layers
        student, teacher = example_traces(student_model, teacher_model, layers, example)
        given, told = [as_maps(student[s]) for s in layers[0]], [as_maps(teacher[t]) for t in layers[1]]
        self.queries, self.keys = (nn.ModuleList(_Profiler(self.points).to(f) for f in side) for side in (given, told))
        self.projections = nn.ModuleList(nn.ModuleList(projection(s, t) for t in told) for s in given)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels, the soft targets and the calibrated distance."""
        given = [as_maps(student[layer]) for layer in self.student_layers]
        told = [as_maps(teacher[layer].detach()) for layer in self.teacher_layers]
        relations = len(given) + len(told), len(batch.ids), len(batch.ids)
        refuse_larger("relations of all pairs in all layers", relations, given[0], SMALLER_BATCHES)
        queries = torch.stack([query(mine) for query, mine in zip(self.queries, given, strict=True)], 1)
        keys = torch.stack([key(theirs) for key, theirs in zip(self.keys, told, strict=True)], 1)
        attention = (queries @ keys.mT).softmax(2)
        calibrated = (attention * self._distances(given, told)).sum((1, 2)) / len(given)
        soft = forward_kl(student.logits, teacher.logits.detach(), self.temperature)
        return {
            "labels": self.label_loss(student, batch),
            "soft": self.soft_weight * self.temperature**2 * soft,
            "calibrated": self.weight * calibrated,
        }

    def _distances(self, given: list[Tensor], told: list[Tensor]) -> Tensor:
        """(B, S, T)."""
        rows = []
        for mine, projections in zip(given, self.projections, strict=True):
            pairs = [to_common_size(mine, theirs) for theirs in told]
            gaps = (p(a) - b for p, (a, b) in zip(projections, pairs, strict=True))
            rows.append(torch.stack([gap.square().flatten(1).mean(1) for gap in gaps], 1))
        return torch.stack(rows, 1)
