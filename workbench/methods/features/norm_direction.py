"""Push each of the student's features far out in the direction of its class, as the teacher sees the class.

Features of large norm are told apart with more certainty, and the mean of a class among the teacher's features is a steadier
direction than any single one of them. One term asks for both: length along the class mean, up to the length of the teacher's
own feature, and beyond that direction alone. The teacher is detached; besides the student an adapter is learnt where the
widths differ. Added to other methods it makes what the paper calls KD++ (``kd+norm_direction``), DKD++ and ReviewKD++.

Formula:
    L = mean_b CE(s_b, y_b) + weight * mean_b ( 1 - r(f_s)_b . e_b / max(|r(f_s)_b|, |f_t,b|) )
    f: penultimate features;  e_b: mean of the teacher's features of sample b's class at length 1;  r: linear, or nothing.

Faithful to: Wang et al., 2023 and ECCV 2024, the norm and direction loss, and the authors' code.
Departs from it: the class means grow with the samples seen, the batch at hand among them, instead of being computed before
training: after one epoch they are the same; a sample without a label belongs to the class its teacher chooses; the adapter
has no batch norm and no dropout.
Cost: memory for the means of all classes, C D numbers.
Setting: digits. On it we expect: what is lacking falls below that of a student that does not learn.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.decoupling import target_classes
from workbench.methods.method import Method
from workbench.methods.parts.layers import example_traces, penultimate_pair
from workbench.methods.parts.memory import FEWER_CLASSES, refuse_larger
from workbench.methods.ranges import Layer, Weight
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class ClassMeans(nn.Module):
    """Mean feature of each class over all samples observed; C x D numbers.

    Args:
        classes: C.
        width: D.

    Attributes:
        mean: (C, D), 0 where no sample of a class was observed.
        count: (C,) samples observed.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        refuse_larger("means of all classes", (classes, width), torch.empty(0), FEWER_CLASSES)
        self.register_buffer("mean", torch.zeros(classes, width))
        self.register_buffer("count", torch.zeros(classes))

    def including(self, features: Tensor, classes: Tensor) -> Tensor:
        """The means as they would be with further samples, (C, D).

        Args:
            features: (B, D).
            classes: (B,) int64.
        """
        member = F.one_hot(classes, len(self.count)).to(self.mean)
        count = self.count + member.sum(0)
        added = member.T @ features.to(self.mean) - member.sum(0)[:, None] * self.mean
        return self.mean + added / count.clamp(min=1)[:, None]

    def observe(self, features: Tensor, classes: Tensor) -> None:
        """Take further samples in."""
        self.mean.copy_(self.including(features, classes))
        self.count += F.one_hot(classes, len(self.count)).sum(0).to(self.count)


EPSILON = 1e-12


def norm_and_direction(student: Tensor, teacher: Tensor, directions: Tensor) -> Tensor:
    """What the student's feature lacks of the longer of both features along a direction, relative to that, (B,).

    It is 1 minus the cosine where the student's is the longer one; below that length, more length helps as well.

    Args:
        student: (B, D).
        teacher: (B, D).
        directions: (B, D), of any length but 0.
    """
    longest = torch.maximum(student.norm(dim=1), teacher.norm(dim=1))
    return 1 - (student * F.normalize(directions, dim=1)).sum(1) / longest.clamp(min=EPSILON)


class NormDirection(Method):
    """Norm and direction of features.

    Args:
        weight: Weight of norm and direction; 1 by default in the authors' code, 0.5 to 2 for the pairs of the paper.
        guided: Student feature; None is the input of its classifier.
        hint: Teacher feature; None is the input of its classifier.

    Terms: ``labels`` and ``direction``, (B,) each; the latter also for a sample without a label.

    Example:
        >>> NormDirection(weight=2.0).config()["weight"]
        2.0
    """

    citation = Citation(
        "Improving Knowledge Distillation via Regularizing Feature Direction and Norm",
        "Wang, Cheng, Duan, Wang, Feng, Kong",
        "ECCV",
        2024,
        "2305.17007",
    )
    evidence = Evidence(
        "code",
        "WangYZ1608/Knowledge-Distillation-via-ND (authors), CIFAR/utils.py at 3b2ff1be19ad17a7a08e6a056478a590a7a76a82, "
        "CIFAR/train_cifar_kd.py and CIFAR/emb_fea_distribution.py",
        "class means while they are incomplete; samples without a label",
    )
    progress = Progress("direction")
    terms = ("labels", "direction")
    reads = Reads(
        "the penultimate features of both models, (B, ...), and the teacher's logits",
        student=("features",),
        partner=("features", "logits"),
    )
    learns = Learns(
        "adapter where the widths differ; means, C x D numbers, follow the teacher's features",
        between=("adapter", "means"),
    )
    cost = "low"
    aliases = ("nd", "kdpp")
    relates_samples = True

    def __init__(self, weight: Weight = 1.0, guided: Layer = None, hint: Layer = None) -> None:
        super().__init__()
        self.weight, self.guided, self.hint = weight, guided, hint
        self._seen: tuple[Tensor, ...] = ()

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the adapter, and room for the means."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = penultimate_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        given, told = student[mine].flatten(1), teacher[theirs].flatten(1)
        widths = given.shape[1], told.shape[1]
        self.adapter = (nn.Identity() if widths[0] == widths[1] else nn.Linear(*widths)).to(given)
        self.means = ClassMeans(facts.classes, widths[1]).to(told)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels, and what is lacking in length and direction; the means move after the step."""
        told = teacher[self.teacher_layers[0]].detach().flatten(1)
        classes = target_classes(batch.labels, teacher.logits.detach())
        self._seen = told, classes
        directions = self.means.including(told, classes)[classes]
        features = self.adapter(student[self.student_layers[0]].flatten(1))
        lacking = norm_and_direction(features, told, directions.to(told))
        return {"labels": self.label_loss(student, batch), "direction": self.weight * lacking}

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """The means take in what was seen."""
        self.means.observe(*self._seen)
