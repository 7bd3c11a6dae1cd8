"""The net's deepest answer teaches classifiers on its own shallow stages, and so its lower layers.

Each shallow stage gets a head while the net learns: a bottleneck to the width of the deepest feature, and a classifier. It
learns from labels, from the deepest classifier's answers, and is drawn to the deepest feature. The deepest classifier is
detached where it teaches; the heads are carried by the student and left off when it is deployed. No teacher is needed.

Formula:
    L = mean_b CE(s_b, y_b) + sum_i (1 - soft_weight) * mean_b CE(h_ib, y_b)
        + soft_weight * sum_i mean_b KL( softmax(s_b / T) || softmax(h_ib / T) ) + hint_weight * sum_i mean_b sum_d (g_ib - f_b)_d^2
    s, f: deepest logits (B, C) and penultimate features (B, D);  h_i, g_i: logits and features of head i;  y: labels (B,).

Faithful to: Zhang et al., ICCV 2019, Eqs. 1 to 3, with the squared distance of Eq. 3 as the hint; the weights of the authors'
code, which leaves out T^2.
Departs from it: a bottleneck is one layer (a convolution and a mean over positions for maps); the soft term is a KL instead of
a cross-entropy, a constant apart. The authors' later code has another hint: the root of the squares of the whole batch, after
a linear layer, and none for the shallowest head. A net of one stage has its only head there.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.methods.parts.branches import Carrying
from workbench.methods.parts.layers import example_traces
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.tracing import penultimate_of, stages_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class BeYourOwnTeacher(Method):
    """Heads on shallow stages, taught by the deepest.

    Args:
        temperature: Softens both distributions; 3 in the authors' code.
        soft_weight: Weight of the deepest answers, taken from the heads' labels; 0.3 in the authors' code.
        hint_weight: Weight of the deepest feature; 0.03 in the authors' code.
        guided: Stages that get a head, with commas; None is all but the last.

    Terms: ``labels``, ``soft`` and ``hint``, added up over the heads, (B,) each.

    Example:
        >>> sorted(BeYourOwnTeacher().config())
        ['guided', 'hint_weight', 'soft_weight', 'temperature']
    """

    citation = Citation(
        "Be Your Own Teacher: Improve the Performance of Convolutional Neural Networks via Self Distillation",
        "Zhang, Song, Gao, Chen, Bao, Ma",
        "ICCV",
        2019,
        "1905.08094",
    )
    evidence = Evidence(
        "code",
        "ArchipLab-LinfengZhang/pytorch-self-distillation-final (authors), train.py at "
        "eda2f2bcafb650068263580185955039e2f2e912, the hint of the conference version that a comment there names, "
        "|f1 - f2|^2; at 317b7e5a5c16535f12346adcfbde8fbfcb1bbce6 there is no hint",
        "the shape of a bottleneck",
    )
    progress = Progress("labels")
    terms = ("labels", "soft", "hint")
    reads = Reads(
        "stages, penultimate features and logits of the student",
        student=("layers", "features", "logits"),
        partner=("layers", "features", "logits"),
    )
    learns = Learns("a head on each shallow stage, carried by the student until it is deployed")
    partner = "its own deepest exit"
    cost = "low"
    aliases = ("byot",)
    reads_teacher = False

    def __init__(
        self,
        temperature: Temperature = 3.0,
        soft_weight: Annotated[float, Range(0.0, 1.0, 0.05)] = 0.3,
        hint_weight: Weight = 0.03,
        guided: Layer = None,
    ) -> None:
        super().__init__()
        self.temperature, self.soft_weight, self.hint_weight = temperature, soft_weight, hint_weight
        self.guided = guided

    def prepare(self, student: nn.Module) -> nn.Module:
        """A student that can carry heads."""
        return Carrying(student)

    def deployed(self, student: nn.Module) -> nn.Module:
        """The student without its heads."""
        return student.inner

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Puts the heads on; the deepest feature comes first among the layers, then each head's feature and logits."""
        super().build(student_model, teacher_model, example, facts)
        inner = student_model.inner
        stages = self.guided.split(",") if self.guided else stages_of(inner)
        shallow = tuple(stages if self.guided else stages[:-1] or stages)
        deepest = penultimate_of(inner)
        trace = example_traces(inner, inner, ((*shallow, deepest), ()), example)[0]
        width = trace[deepest].flatten(1).shape[1]
        heads = [nn.Sequential(_bottleneck(trace[s], width), nn.Linear(width, trace.logits.shape[1])) for s in shallow]
        names = student_model.carry(heads, shallow)
        self.student_layers = (f"inner.{deepest}", *(layer for name in names for layer in (f"{name}.0", name)))

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage without a teacher."""
        return (StagePlan(teacher=None),)

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The labels, the deepest answers and the deepest feature."""
        deepest, *heads = (student[layer] for layer in self.student_layers)
        features, logits, target = heads[0::2], heads[1::2], student.logits.detach()
        shallow = torch.stack([self.label_loss(Trace(one), batch) for one in logits]).sum(0)
        soft = torch.stack([forward_kl(one, target, self.temperature) for one in logits]).sum(0)
        aim = deepest.detach().flatten(1)
        hint = torch.stack([(one - aim).square().sum(1) for one in features]).sum(0)
        return {
            "labels": self.label_loss(student, batch) + (1 - self.soft_weight) * shallow,
            "soft": self.soft_weight * soft,
            "hint": self.hint_weight * hint,
        }


def _bottleneck(feature: Tensor, width: int) -> nn.Module:
    if feature.dim() == 4:
        convolution = nn.Conv2d(feature.shape[1], width, 3, padding=1)
        return nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(nn.Flatten(), nn.Linear(feature[0].numel(), width), nn.ReLU())
