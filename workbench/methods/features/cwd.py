"""Match, channel by channel, where a channel responds most.

A channel tends to mark one thing wherever it is in the picture. A softmax over positions turns it into a distribution,
rid of the channel's scale; the divergence from the teacher's weighs positions by how salient the teacher finds them, so
that the background, where both are small, hardly counts. The teacher is detached; besides the student an adapter is learnt
where the widths differ.

Formula:
    L = mean_b CE(s_b, y_b) + weight * T^2 * mean_b mean_c KL( softmax_i(F_t,bci / T) || softmax_i(r(F_s)_bci / T) )
    F: last maps (B, C, H, W), positions i;  r: 1 x 1 convolution, batch norm and rectifier, or nothing;  T: temperature.

Faithful to: Shu et al., ICCV 2021, and the authors' code.
Departs from it: features of the last stage are matched, where the authors' best results are for maps of logits (in a dense
task, name the layer that makes them); maps of unequal size are averaged to the smaller; in a net without maps, (B, D), each
unit is a position of one channel.
Setting: digits. On it we expect: the divergence of the channels falls below that of a student that does not learn.
"""

from __future__ import annotations

from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.maths.maps import as_maps, to_common_size
from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.layers import example_traces, last_stage_pair
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.blocks import conv_bn_relu, he_normal
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class CWD(Method):
    """Channel-wise distillation.

    Args:
        weight: Weight of the channels; 3 in the authors' recipe, for maps of logits.
        temperature: Softens both distributions; 4 in the authors' recipe.
        guided: Student layer; None is the last stage.
        hint: Teacher layer; None is the last stage.

    Terms: ``labels`` and ``channels``, (B,) each; a sample without a label takes part in the latter.

    Example:
        >>> CWD(temperature=1.0).config()["temperature"]
        1.0
    """

    citation = Citation(
        "Channel-wise Knowledge Distillation for Dense Prediction",
        "Shu, Liu, Gao, Yan, Shen",
        "ICCV",
        2021,
        "2011.13256",
    )
    evidence = Evidence(
        "code",
        "irfanICMLL/TorchDistiller (authors), SemSeg-distill/utils/criterion.py at "
        "c2caaca0942b615d2362fa0c9468ed1db292a2f0, SemSeg-distill/networks/kd_model.py and SemSeg-distill/README.md",
        "weight for features; sizes that differ; nets without maps",
    )
    progress = Progress("channels")
    terms = ("labels", "channels")
    reads = Reads(
        "one layer of each model, (B, C, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    learns = Learns("adapter where the widths differ", between=("adapter",))
    cost = "low"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("channel_wise",)

    def __init__(
        self, weight: Weight = 3.0, temperature: Temperature = 4.0, guided: Layer = None, hint: Layer = None
    ) -> None:
        super().__init__()
        self.weight, self.temperature, self.guided, self.hint = weight, temperature, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Names the two layers and makes the adapter between them."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        given, told = as_maps(student[mine]), as_maps(teacher[theirs])
        widths = given.shape[1], told.shape[1]
        self.adapter = nn.Sequential(*(() if widths[0] == widths[1] else conv_bn_relu(*widths))).to(given)
        he_normal(self.adapter)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the channels."""
        given = self.adapter(as_maps(student[self.student_layers[0]]))
        pair = to_common_size(given, as_maps(teacher[self.teacher_layers[0]].detach()))
        divergence = channel_divergence(*pair, self.temperature)
        scale = self.weight * self.temperature**2
        return {"labels": self.label_loss(student, batch), "channels": scale * divergence}


def channel_divergence(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher || student) of each channel's softmax over positions, averaged over channels, (B,).

    Args:
        student: (B, C, H, W); with one position only, the channels are the positions of a single one.
        teacher: the same shape.
        temperature: softens both.

    Returns:
        (B,), not multiplied with the squared temperature.
    """
    mine, theirs = (_rows(side) for side in (student, teacher))
    return forward_kl(mine, theirs, temperature, dim=2).mean(1)


def _rows(maps: Tensor) -> Tensor:
    rows = maps.flatten(2)
    return rows.mT if rows.shape[2] == 1 else rows
