"""Match the direction of the teacher's features through the mean of several projectors.

A projector lets the student's features be more than a copy of the teacher's; but one projector overfits to the teacher.
Several, started from different weights, stay different, and their mean is the better translator. The teacher is
detached; besides the student the projectors are learnt.

Formula:
    L = mean_b CE(s_b, y_b) + weight * mean_b ( 1 - cos( mean_k relu( W_k f_s + a_k ) , f_t ) )_b
    f: penultimate features (B, D);  k: projectors.

Faithful to: Chen et al., NeurIPS 2022, the direction alignment loss of the averaged projections, and the authors' code.
Departs from it: a sample whose projections are all 0 costs 1 instead of making the loss undefined.
Setting: digits. On it we expect: the angle falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.methods.method import OF_FEATURES, Method
from workbench.methods.parts.layers import example_traces, penultimate_pair
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class ProjectorEnsemble(Method):
    """Feature distillation through an ensemble of projectors.

    Args:
        weight: Weight of the direction; 25 in the authors' code.
        projectors: How many; 3 in the authors' code. Read when the method is built.
        guided: Student feature; None is the input of its classifier.
        hint: Teacher feature; None is the input of its classifier.

    Terms: ``labels`` and ``direction``, (B,) each; a sample without a label takes part in the latter only.

    Example:
        >>> ProjectorEnsemble(projectors=5).config()["projectors"]
        5
    """

    citation = Citation(
        "Improved Feature Distillation via Projector Ensemble",
        "Chen, Wang, Liu, Xu, de Hoog, Huang",
        "NeurIPS",
        2022,
        "2210.15274",
    )
    evidence = Evidence(
        "code",
        "chenyd7/PEFD (authors), helper/loops.py and train_student.py at 2f5dbbc5ffd3f542282623ca6d157a9e836e83e3; weight: "
        "scripts/run_cifar.sh",
        "samples without any projection",
    )
    progress = Progress("direction")
    terms = ("labels", "direction")
    reads = Reads("the penultimate features of both models, (B, ...)", student=("features",), partner=("features",))
    learns = Learns("ensemble, linear maps from the student's features to the teacher's", between=("ensemble",))
    cost = "low"
    tasks = OF_FEATURES
    reads_outputs = False
    aliases = ("pefd",)

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 500.0, 1.0)] = 25.0,
        projectors: Annotated[int, Range(1, 20, 1)] = 3,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.projectors, self.guided, self.hint = weight, projectors, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the projectors."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = penultimate_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        sizes = student[mine].flatten(1).shape[1], teacher[theirs].flatten(1).shape[1]
        self.ensemble = nn.ModuleList(nn.Linear(*sizes).to(student[mine]) for _ in range(self.projectors))

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the direction."""
        given = student[self.student_layers[0]].flatten(1)
        told = teacher[self.teacher_layers[0]].detach().flatten(1)
        projected = torch.stack([projector(given).relu() for projector in self.ensemble]).mean(0)
        cosine = (F.normalize(projected, dim=1) * F.normalize(told, dim=1)).sum(1)
        return {"labels": self.label_loss(student, batch), "direction": self.weight * (1 - cosine)}
