"""Before it learns to classify, the student learns which neurons of the teacher fire.

A rectified net cuts its inputs into regions, along the boundaries at which neurons start to fire; that partition, not
the size of the responses, makes the decision. In the first stage each of the student's neurons, through a learnt
adapter, is drawn to the teacher's side of its boundary, up to a margin. The second stage is distillation of soft
targets. The teacher is detached; besides the student the adapters are learnt.

Formula:
    stage boundary: L = boundary_weight * mean_b sum_j 2^(j - n) sum_i max(margin - sign_i * r_j(F_s)_i, 0)^2
    stage distill:  L = mean_b KL( softmax(t_b / T) || softmax(s_b / T) ) + label_weight * mean_b CE(s_b, y_b)
    sign_i: 1 where the teacher's response i is above 0, else -1;  F: responses before the rectifier of stage j = 1 .. n;
    r_j: 1 x 1 convolution and batch norm, nothing where the widths are equal.

Faithful to: Heo et al., AAAI 2019, the alternative loss with its margin, and the authors' code.
Departs from it: the shares of the stages are settled here; where a stage ends with no rectifier that is a module, its
output is read (of a preactivated net, the authors read the batch norm after it: name it, as ``layer2.0.bn1``); maps of
unequal size are averaged to the smaller.
Setting: digits. On it we expect: the boundary loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn

from workbench.maths.activations import boundary_distance
from workbench.maths.divergences import forward_kl
from workbench.maths.maps import as_maps, to_common_size
from workbench.methods.method import Method
from workbench.methods.parts.layers import example_maps
from workbench.methods.parts.preactivations import preactivation_pairs
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.blocks import conv_bn, he_normal
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class ActivationBoundary(Method):
    """Boundaries, then soft targets.

    Args:
        boundary_share: Share of the run spent on the boundaries; 30 of 240 epochs in the benchmark of Tian et al. 2020.
        boundary_weight: Weight of the boundaries; 3 / 1000 in the authors' code.
        margin: How far beyond its boundary a neuron is to be; 1 in the authors' code.
        temperature: Softens both distributions; 3 in the authors' code.
        label_weight: Weight of the labels; 0 in the authors' code.
        guided: Student layers, separated by commas; None is before the rectifiers of its stages.
        hint: Teacher layers, one for each; None is before the rectifiers of its stages.

    Terms: ``boundary`` in the first stage; ``labels`` and ``soft`` in the second, (B,) each; a sample without a label
        has no ``labels``.

    Example:
        >>> [(plan.name, plan.share) for plan in ActivationBoundary(boundary_share=0.25).stages(Facts(100, 10, 1000, 10))]
        [('boundary', 0.25), ('distill', 0.75)]
    """

    citation = Citation(
        "Knowledge Transfer via Distillation of Activation Boundaries Formed by Hidden Neurons",
        "Heo, Lee, Yun, Choi",
        "AAAI",
        2019,
        "1811.03233",
    )
    evidence = Evidence(
        "code",
        "bhheo/AB_distillation (authors), cifar10_AB_distillation.py and models/distillation_module.py at "
        "4ac7d0430caa17e0243228c537048553c0cbd8b4",
        "shares of the stages; sizes that differ",
    )
    progress = Progress("boundary")
    terms = ("boundary", "labels", "soft")
    reads = Reads(
        "the stages of both models, (B, C, H, W), (B, L, D) or (B, D), and logits",
        student=("layers", "logits"),
        partner=("layers", "logits"),
    )
    learns = Learns("adapters, one for each pair of stages", between=("adapters",))
    cost = "low"
    aliases = ("ab", "abound")

    def __init__(
        self,
        boundary_share: Annotated[float, Range(0.05, 0.95, 0.05)] = 0.125,
        boundary_weight: Annotated[float, Range(0.0, 1.0, 0.001)] = 0.003,
        margin: Annotated[float, Range(0.0, 10.0, 0.1)] = 1.0,
        temperature: Temperature = 3.0,
        label_weight: Weight = 0.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.boundary_share, self.boundary_weight, self.margin = boundary_share, boundary_weight, margin
        self.temperature, self.label_weight, self.guided, self.hint = temperature, label_weight, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Finds the responses and makes the adapters."""
        super().build(student_model, teacher_model, example, facts)
        layers = preactivation_pairs(student_model, teacher_model, self.guided, self.hint, example)
        self.student_layers, self.teacher_layers = layers
        pairs = example_maps(student_model, teacher_model, layers, example)
        widths = [(given.shape[1], told.shape[1]) for given, told in pairs]
        self.adapters = nn.ModuleList(nn.Sequential(*(conv_bn(s, t) if s != t else ())) for s, t in widths)
        he_normal(self.adapters.to(pairs[0][0]))

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """Boundaries, then distillation."""
        return StagePlan("boundary", self.boundary_share), StagePlan("distill", 1 - self.boundary_share)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The terms of the stage."""
        if self.stage == "boundary":
            return {"boundary": self.boundary_weight * self._boundaries(student, teacher)}
        soft = forward_kl(student.logits, teacher.logits.detach(), self.temperature)
        return {"labels": self.label_weight * self.label_loss(student, batch), "soft": soft}

    def _boundaries(self, student: Trace, teacher: Trace) -> Tensor:
        losses = []
        for adapter, s, t in zip(self.adapters, self.student_layers, self.teacher_layers, strict=True):
            mine, theirs = to_common_size(as_maps(student[s]), as_maps(teacher[t].detach()))
            losses.append(boundary_distance(adapter(mine), theirs, self.margin).flatten(1).sum(1))
        return sum(loss / 2**above for above, loss in enumerate(reversed(losses)))
