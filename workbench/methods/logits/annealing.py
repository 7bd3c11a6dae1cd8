"""Follow the teacher up a staircase: first its logits divided by ten, at last the logits themselves, then the labels.

What a teacher says at a high temperature is almost nothing and easy to match; each step of the stairs asks for a little
more, so that the student is never far from what it is asked. In a second stage it learns from labels alone. The teacher
is detached; nothing is learnt besides the student.

Formula:
    stage annealing: L = mean_b mean_c ( s_b,c - k / K * t_b,c )^2,   k = 1 ... K in equal parts of the stage
    stage labels:    L = mean_b CE(s_b, y_b)
    s, t: logits (B, C);  y: labels (B,);  K: steps, the highest temperature: k / K = 1 - (T - 1) / K for T from K to 1.

Faithful to: Jafari et al., EACL 2021, its two stages, and the authors' code for CIFAR.
Departs from it: the second stage goes on from where the first ends, not from its best score on the test set; the steps
are of equal length to one optimiser step instead of one epoch.
Setting: digits. On it we expect: the distance of the logits at the end of the first stage is below that of a student
that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.divergences import logit_gaps
from workbench.methods.method import Method
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class Annealing(Method):
    """Annealed logit regression, then labels.

    Args:
        steps: Steps of the staircase, the highest temperature; 10 in the authors' code.
        annealing_share: Share of the run spent on it; 200 of 300 epochs in the authors' code.

    Terms: ``logits`` in the first stage, ``labels`` in the second, (B,) each.

    Example:
        >>> [(plan.name, plan.teacher) for plan in Annealing().stages(Facts(100, 10, 1000, 10))]
        [('annealing', 'teacher'), ('labels', None)]
    """

    citation = Citation(
        "Annealing Knowledge Distillation", "Jafari, Rezagholizadeh, Sharma, Ghodsi", "EACL", 2021, "2104.07163"
    )
    evidence = Evidence(
        "code",
        "huawei-noah/Efficient-NLP (authors), Annealing_KD/computer_vision_tasks/annealing_kd_train.py at "
        "bb44348bc897779be9357cef8dfd8e397d17ed49",
        "samples without a label take part in the first stage only",
    )
    progress = Progress("logits")
    terms = ("logits", "labels")
    cost = "low"
    aliases = ("annealing_kd",)

    def __init__(
        self,
        steps: Annotated[int, Range(1, 100, 1)] = 10,
        annealing_share: Annotated[float, Range(0.05, 0.95, 0.05)] = 200 / 300,
    ) -> None:
        super().__init__()
        self.steps, self.annealing_share = steps, annealing_share
        self._done = 0.0

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """The staircase, then labels."""
        return (
            StagePlan("annealing", self.annealing_share),
            StagePlan("labels", 1 - self.annealing_share, teacher=None, data="labelled"),
        )

    def schedule(self, progress: float) -> None:
        """The share of the run that is done."""
        self._done = progress

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The term of the stage."""
        if teacher is None:
            return {"labels": self.label_loss(student, batch)}
        step = min(int(self.steps * self._done / self.annealing_share) + 1, self.steps)
        error = logit_gaps(student.logits, step / self.steps * teacher.logits.detach())
        return {"logits": error.square().mean(1)}
