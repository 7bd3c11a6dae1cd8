"""Let the teacher's own classifier judge the student's features.

The student's penultimate features, through a learnt adapter, are to be near the teacher's, and to mean the same to the
teacher's frozen classifier: errors that change its answers count more than errors it does not see. The teacher is
detached; besides the student the adapter is learnt.

Formula:
    L = mean_b CE(s_b, y_b) + feature_weight * mean_b mean_i ( r(f_s) - f_t )_bi^2
        + regression_weight * mean_b mean_c ( W r(f_s) + a - t )_bc^2
    f: penultimate features;  t: teacher logits (B, C), W f_t + a;  r: linear map, batch norm and rectifier.

Faithful to: Yang et al., ICLR 2021, the feature matching and the softmax regression loss with squared logit
differences, and the authors' code.
Departs from it: the adapter acts on the pooled features, as in the benchmark of Chen et al., CVPR 2022, not on the
maps.
Setting: digits. On it we expect: the regression loss falls below that of a student that does not learn.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.maps import as_maps
from workbench.methods.method import Method
from workbench.methods.parts.layers import example_traces, penultimate_pair
from workbench.methods.parts.reuse import classifier_of
from workbench.methods.ranges import Layer, Weight
from workbench.models.blocks import conv_bn_relu, he_normal
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class SRRL(Method):
    """Softmax regression representation learning.

    Args:
        feature_weight: Weight of the distance of the features; 1 in the authors' code.
        regression_weight: Weight of the distance of the teacher's answers; 1 in the authors' code.
        guided: Student feature; None is the input of its classifier.
        hint: Teacher feature, which enters its last linear layer; None is that.

    Terms: ``labels``, ``features`` and ``regression``, (B,) each; a sample without a label takes part in the latter two.

    Example:
        >>> SRRL(regression_weight=2.0).config()["regression_weight"]
        2.0
    """

    citation = Citation(
        "Knowledge Distillation via Softmax Regression Representation Learning",
        "Yang, Martinez, Bulat, Tzimiropoulos",
        "ICLR",
        2021,
    )
    evidence = Evidence(
        "code",
        "jingyang2017/KD_SRRL (authors), train_imagenet_distillation.py at 051ccc117577cb1aa51ca3fe635e90d89b9d176a and "
        "distiller_zoo/AIN.py; pooled features: DefangChen/SimKD, models/util.py",
        "nets without maps",
    )
    progress = Progress("regression")
    terms = ("labels", "features", "regression")
    reads = Reads(
        "the penultimate features of both models, (B, ...), the teacher's classifier and its logits",
        student=("features",),
        partner=("features", "logits"),
    )
    learns = Learns("adapter; a copy of the teacher's classifier is kept with the run", between=("adapter",))
    cost = "low"
    aliases = ("softmax_regression",)

    def __init__(
        self,
        feature_weight: Weight = 1.0,
        regression_weight: Weight = 1.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.feature_weight, self.regression_weight = feature_weight, regression_weight
        self.guided, self.hint = guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the adapter and copies the classifier.

        Raises:
            ValueError: the teacher's last linear layer does not make its outputs from the hint.
        """
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = penultimate_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        weight, bias = classifier_of(teacher_model, teacher[theirs], teacher)
        self.register_buffer("classifier_weight", weight)
        self.register_buffer("classifier_bias", bias)
        self.adapter = nn.Sequential(*conv_bn_relu(as_maps(student[mine]).shape[1], weight.shape[1])).to(student[mine])
        he_normal(self.adapter)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and both distances."""
        told = as_maps(teacher[self.teacher_layers[0]].detach()).mean((2, 3))
        features = self.adapter(as_maps(student[self.student_layers[0]])).mean((2, 3))
        answers = F.linear(features, self.classifier_weight, self.classifier_bias)
        return {
            "labels": self.label_loss(student, batch),
            "features": self.feature_weight * (features - told).square().mean(1),
            "regression": self.regression_weight * (answers - teacher.logits.detach()).square().mean(1),
        }
