"""Learn from a teacher that was stopped early, and if wanted stop listening to it before the end.

A fully trained large teacher is often out of a small student's reach; the same net trained for a fraction of the time
behaves like a smaller one. A teacher of the setting's design is trained anew on the labels for a share of the student's
steps, with its whole learning-rate schedule in that time. After ``soft_share`` of its own run the student learns from
labels alone, which is early-stopped distillation. The teacher is detached; it is learnt besides the student.

Formula:
    early teacher: L = mean_b CE(e_b, y_b)
    student:       L = soft_weight * T^2 * mean_b KL( softmax(e_b / T) || softmax(s_b / T) )
                       + label_weight * mean_b CE(s_b, y_b)   until soft_share of the run is done, then as above
    s, e: logits of student and early teacher (B, C);  y: labels (B,);  T: temperature.

Faithful to: Cho and Hariharan, ICCV 2019, early-stopped teachers and early-stopped knowledge distillation (ESKD); the
student's terms to a public implementation of ESKD.
Departs from it: the teacher has a share of the student's budget, settled here, and PyTorch's default initialisation.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from torch import Tensor, nn

from workbench.methods.parts.on_labels import OwnTeachersKD, on_labels
from workbench.methods.parts.untrained import untrained
from workbench.methods.ranges import Temperature, Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class EarlyStoppedTeacher(OwnTeachersKD):
    """Distillation from a teacher that was trained for a short time.

    Args:
        teacher_share: Steps of the early teacher, as a share of the student's; 0.25 is 50 of 200 epochs.
        soft_share: Share of the student's run in which it listens to the teacher; 1 never stops, less is ESKD, 0.75 in that code.
        temperature: Softens both distributions; 4 in that code.
        soft_weight: Weight of the soft term; 0.9 in that code.
        label_weight: Weight of the labels beside it; 0.1 in that code.

    Terms: ``labels`` of the early teacher; ``labels`` and ``soft`` of the student, (B,) each.

    Example:
        >>> plans = EarlyStoppedTeacher().stages(Facts(100, 10, 1000, 10))
        >>> [(plan.learner, plan.teacher, plan.share) for plan in plans]
        [('early_teacher', None, 0.25), ('student', 'early_teacher', 1.0)]
    """

    citation = Citation("On the Efficacy of Knowledge Distillation", "Cho, Hariharan", "ICCV", 2019, "1910.01348")
    evidence = Evidence(
        "code",
        "hitfyd/Knowledge-Distillation-to-MEG-Glassbox-Models (not the authors), distilllib/distillers/ESKD.py at "
        "812bcd37e2137511bc46247bfa8c7900acae30cd, for the student; arXiv:1910.01348, abstract, for its early teacher",
        "length of the early teacher's training and its compressed schedule, by what others report of the paper (10 of "
        "35 or 15 of 50 instead of 60 of 200 epochs before the first drop)",
    )
    progress = Progress("labels")
    terms = ("labels", "soft")
    reads = Reads("logits only, and the design of the setting's teacher")
    learns = Learns("early_teacher, a net of its own")
    partner = "a teacher stopped early"
    cost = "low"
    aliases = ("eskd", "early_stopped_kd")

    def __init__(
        self,
        teacher_share: Annotated[float, Range(0.01, 2.0, 0.01)] = 0.25,
        soft_share: Annotated[float, Range(0.0, 1.0, 0.05)] = 1.0,
        temperature: Temperature = 4.0,
        soft_weight: Weight = 0.9,
        label_weight: Weight = 0.1,
    ) -> None:
        super().__init__(temperature, soft_weight, label_weight)
        self.teacher_share, self.soft_share = teacher_share, soft_share
        self._factory: Callable[[], nn.Module] | None = None
        self._done = 0.0

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Remembers the design of the teacher."""
        super().build(student_model, teacher_model, example, facts)
        self._factory = partial(untrained, teacher_model)

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """The early teacher, then the student."""
        party = "early_teacher"
        early = on_labels(party, self.teacher_share, factory=self._factory, inputs="teacher")
        return early, StagePlan(teacher=party)

    def schedule(self, progress: float) -> None:
        """The share of the run that is done."""
        self._done = progress

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """Labels alone also where the student no longer listens; its soft term is then 0."""
        terms = super().forward(student, teacher, batch)
        if teacher is None or self._done < self.soft_share:
            return terms
        return {"labels": self.label_loss(student, batch), "soft": 0 * terms["soft"].detach()}
