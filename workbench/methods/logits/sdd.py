"""Match what the classifier says about regions, not only about the whole image, which may show several things.

A linear classifier on averaged maps can score every region of them. At three scales, each region's probabilities are
matched. Where the teacher's verdict on a region differs from that on the whole (right here, wrong there), the region
is ambiguous and counts more. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + soft_weight * (consistent + complementary_weight * complementary)
    consistent, complementary: mean over b of the sum over the regions r of that kind, divided by the number of all r, of
        T^2 * KL( softmax(t_br / T) || softmax(s_br / T) )
    t_br, s_br: W m_br + a, logits (C,);  m_br: mean of the last maps over cell r of grids of 1 x 1, 2 x 2 and 4 x 4
    r is consistent if argmax t_br = y_b just where argmax t_b0 = y_b, 0 being the whole.

Faithful to: Wei et al., CVPR 2024, the scales [1, 2, 4] with kd, and the authors' code.
Departs from it: grids finer than the maps are left out; for a sample without a label, a region is consistent if the
teacher says of it what it says of the whole.
Setting: fashion. On it we expect: the consistent term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.decoupling import target_classes
from workbench.maths.divergences import forward_kl
from workbench.maths.maps import averaged
from workbench.methods.method import Method
from workbench.methods.parts.layers import example_traces
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.layers import call, evaluating, layers_of, listing
from workbench.models.tracing import Tracer, penultimate_of
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace

if TYPE_CHECKING:
    from workbench.records.batch import Inputs


def averaged_layer(model: nn.Module, inputs: Inputs) -> str:
    """The last layer with maps of more than one position whose average enters the last ``nn.Linear``.

    Raises:
        ValueError: there is no such layer, or no linear one; the message lists the layers.
    """
    entry = penultimate_of(model)
    averages = _averages(model, inputs)
    with evaluating(model), torch.no_grad():
        wanted = Tracer(model, (entry,))(inputs)[entry]
    found = [name for name, average in averages.items() if _same(average, wanted)]
    if found:
        return found[-1]
    raise ValueError(
        f"{type(model).__name__} has no maps (B, D, H, W) whose average enters its classifier, so its regions have no "
        f"logits; use a net with global average pooling such as ConvNet, or kd; layers: {listing(layers_of(model))}"
    )


def _classifier_of_maps(model: nn.Module, maps: Tensor, layer: str) -> nn.Linear:
    """The last ``nn.Linear``, if it can score positions of what a layer gives.

    Raises:
        ValueError: it cannot.
    """
    name = penultimate_of(model).removesuffix(":input")
    found = model.get_submodule(name)
    if maps.dim() == 4 and maps.shape[1] == found.in_features:
        return found
    raise ValueError(
        f"layer {layer!r} gives {tuple(maps.shape)}; the classifier {name!r} needs maps (B, {found.in_features}, H, W)"
    )


@torch.no_grad()
def _averages(model: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
    """Of every layer that puts out maps, as it runs, the average over positions, in the order in which they finish."""
    averages: dict[str, Tensor] = {}

    def look(name: str, output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2:].numel() > 1:
            averages.pop(name, None)
            averages[name] = output.mean((2, 3))

    named = [(name, layer) for name, layer in model.named_modules() if name]
    handles = [layer.register_forward_hook(lambda *passed, name=name: look(name, passed[2])) for name, layer in named]
    try:
        with evaluating(model):
            call(model, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return averages


def _same(average: Tensor, wanted: Tensor) -> bool:
    return average.shape == wanted.shape and torch.allclose(average, wanted, rtol=1e-3, atol=1e-5)


SCALES = (1, 2, 4)


def region_logits(maps: Tensor, weight: Tensor, bias: Tensor | None, sizes: list[tuple[int, int]]) -> Tensor:
    """The logits of every cell of some grids, (B, cells, C), the whole image first if its grid is.

    Args:
        maps: (B, D, H, W).
        weight: (C, D) of the classifier on their averages.
        bias: (C,), or None.
        sizes: height and width of each grid; each is averaged from the last, which is to be the finest.
    """
    finest = averaged(maps, sizes[-1])
    cells = torch.cat([averaged(finest, size).flatten(2) for size in sizes], 2)
    return F.linear(cells.transpose(1, 2), weight, bias)


def grids(*maps: Tensor) -> list[tuple[int, int]]:
    """Grids of 1, 4 and 16 cells as far as the smallest of some maps, (B, D, H, W), have as many positions."""
    height, width = (min(m.shape[axis] for m in maps) for axis in (2, 3))
    return list(dict.fromkeys((min(scale, height), min(scale, width)) for scale in SCALES))


class SDD(Method):
    """Scale-decoupled distillation; for nets whose classifier is linear on averaged maps.

    Args:
        temperature: Softens both distributions; 4 in the authors' code.
        soft_weight: Weight of the regions; 0.9 in the authors' code.
        complementary_weight: Weight of the ambiguous regions among them; 2 in the authors' code.
        label_weight: Weight of the labels; 0.1 in the authors' code.
        guided: Student layer whose average enters its classifier; None finds it.
        hint: Teacher layer whose average enters its classifier; None finds it.

    Terms: ``labels``, ``consistent`` and ``complementary``, (B,) each.

    Example:
        >>> SDD(complementary_weight=1.0).config()["complementary_weight"]
        1.0
    """

    citation = Citation("Scaled Decoupled Distillation", "Wei, Luo, Luo", "CVPR", 2024, "2403.13512")
    evidence = Evidence(
        "code",
        "shicaiwei123/SDD-CVPR2024 (authors), mdistiller/distillers/KD.py and mdistiller/models/cifar/utils.py at "
        "3209486ad8d2426fb460c756b719aeafe844e9d1",
        "regions of samples without a label",
    )
    progress = Progress("consistent")
    terms = ("labels", "consistent", "complementary")
    needs = ("maps",)
    reads = Reads(
        "the last maps of both models, (B, D, H, W), and both classifiers", student=("layers",), partner=("layers",)
    )
    learns = Learns("nothing besides the student; a copy of the teacher's classifier is kept with the run")
    cost = "low"
    reads_outputs = False
    aliases = ("scale_decoupled",)

    def __init__(
        self,
        temperature: Temperature = 4.0,
        soft_weight: Weight = 0.9,
        complementary_weight: Weight = 2.0,
        label_weight: Weight = 0.1,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.temperature, self.soft_weight, self.label_weight = temperature, soft_weight, label_weight
        self.complementary_weight, self.guided, self.hint = complementary_weight, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Finds the last maps and the classifiers.

        Raises:
            ValueError: a net has none, or the layer that is named does not give maps for its classifier.
        """
        super().build(student_model, teacher_model, example, facts)
        mine = self.guided or averaged_layer(student_model, example.student_inputs)
        theirs = self.hint or averaged_layer(teacher_model, example.for_teacher)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        self._classifier = (
            _classifier_of_maps(student_model, student[mine], mine),
        )  # in a tuple: it stays the student's
        copied = _classifier_of_maps(teacher_model, teacher[theirs], theirs)
        self.register_buffer("teacher_weight", copied.weight.detach().clone())
        self.register_buffer("teacher_bias", None if copied.bias is None else copied.bias.detach().clone())

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the regions of either kind."""
        maps = student[self.student_layers[0]], teacher[self.teacher_layers[0]].detach()
        sizes, (classifier,) = grids(*maps), self._classifier
        mine = region_logits(maps[0], classifier.weight, classifier.bias, sizes)
        theirs = region_logits(maps[1], self.teacher_weight, self.teacher_bias, sizes)
        right = theirs.argmax(2) == target_classes(batch.labels, theirs[:, 0])[:, None]
        consistent = right == right[:, :1]
        lost = self.soft_weight * self.temperature**2 * forward_kl(mine, theirs, self.temperature, dim=2)
        return {
            "labels": self.label_weight * self.label_loss(student, batch),
            "consistent": torch.where(consistent, lost, 0.0).mean(1),
            "complementary": self.complementary_weight * torch.where(consistent, 0.0, lost).mean(1),
        }
