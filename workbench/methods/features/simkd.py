"""Give the student the teacher's classifier, and it only has to supply the features.

What the teacher knows about classes is in its classifier, so the student takes that over as it is. All that is learnt
is to give it what the teacher would give it: maps of the last stage, through a projector that stays with the student
for good. The price is a larger student: what is scored, counted and saved is body, projector and the teacher's
classifier (``extra_parameters`` of the deployed student). The teacher is detached; no label is used.

Formula:
    L = weight * mean_b mean_i ( P(F_s) - F_t )_bi^2;  the deployed student says W mean_positions P(F_s) + a
    F: last maps before they are averaged;  W, a: the teacher's classifier;  P: 1 x 1, 3 x 3 and 1 x 1 convolutions,
    each with batch norm and rectifier, of the teacher's channels / reduction inside.

Faithful to: Chen et al., CVPR 2022, the feature alignment loss, and the authors' code.
Departs from it: where it is not the average of the last stage that enters a classifier, what enters it is matched;
kernels are 1 x 1 where features have one position.
Cost: 1 to 2 times a step of ``kd`` on small nets: the projector's convolutions, which stay.
Setting: digits. On it we expect: the distance of the features falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn

from workbench.maths.maps import as_maps, averaged, to_common_size
from workbench.methods.method import Method
from workbench.methods.parts.adapters import kernel_for
from workbench.methods.parts.layers import example_traces
from workbench.methods.parts.reuse import Reusing, before_pooling, classifier_of
from workbench.methods.ranges import Layer, Weight
from workbench.models.blocks import conv_bn_relu
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class SimKD(Method):
    """Distillation with the reused teacher classifier.

    Args:
        weight: Weight of the features; 1 in the authors' code, which has no other term.
        reduction: Channels of the teacher per channel inside the projector; 2 in the paper. Read when the method is built.
        guided: Student layer; None is the last stage, or what enters its classifier.
        hint: Teacher layer, whose average enters its last linear layer; None is the last stage, or what enters it.

    Terms: ``features``, (B,); labels are not used.

    Example:
        >>> SimKD(reduction=4).config()["reduction"]
        4
    """

    citation = Citation(
        "Knowledge Distillation with the Reused Teacher Classifier",
        "Chen, Mei, Zhang, Wang, Feng, Chen",
        "CVPR",
        2022,
        "2203.14001",
    )
    evidence = Evidence(
        "code",
        "DefangChen/SimKD (authors), models/util.py and helper/loops.py at d0b9cded3e9d710576dbcf36eecb5c031837c508",
        "nets without maps",
    )
    progress = Progress("features")
    terms = ("features",)
    reads = Reads(
        "one layer of each model, (B, C, H, W), (B, L, D) or (B, D), and the teacher's classifier",
        student=("layers",),
        partner=("layers",),
    )
    learns = Learns(
        "projector, part of the deployed student; a copy of the teacher's classifier is kept with the run",
        between=("projector",),
    )
    cost = "low"
    reads_outputs = False
    aliases = ("reused_classifier",)

    def __init__(
        self,
        weight: Weight = 1.0,
        reduction: Annotated[int, Range(1, 16, 1)] = 2,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.reduction, self.guided, self.hint = weight, reduction, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the projector and copies the classifier.

        Raises:
            ValueError: the teacher's last linear layer does not make its outputs from the hint.
        """
        super().build(student_model, teacher_model, example, facts)
        mine = before_pooling(student_model, example.student_inputs, self.guided)
        theirs = before_pooling(teacher_model, example.for_teacher, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        weight, bias = classifier_of(teacher_model, teacher[theirs], teacher)
        self.register_buffer("classifier_weight", weight)
        self.register_buffer("classifier_bias", bias)
        given, told = to_common_size(as_maps(student[mine]), as_maps(teacher[theirs]))
        self._size = tuple(given.shape[2:])
        outputs = told.shape[1]
        inner, kernel = max(1, outputs // self.reduction), kernel_for(given)
        shapes = ((given.shape[1], inner, 1), (inner, inner, kernel), (inner, outputs, 1))
        self.projector = nn.Sequential(*(part for shape in shapes for part in conv_bn_relu(*shape))).to(given)

    def deployed(self, student: nn.Module) -> nn.Module:
        """Body, projector and the teacher's classifier, which share their weights with what is trained."""
        classifier = self.classifier_weight, self.classifier_bias
        return Reusing(student, self.student_layers[0], self.projector, self._size, classifier)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The distance of the maps."""
        given = averaged(as_maps(student[self.student_layers[0]]), self._size)
        told = averaged(as_maps(teacher[self.teacher_layers[0]].detach()), self._size)
        return {"features": self.weight * (self.projector(given) - told).square().flatten(1).mean(1)}
