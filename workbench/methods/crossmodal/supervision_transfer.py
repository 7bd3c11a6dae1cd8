"""Let a net that knows pictures of one kind supervise, layer against layer, one that sees the same scenes in another kind.

Where labels are plenty for colour images and there are next to none for depth, pairs of both need no label: the student sees
one modality, the teacher the other, and the student's features are to become the teacher's. What comes out is a start from
which a few labels of the new modality suffice. The teacher is detached; besides the student an adapter is learnt.

Formula:
    stage transfer: L = weight * mean_b mean_i ( r(F_s(x_b)) - F_t(x'_b) )_i^2
    stage finetune: L = mean_b CE(s_b, y_b),   on labelled samples only
    x, x': the two modalities of a scene;  F: last stages;  r: adapter;  s: logits (B, C);  y: labels (B,).

Faithful to: Gupta, Hoffman and Malik, CVPR 2016, L2 distance of mid-level features through a transformation, then training on
the few labels; the distance to a public implementation.
Departs from it: the student starts untrained, where the paper's starts from weights for colour images; both stages share one
budget and one schedule of the learning rate.
Setting: digits. On it we expect: the distance of the features falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn

from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.adapters import adapter
from workbench.methods.parts.layers import example_traces, last_stage_pair
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class SupervisionTransfer(Method):
    """Features across modalities, then labels.

    The teacher's modality is what a setting gives as ``teacher_inputs``; without it both see the same.

    Args:
        transfer_share: Share of the run spent on the transfer; settled here.
        weight: Weight of the features; 1 in that code.
        guided: Student layer; None is the last stage.
        hint: Teacher layer; None is the last stage.

    Terms: ``features`` in the first stage, labels or not; ``labels`` in the second, (B,) each.

    Example:
        >>> [(plan.name, plan.data) for plan in SupervisionTransfer().stages(Facts(100, 10, 1000, 10))]
        [('transfer', 'all'), ('finetune', 'labelled')]
    """

    citation = Citation(
        "Cross Modal Distillation for Supervision Transfer", "Gupta, Hoffman, Malik", "CVPR", 2016, "1507.00448"
    )
    evidence = Evidence(
        "code",
        "warehouse-picking-automation-challenges/nimbro_picking (not the authors), "
        "apc_object_perception/apc_densecap/densecap/train_cross_modal.lua at 857eee602beea9eebee45bbb67fce423b28f9db6, for the "
        "transfer, there between nets of one design; s-gupta/fast-rcnn (authors) has the training on labels that follows",
        "shares of the stages; form of the adapter",
    )
    progress = Progress("features")
    terms = ("features", "labels")
    reads = Reads("one layer of each model, (B, ...)", student=("layers",), partner=("layers",))
    learns = Learns("adapter from the guided layer to the hint", between=("adapter",))
    cost = "low"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("cross_modal_distillation",)

    def __init__(
        self,
        transfer_share: Annotated[float, Range(0.05, 0.95, 0.05)] = 0.5,
        weight: Annotated[float, Range(0.0, 1000.0, 0.5)] = 1.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.transfer_share, self.weight, self.guided, self.hint = transfer_share, weight, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Names the two layers and makes the adapter between them.

        Raises:
            ValueError: rows of student and teacher are not pairs.
        """
        super().build(student_model, teacher_model, example, facts)
        if example.alignment is not None:
            raise ValueError(
                f"{self.name} needs each sample in both modalities; here student and teacher are given other samples. Give "
                "pairs as TransferSet(inputs, teacher_inputs=...)"
            )
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        self.adapter = adapter(student[mine], teacher[theirs])

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """Transfer, then training on the labels."""
        transfer = StagePlan("transfer", self.transfer_share)
        return transfer, StagePlan("finetune", 1 - self.transfer_share, data="labelled")

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The term of the stage."""
        if self.stage == "finetune":
            return {"labels": self.label_loss(student, batch)}
        error = self.adapter(student[self.student_layers[0]]) - teacher[self.teacher_layers[0]].detach()
        return {"features": self.weight * error.square().flatten(1).mean(1)}
