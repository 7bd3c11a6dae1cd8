"""Match which channels go together, so that the student's features are as diverse as the teacher's.

The inner products of all pairs of channels say who repeats whom and who adds something of its own. They do not depend
on the size of the maps. The teacher is detached; besides the student the adapter is learnt.

Formula:
    L = mean_b CE(s_b, y_b) + weight * mean_b 1/C * || N( A_s A_s' ) - N( A_t A_t' ) ||_b^2
    A_s = r(F_s), A_t = F_t: last maps as (C, positions);  N: every row at length 1;  r: 1 x 1 convolution and batch norm.

Faithful to: Liu et al., ICCV 2021, the inter-channel correlation for classification, and the authors' code.
Departs from it: nothing; features without maps, (B, D), have one position.
Cost: memory for min(C, positions)^2 numbers per sample and side, with C the teacher's channels.
Setting: digits. On it we expect: the distance of the correlations falls below that of a student that does not learn.
"""

from __future__ import annotations

from torch import Tensor, nn

from workbench.maths.maps import as_maps
from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.layers import example_maps, last_stage_pair
from workbench.methods.parts.memory import refuse_larger
from workbench.methods.ranges import Layer, Weight
from workbench.models.blocks import conv_bn
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace

TINY = 1e-24


def row_products(first: Tensor, second: Tensor) -> Tensor:
    """Inner product of row c of F F' and row c of S S', for all c; (B, C, N) and (B, C, M) -> (B, C).

    The C x C matrices are made only where there are no more channels than positions, else one of N x M.
    """
    if first.shape[1] <= min(first.shape[2], second.shape[2]):
        return ((first @ first.mT) * (second @ second.mT)).sum(2)
    return ((first @ (first.mT @ second)) * second).sum(2)


def correlation_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Squared distance of the channels' inner products with all channels, each row at length 1, per channel, (B,).

    A row is 0 where a channel is. No more than the smaller of C^2 and N M numbers per sample and side are held.

    Args:
        student: (B, C, N), channels by positions.
        teacher: (B, C, M).
    """
    cosines, lengths = row_products(student, teacher), 0.0
    for side in (student, teacher):
        square = row_products(side, side)
        there = square > TINY
        cosines = cosines * square.clamp(min=TINY).rsqrt() * there
        lengths = lengths + there.to(student)
    return (lengths - 2 * cosines).mean(1)


class ICKD(Method):
    """Inter-channel correlation distillation.

    Args:
        weight: Weight of the correlations; 2.5 in the authors' code.
        guided: Student layer; None is the last stage.
        hint: Teacher layer; None is the last stage.

    Terms: ``labels`` and ``correlations``, (B,) each; a sample without a label takes part in the latter only.

    Example:
        >>> ICKD(weight=5.0).config()["weight"]
        5.0
    """

    citation = Citation(
        "Exploring Inter-Channel Correlation for Diversity-Preserved Knowledge Distillation",
        "Liu, Huang, Lin, Xie, Wang, Chang, Liang",
        "ICCV",
        2021,
        "2202.03680",
    )
    evidence = Evidence(
        "code",
        "ADLab-AutoDrive/ICKD (authors), Cifar100/distiller_zoo/ICKD.py at 04e1d3e17f5fc4d90933337a0b3f2ec91d7bfad0; "
        "weight: Cifar100/train_student.sh",
        "nets without maps",
    )
    progress = Progress("correlations")
    terms = ("labels", "correlations")
    reads = Reads(
        "one layer of each model, (B, C, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    learns = Learns("adapter from the student's channels to the teacher's", between=("adapter",))
    cost = "low"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("inter_channel_correlation",)

    def __init__(self, weight: Weight = 2.5, guided: Layer = None, hint: Layer = None) -> None:
        super().__init__()
        self.weight, self.guided, self.hint = weight, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the adapter."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        ((given, told),) = example_maps(student_model, teacher_model, ((mine,), (theirs,)), example)
        self.adapter = nn.Sequential(*conv_bn(given.shape[1], told.shape[1])).to(given)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the distance of the correlations.

        Raises:
            ValueError: the correlations of a batch do not fit.
        """
        given = self.adapter(as_maps(student[self.student_layers[0]])).flatten(2)
        told = as_maps(teacher[self.teacher_layers[0]].detach()).flatten(2)
        side = min(told.shape[1], max(given.shape[2], told.shape[2]))
        refuse_larger("correlations", (len(told), side, side), told, "name smaller layers, or take smaller batches")
        distance = self.weight * correlation_distance(given, told)
        return {"labels": self.label_loss(student, batch), "correlations": distance}
