"""Let every stage of the student answer, and compare answers: they mean the same in nets of any design.

Features of a convolutional net and of a transformer have little in common, logits do. So each stage of the student
gets a head of its own that is dropped after training, and the teacher's last word teaches all of them. A power lifts
the target class in that word where the teacher is sure of it, and lets its other classes fade. The teacher is
detached; besides the student the heads are learnt.

Formula:
    L = mean_b CE(s_b, y_b) + soft_weight * mean_b E(s_b) + stage_weight * sum_j mean_b E( h_j(F_s,j)_b )
    E(z_b) = - ( (1 + p_y)^power - 1 ) * log q_y - sum_{c != y} p_c^power * log q_c,   p, q: softmax of t_b / T and z_b / T
    F_s,j: stage j;  h_j: separable convolutions, as many as stages follow, average and linear;  s, t: logits;  T: temperature.

Faithful to: Hao et al., NeurIPS 2023, and the authors' code for convolutional students.
Departs from it: stages of transformers go through the same heads, along their positions; heads are as wide as the student's
last stage, not as the wider of both nets', so that nothing is asked of the teacher but logits; the labels are not smoothed; a
sample without a label has the class its teacher chooses; kernels are 1 x 1 where features have one position.
Cost: some 2 times a step of ``kd`` on small nets: convolutions in the head of every stage.
Setting: digits. On it we expect: the cross-entropy of the stages falls below that of a student that does not learn.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.decoupling import target_classes
from workbench.maths.divergences import finite_logits, one_hot, soft_cross_entropy
from workbench.maths.maps import as_maps
from workbench.methods.method import Method
from workbench.methods.parts.adapters import kernel_for
from workbench.methods.parts.layers import example_traces
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.blocks import BatchNorm2d, GlobalAverage, he_normal
from workbench.models.tracing import stages_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class OFAKD(Method):
    """One-for-all distillation.

    Args:
        power: Of the target enhancement, 1 is none; 1.5 in the authors' example.
        temperature: Softens both distributions; 1 in the authors' code.
        soft_weight: Weight of the student's own logits; 1 in the authors' code.
        stage_weight: Weight of each stage; 1 in the authors' code.
        guided: Student layers, separated by commas; None is all stages of the model.

    Terms: ``labels``, ``soft`` and ``stages``, (B,) each; a sample without a label takes part in the latter two.

    Example:
        >>> OFAKD(power=1.0).config()["power"]
        1.0
    """

    citation = Citation(
        "One-for-All: Bridge the Gap Between Heterogeneous Architectures in Knowledge Distillation",
        "Hao, Guo, Han, Tang, Hu, Wang, Xu",
        "NeurIPS",
        2023,
        "2310.19444",
    )
    evidence = Evidence(
        "code",
        "Hao840/OFAKD (authors), distillers/ofa.py at 12eeba86d9f1049a01ded3f5912914ed40448692, distillers/utils.py, "
        "train.py and README.md",
        "transformers' stages; samples without a label",
    )
    progress = Progress("stages")
    terms = ("labels", "soft", "stages")
    reads = Reads(
        "the stages of the student, (B, C, H, W), (B, L, D) or (B, D), and logits", student=("layers", "logits")
    )
    learns = Learns("heads, one for each stage", between=("heads",))
    cost = "medium"
    aliases = ("one_for_all", "ofa")

    def __init__(
        self,
        power: Annotated[float, Range(1.0, 3.0, 0.1)] = 1.5,
        temperature: Temperature = 1.0,
        soft_weight: Weight = 1.0,
        stage_weight: Weight = 1.0,
        guided: Layer = None,
    ) -> None:
        super().__init__()
        self.power, self.temperature = power, temperature
        self.soft_weight, self.stage_weight, self.guided = soft_weight, stage_weight, guided

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the heads."""
        super().build(student_model, teacher_model, example, facts)
        stages = self.guided.split(",") if self.guided else stages_of(student_model)
        self.student_layers = tuple(stage.strip() for stage in stages)
        student, _ = example_traces(student_model, teacher_model, (self.student_layers, ()), example)
        maps = [as_maps(student[layer]) for layer in self.student_layers]
        later, width, classes = range(len(maps) - 1, -1, -1), maps[-1].shape[1], student.logits.shape[1]
        self.heads = nn.ModuleList(_stage_head(m, n, width, classes) for m, n in zip(maps, later, strict=True))

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels, the student's own answer and those of its stages."""
        told = teacher.logits.detach()
        targets = target_classes(batch.labels, told)
        pairs = zip(self.heads, self.student_layers, strict=True)
        answers = [student.logits, *(head(as_maps(student[layer])) for head, layer in pairs)]
        own, *stages = (enhanced_cross_entropy(z, told, targets, self.power, self.temperature) for z in answers)
        return {
            "labels": self.label_loss(student, batch),
            "soft": self.soft_weight * own,
            "stages": self.stage_weight * torch.stack(stages).sum(0),
        }


def enhanced_targets(soft_targets: Tensor, targets: Tensor, power: float) -> Tensor:
    """``p ** power`` of every class but the target, which has ``(1 + p) ** power - 1``; (B, C), its rows sum to any number.

    A power of 1 changes nothing. A larger one lifts the target and lets the other classes fade (Hao et al., NeurIPS 2023).

    Args:
        soft_targets: (B, C) probabilities.
        targets: (B,) int64.
        power: 1 or more.
    """
    mask = one_hot(targets, soft_targets)
    return (soft_targets + mask).pow(power) - mask


def enhanced_cross_entropy(
    student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, power: float, temperature: float = 1.0
) -> Tensor:
    """Cross-entropy of the student against enhanced targets, (B,).

    Args:
        student_logits: (B, C).
        teacher_logits: (B, C).
        targets: (B,) int64.
        power: of the enhancement.
        temperature: softens both.
    """
    soft_targets = torch.softmax(finite_logits(teacher_logits) / temperature, 1)
    return soft_cross_entropy(
        finite_logits(student_logits) / temperature, enhanced_targets(soft_targets, targets, power)
    )


def _stage_head(maps: Tensor, halvings: int, width: int, classes: int) -> nn.Sequential:
    """From a stage's maps to logits: as many halvings as the later stages do, an average over positions, a linear layer.

    Args:
        maps: (B, C, H, W), of the stage.
        halvings: separable convolutions; none is a 1 x 1 convolution.
        width: channels of what is averaged.
        classes: of the logits.
    """
    inputs, kernel = maps.shape[1], kernel_for(maps)
    widths = [inputs * 2**step for step in range(halvings)] + [width]
    layers = [_separable(before, after, kernel) for before, after in pairwise(widths)]
    head = nn.Sequential(*(layers or [nn.Conv2d(inputs, width, 1)]), GlobalAverage(), nn.Linear(width, classes))
    he_normal(head)
    nn.init.trunc_normal_(head[-1].weight, std=0.02)
    nn.init.zeros_(head[-1].bias)
    return head.to(maps)


def _separable(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Two depthwise separable convolutions with batch norm and rectifier, the first with stride 2."""
    layers: list[nn.Module] = []
    for stride, after in ((2, inputs), (1, outputs)):
        depthwise = nn.Conv2d(inputs, inputs, kernel, stride, kernel // 2, groups=inputs, bias=False)
        layers += [depthwise, nn.Conv2d(inputs, after, 1, bias=False), BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)
