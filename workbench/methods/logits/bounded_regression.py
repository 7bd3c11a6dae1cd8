"""In regression a teacher can be wrong in any direction, so it is a bound and no target: be at least as good as it is.

The student learns from the targets. Where it is farther from them than the teacher, up to a margin, it is pulled to them once
more; where it is nearer, it is left alone. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = label_weight * mean_b |s_b - y_b|^2 / K + bound_weight * mean_b m_b |s_b - y_b|^2 / K
    m_b: 1 where |s_b - y_b|^2 / K + margin > |t_b - y_b|^2 / K, else 0;  s, t, y: student, teacher and targets, (B, K).

Faithful to: Chen et al., NeurIPS 2017, Section 3.3, the teacher bounded regression loss.
Departs from it: the targets' own term is the task's squared error, not a smooth L1; squares are averaged over the K values.
Setting: one's own, of the task regression. On it we expect: the bound falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.methods.method import Method
from workbench.methods.ranges import Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class BoundedRegression(Method):
    """The teacher's error as a bound of the student's.

    Args:
        margin: By how much the student must be better than the teacher to be left alone; not given in the paper.
        bound_weight: Weight of the bound; 0.5 in the paper.
        label_weight: Weight of the targets.

    Terms: ``labels`` and ``bound``, (B,) each.

    Example:
        >>> BoundedRegression(margin=0.1).config()["margin"]
        0.1
    """

    citation = Citation(
        "Learning Efficient Object Detection Models with Knowledge Distillation",
        "Chen, Choi, Yu, Han, Chandraker",
        "NeurIPS",
        2017,
    )
    evidence = Evidence(
        "digest",
        "a review of the paper at vitalab.github.io, of Section 3.3",
        "the margin; the form of the targets' own term",
    )
    progress = Progress("bound")
    terms = ("labels", "bound")
    reads = Reads("outputs only")
    cost = None
    aliases = ("teacher_bounded",)
    tasks = ("regression",)

    def __init__(
        self,
        margin: Annotated[float, Range(0.0, 10.0, 0.01)] = 0.0,
        bound_weight: Weight = 0.5,
        label_weight: Weight = 1.0,
    ) -> None:
        super().__init__()
        self.margin, self.bound_weight, self.label_weight = margin, bound_weight, label_weight

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The targets, and the bound where the student has not passed it."""
        own, theirs = self.label_loss(student, batch), self.label_loss(teacher, batch).detach()
        behind = own.detach() + self.margin > theirs
        return {"labels": self.label_weight * own, "bound": self.bound_weight * own * behind}
