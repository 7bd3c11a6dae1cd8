"""A linear projector, batch norm and a soft maximum of the errors: a simple recipe for matching features.

The projector remembers, in its weights, how features of earlier samples related; batch norm on either side keeps it from
collapsing; and the logarithm of a sum of high powers asks for the largest errors to shrink and forgives small ones, which a
smaller student cannot avoid. The teacher is detached; besides the student the projector is learnt.

Formula:
    L = mean_b CE(s_b, y_b) + soft_weight * mean_b KL( softmax(t_b) || softmax(s_b) )
        + feature_weight * log( sum_{b, i} |BN(P f_s) - BN(f_t)|_bi^exponent )
    f: penultimate features;  P: linear with bias;  BN: batch norm without weights, on the statistics of the batch.

Faithful to: Miles and Mikolajczyk, AAAI 2024, the LogSum distance, and the authors' code for ImageNet.
Departs from it: 1e-5 is added inside the logarithm, as in the authors' code for transformers.
Setting: digits. On it we expect: the distance of the features falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.methods.parts.layers import example_traces, penultimate_pair
from workbench.methods.ranges import Layer, Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class SRD(Method):
    """Simple recipe distillation.

    Args:
        feature_weight: Weight of the features; 2 in the authors' code.
        exponent: How much the largest errors count; 4 in the authors' code.
        soft_weight: Weight of the soft targets; 1 in the authors' code.
        guided: Student feature; None is the input of its classifier.
        hint: Teacher feature; None is the input of its classifier.

    Terms: ``labels``, ``soft`` and ``features``, (B,) each; a sample without a label takes part in the latter two.
        ``features`` is one number for the whole batch, the same for each sample, and can be negative.

    Example:
        >>> SRD(exponent=2.0).config()["exponent"]
        2.0
    """

    citation = Citation(
        "Understanding the Role of the Projector in Knowledge Distillation",
        "Miles, Mikolajczyk",
        "AAAI",
        2024,
        "2303.11098",
    )
    evidence = Evidence(
        "code",
        "roymiles/Simple-Recipe-Distillation (authors), imagenet/torchdistill/losses/single.py at "
        "31e8477cfdd6bb6ec7cdc332915fd4496b6de7b6 and deit/models.py",
        "equal features",
    )
    progress = Progress("features")
    terms = ("labels", "soft", "features")
    reads = Reads(
        "the penultimate features of both models, (B, ...), and logits",
        student=("features", "logits"),
        partner=("features", "logits"),
    )
    learns = Learns("projector", between=("projector",))
    cost = "low"
    aliases = ("simple_recipe", "log_sum")
    relates_samples = True

    def __init__(
        self,
        feature_weight: Weight = 2.0,
        exponent: Annotated[float, Range(1.0, 8.0, 0.5)] = 4.0,
        soft_weight: Weight = 1.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.feature_weight, self.exponent, self.soft_weight = feature_weight, exponent, soft_weight
        self.guided, self.hint = guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the projector."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = penultimate_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        given, told = student[mine].flatten(1), teacher[theirs].flatten(1)
        self.projector = nn.Linear(given.shape[1], told.shape[1]).to(given)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels, the soft targets and the features."""
        mine = normalised_over_batch(self.projector(student[self.student_layers[0]].flatten(1)))
        theirs = normalised_over_batch(teacher[self.teacher_layers[0]].detach().flatten(1))
        distance = log_sum_distance(mine, theirs, self.exponent)
        return {
            "labels": self.label_loss(student, batch),
            "soft": self.soft_weight * forward_kl(student.logits, teacher.logits.detach()),
            "features": self.feature_weight * distance.expand(len(mine)),
        }


def normalised_over_batch(features: Tensor, epsilon: float = 1e-4) -> Tensor:
    """Mean 0 and variance 1 of every feature in the batch, as batch norm without weights does it, (B, D) -> (B, D).

    Args:
        features: (B, D); a batch of one sample is all 0.
        epsilon: added to the variance.
    """
    centred = features - features.mean(0)
    return centred / (centred.square().mean(0) + epsilon).sqrt()


def log_sum_distance(student: Tensor, teacher: Tensor, exponent: float, epsilon: float = 1e-5) -> Tensor:
    """Logarithm of the sum of ``|student - teacher| ** exponent`` over all entries, ().

    Args:
        student: (B, D).
        teacher: (B, D).
        exponent: the larger, the more the largest differences count.
        epsilon: added to the sum, so that equal features have a finite distance.
    """
    return torch.log((student - teacher).abs().pow(exponent).sum() + epsilon)
