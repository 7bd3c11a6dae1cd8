"""Two distorted views of a sample should be answered, and represented on average, alike: each teaches the other.

Both views of each sample pass through the student in one batch. The other view is detached where it teaches; no teacher is
needed, nothing is learnt besides the student.

Formula:
    L = mean over both views v, w of:  mean_b CE(s_vb, y_b) + soft_weight * T^2 * mean_b KL( softmax(s_wb / T) || softmax(s_vb / T) )
        + mean_weight * || mean_b f_vb - mean_b f_wb ||^2
    s: student logits (B, C);  f: penultimate features (B, D);  y: labels (B,).

Faithful to: Xu and Liu, AAAI 2019, data-distortion guided self-distillation (DDGSD).
Departs from it: losses are means over the two views instead of sums, so that one learning rate serves; images are moved,
and mirrored if wanted, as in the paper; inputs that are no images get noise.
Cost: two views in each step, so twice the passes of labels only.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.methods.parts.distortion import distorted
from workbench.methods.parts.joining import joined
from workbench.methods.parts.layers import example_traces
from workbench.methods.parts.weighting import batch_mean
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.tracing import penultimate_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class DataDistortion(Method):
    """Consistency of two distorted views.

    Args:
        strength: Images are moved by up to this share of their height, 4 of 32 pixels in the paper; other inputs get
            noise of as many standard deviations.
        temperature: Softens both answers; 3 in public code.
        soft_weight: Weight of the other view's answers; 1 in public code.
        mean_weight: Weight of the gap between the views' mean features; half of the 0.0005 in public code, where the
            other losses are added up over the views.
        guided: Student feature; None is the input of its classifier.
        flip: Whether images are mirrored as well; as in the paper, but not for digits or letters.

    Terms: ``labels``, ``other_view`` and ``mean_gap``, (2B,) each; ``mean_gap`` is the same for all.

    Example:
        >>> seen = DataDistortion().inputs(Batch(torch.arange(2), torch.zeros(2, 3)), {})
        >>> seen.ids.tolist(), seen.extras["view"].tolist()
        ([0, 1, 0, 1], [0, 0, 1, 1])
    """

    citation = Citation(
        "Data-Distortion Guided Self-Distillation for Deep Neural Networks", "Xu, Liu", "AAAI", 2019, ""
    )
    evidence = Evidence(
        "code",
        "winycg/Self-KD-Lib (not the authors), methods/ddsgd.py at ede3062d1193626da2bc8a1ceba535d84fb0a08c; the defaults: "
        "youngerous/ddgsd-pytorch (not the authors), scripts/run_ddgsd.sh at d07d90c12a765572740b0138fdb151ab31ce8938",
        "the gap between the means, which the first takes over all features at once and the second between logits; what "
        "a distortion of a vector is",
    )
    progress = Progress("labels")
    terms = ("labels", "other_view", "mean_gap")
    reads = Reads(
        "the penultimate features and logits of the student; inputs must be one floating-point tensor",
        student=("features", "logits"),
        partner=("features", "logits"),
    )
    partner = "itself: other view, mean gap"
    cost = "low"
    aliases = ("ddgsd", "data_distortion_consistency")
    reads_teacher = False

    def __init__(
        self,
        strength: Annotated[float, Range(0.0, 0.5, 0.005)] = 0.125,
        temperature: Temperature = 3.0,
        soft_weight: Weight = 1.0,
        mean_weight: Annotated[float, Range(0.0, 1.0, 0.00005)] = 0.00025,
        guided: Layer = None,
        *,
        flip: bool = False,
    ) -> None:
        super().__init__()
        self.strength, self.flip, self.temperature = strength, flip, temperature
        self.soft_weight, self.mean_weight, self.guided = soft_weight, mean_weight, guided

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Names the feature."""
        super().build(student_model, teacher_model, example, facts)
        self.student_layers = (self.guided or penultimate_of(student_model),)
        example_traces(student_model, student_model, (self.student_layers, ()), example)

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage without a teacher."""
        return (StagePlan(teacher=None),)

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """Two views of each sample, one below the other."""
        views = [distorted(batch.student_inputs, self.strength, flip=self.flip) for _ in range(2)]
        which = torch.zeros_like(batch.ids), torch.ones_like(batch.ids)
        pairs = zip(views, which, strict=True)
        return joined(*(batch.but(student_inputs=x, extras={**batch.extras, "view": number}) for x, number in pairs))

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The labels, and the two views' agreement; without views there is none to find."""
        view = batch.extras.get("view", torch.zeros_like(batch.ids))
        pairs = (batch.ids == batch.ids[:, None]) & (view != view[:, None])
        paired, features = pairs.any(1), student[self.student_layers[0]].flatten(1)
        other = student.logits.detach()[pairs.int().argmax(1)]
        divergence = forward_kl(student.logits, other, self.temperature) * paired
        signs = torch.where(view == 0, 1.0, -1.0).to(features) * paired
        gap = 2 * batch_mean(signs[:, None] * features, batch)
        return {
            "labels": self.label_loss(student, batch),
            "other_view": self.soft_weight * self.temperature**2 * divergence,
            "mean_gap": self.mean_weight * gap.square().sum().expand(len(batch.ids)),
        }
