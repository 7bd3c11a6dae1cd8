"""Copy the teacher before its rectifier: where it speaks, in full; where it is silent, only that it is.

Responses are compared before the rectifier of each stage, where the silent ones still carry how silent they are. A
margin rectifier keeps of these no more than their mean in each channel, and where the student is more silent than that
nothing is asked of it. The teacher stays in evaluation mode and is detached; besides the student the adapters are
learnt.

Formula:
    L = mean_b CE(s_b, y_b) + weight * mean_b sum_j 2^(j - n) sum_i d( r_j(F_s)_i , max(F_t,i , m_c) )_j
    d(s, t) = 0 where s <= t <= 0, else (s - t)^2;  F: responses before the rectifier of stage j = 1 .. n;
    m_c = E[F_t | F_t < 0] in channel c;  r_j: 1 x 1 convolution and batch norm.

Faithful to: Heo et al., ICCV 2019, section 3, and the authors' code; the margin from the weight and bias of the batch
norm before the rectifier.
Departs from it: the teacher is not put into training mode, as the authors' code does; where no batch norm comes right
before the rectifier (after a sum, too) the margin is the mean of what was seen so far; where a stage ends with no
rectifier that is a module its output is read (of a preactivated net, the authors read the batch norm after it: name it,
as ``layer2.0.bn1``); maps of unequal size are averaged to the smaller.
Setting: digits. On it we expect: the partial distance falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from workbench.maths.activations import negative_mean, partial_distance
from workbench.maths.maps import as_maps, to_common_size
from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.layers import example_maps
from workbench.methods.parts.preactivations import preactivation_pairs
from workbench.methods.ranges import Layer
from workbench.models.blocks import conv_bn, he_normal
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class Margins(nn.Module):
    """Of each channel the mean of its responses below 0: told by the batch norm they come from, else estimated.

    An estimate is the mean over all samples seen; 0 where a channel never went below 0.

    Args:
        norm: the batch norm whose output the responses are, None where there is none.
        example: responses, (B, C, H, W).

    Attributes:
        value: (C,), at most 0.
    """

    def __init__(self, norm: BatchNorm | None, example: Tensor) -> None:
        super().__init__()
        self.estimated = norm is None
        self.register_buffer("value", example.new_zeros(example.shape[1]))
        if norm is None:
            self.register_buffer("count", torch.zeros_like(self.value))
            self.observe(example)
        else:
            mean = self.value if norm.bias is None else norm.bias.detach()
            deviation = torch.ones_like(self.value) if norm.weight is None else norm.weight.detach().abs()
            self.value.copy_(negative_mean(mean, deviation))

    @torch.no_grad()
    def observe(self, responses: Tensor) -> None:
        """Take further responses, (B, C, H, W), into an estimate."""
        if not self.estimated:
            return
        silent = responses < 0
        count = silent.sum((0, 2, 3)).to(self.count)
        total = (responses * silent).sum((0, 2, 3)).to(self.value)
        self.count += count
        self.value += (total - count * self.value) / self.count.clamp(min=1)


def norm_before(model: nn.Module, feature: str) -> BatchNorm | None:
    """The batch norm whose output a feature is: the named layer, or the one before it in an ``nn.Sequential``."""
    layer, _, kind = feature.rpartition(":")
    if kind != "input":
        found = model.get_submodule(feature) if not layer else None
    else:
        parent, _, name = layer.rpartition(".")
        siblings = model.get_submodule(parent)
        earlier = list(siblings.named_children()) if isinstance(siblings, nn.Sequential) else []
        at = next((i for i, (sibling, _) in enumerate(earlier) if sibling == name), 0)
        found = earlier[at - 1][1] if at > 0 else None
    return found if isinstance(found, BatchNorm) else None


class Overhaul(Method):
    """Overhaul of feature distillation.

    Args:
        weight: Weight of the responses; 1 / 1000 in the authors' code.
        guided: Student layers, separated by commas; None is before the rectifiers of its stages.
        hint: Teacher layers, one for each; None is before the rectifiers of its stages.

    Terms: ``labels`` and ``responses``, (B,) each; a sample without a label takes part in the latter only.

    Example:
        >>> Overhaul(weight=0.01).config()["weight"]
        0.01
    """

    citation = Citation(
        "A Comprehensive Overhaul of Feature Distillation",
        "Heo, Kim, Yun, Park, Kwak, Choi",
        "ICCV",
        2019,
        "1904.01866",
    )
    evidence = Evidence(
        "code",
        "clovaai/overhaul-distillation (authors), CIFAR-100/distiller.py at 76344a84a7ce23c894f41a2e05b866c9b73fd85a and "
        "CIFAR-100/train_with_distillation.py",
        "margins without a batch norm; sizes that differ",
    )
    progress = Progress("responses")
    terms = ("labels", "responses")
    reads = Reads(
        "the stages of both models, (B, C, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    learns = Learns(
        "adapters, one for each pair of stages; estimated margins are kept with the run", between=("adapters",)
    )
    cost = "medium"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("ofd",)

    def __init__(
        self, weight: Annotated[float, Range(0.0, 1.0, 0.0005)] = 0.001, guided: Layer = None, hint: Layer = None
    ) -> None:
        super().__init__()
        self.weight, self.guided, self.hint = weight, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Finds the responses, makes the adapters and the margins."""
        super().build(student_model, teacher_model, example, facts)
        layers = preactivation_pairs(student_model, teacher_model, self.guided, self.hint, example)
        self.student_layers, self.teacher_layers = layers
        pairs = example_maps(student_model, teacher_model, layers, example)
        self.adapters = nn.ModuleList(nn.Sequential(*conv_bn(s.shape[1], t.shape[1])).to(s) for s, t in pairs)
        he_normal(self.adapters)
        norms = [norm_before(teacher_model, layer) for layer in self.teacher_layers]
        self.margins = nn.ModuleList(Margins(norm, maps) for norm, (_, maps) in zip(norms, pairs, strict=True))
        self._seen: list[Tensor] = []

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the responses of all stages."""
        self._seen = [as_maps(teacher[layer].detach()) for layer in self.teacher_layers]
        losses = []
        for index, (adapter, layer) in enumerate(zip(self.adapters, self.student_layers, strict=True)):
            mine, theirs = to_common_size(as_maps(student[layer]), self._seen[index])
            distance = partial_distance(adapter(mine), theirs, self.margins[index].value)
            losses.append(distance.flatten(1).sum(1) / 2 ** (len(self.adapters) - 1 - index))
        return {"labels": self.label_loss(student, batch), "responses": self.weight * torch.stack(losses).sum(0)}

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """Estimated margins take in what was seen."""
        for margins, responses in zip(self.margins, self._seen, strict=True):
            margins.observe(responses)
