"""A net learns from what it was at the end of the last cycle of the learning rate, all within one training.

The training is cut into cycles. At the end of each, where the learning rate is lowest, a snapshot is taken; it teaches
through the whole next cycle, whose high learning rate first carries the net away from it. That keeps teacher and student
apart enough, and the snapshot's answers are softened, the student's are not. The snapshot is detached; nothing is learnt
besides the student.

Formula:
    cycle 1: L = mean_b CE(s_b, y_b)
    cycle k: L = label_weight * mean_b CE(s_b, y_b) + soft_weight * mean_b KL( softmax(p_b / T) || softmax(s_b) )
    s: logits, p: those of the snapshot at the end of cycle k - 1, (B, C);  T: temperature.

Faithful to: Yang et al., CVPR 2019, asymmetric distillation from the last snapshot, as in public code.
Departs from it: the learning rate starts anew in each cycle as the budget's schedule says; cycles are of equal length.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.methods.ranges import Temperature, Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress
from workbench.records.trace import Trace


class SnapshotDistillation(Method):
    """Cycles that learn from the snapshot before.

    Args:
        cycles: How many there are; 4 in public code.
        temperature: Softens the snapshot's answers only; 3 in public code.
        soft_weight: Weight of the snapshot; 1 in public code.
        label_weight: Weight of the labels beside a snapshot; 1 + 1 / temperature in public code.

    Terms: ``labels``, and from the second cycle on ``soft``, (B,) each.

    Example:
        >>> [plan.name for plan in SnapshotDistillation(cycles=2).stages(Facts(100, 10, 1000, 10))]
        ['cycle_1', 'snapshot_1', 'cycle_2']
    """

    citation = Citation(
        "Snapshot Distillation: Teacher-Student Optimization in One Generation",
        "Yang, Xie, Su, Yuille",
        "CVPR",
        2019,
        "1812.00123",
    )
    evidence = Evidence(
        "code",
        "DefangChen/Self-KD (not the authors), train_SD.py at 52976ff9890b98aa29fe78bddcae03fa08465ff0",
        "a divergence instead of a cross-entropy of the same gradient",
    )
    progress = Progress("labels")
    terms = ("labels", "soft")
    learns = Learns("nothing besides the student; snapshot_1 and so on are kept with the run")
    partner = "an earlier state of itself"
    cost = "low"
    aliases = ("snapshot",)
    reads_teacher = False

    def __init__(
        self,
        cycles: Annotated[int, Range(2, 20, 1)] = 4,
        temperature: Temperature = 3.0,
        soft_weight: Weight = 1.0,
        label_weight: Weight = 1 + 1 / 3,
    ) -> None:
        super().__init__()
        self.cycles, self.temperature = cycles, temperature
        self.soft_weight, self.label_weight = soft_weight, label_weight

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """The cycles share the budget alike; between two of them the student is copied."""
        plans = [StagePlan("cycle_1", 1 / self.cycles, teacher=None, data="labelled")]
        for k in range(1, self.cycles):
            copied = f"snapshot_{k}"
            plans.append(StagePlan(copied, 0.0, learner=copied, teacher=None, start={"student": 1.0}))
            plans.append(StagePlan(f"cycle_{k + 1}", 1 / self.cycles, teacher=copied))
        return tuple(plans)

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """Labels alone where there is no snapshot."""
        labels = self.label_loss(student, batch)
        if teacher is None:
            return {"labels": labels}
        soft = forward_kl(student.logits, teacher.logits.detach() / self.temperature)
        return {"labels": self.label_weight * labels, "soft": self.soft_weight * soft}
