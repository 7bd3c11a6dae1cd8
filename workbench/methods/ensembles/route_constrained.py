"""Follow the route the teacher took: learn from it as it was early on, then later, then at its end.

A converged teacher is far from a fresh student; the way there is not. A net of the teacher's design is trained anew on the
labels, and left standing at equal intervals as an anchor. The student's run is shared out among the anchors in their order.
Anchors are detached; they are learnt besides the student.

Formula:
    anchor 1: L = mean_b CE(a_1b, y_b) from fresh weights;  anchor k: the same, going on from anchor k - 1
    student in part k of its run: L = soft_weight * T^2 * mean_b KL( softmax(a_kb / T) || softmax(s_b / T) )
                                      + label_weight * mean_b CE(s_b, y_b)
    s, a_k: logits of the student and of anchor k of K, (B, C);  y: labels (B,);  T: temperature.

Faithful to: Jin et al., ICCV 2019, section 3, route constrained optimisation with equal intervals.
Departs from it: every part of the teacher's and of the student's run has a whole learning-rate schedule of its own; the
setting's teacher gives its design only, since its past is not kept; temperature and weights are those of ``kd``.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from torch import nn

from workbench.methods.parts.on_labels import OwnTeachersKD, on_labels
from workbench.methods.parts.untrained import untrained
from workbench.methods.ranges import Temperature, Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads


class RouteConstrained(OwnTeachersKD):
    """Anchors along the teacher's route.

    Args:
        anchors: How often the teacher is left standing, its end among them; 4.
        route_share: Steps of the whole route, as a share of the student's; 1.
        temperature: Softens both distributions; 4 as for ``kd``.
        soft_weight: Weight of the soft term; 0.9 as for ``kd``.
        label_weight: Weight of the labels beside it; 0.1 as for ``kd``.

    Terms: ``labels`` of each anchor; ``labels`` and ``soft`` of the student, (B,) each.

    Example:
        >>> plans = RouteConstrained(anchors=2).stages(Facts(100, 10, 1000, 10))
        >>> [(plan.learner, plan.teacher, plan.share) for plan in plans]
        [('anchor_1', None, 0.5), ('anchor_2', None, 0.5), ('student', 'anchor_1', 0.5), ('student', 'anchor_2', 0.5)]
    """

    citation = Citation(
        "Knowledge Distillation via Route Constrained Optimization",
        "Jin, Peng, Wu, Liu, Liu, Liang, Yan, Hu",
        "ICCV",
        2019,
        "1904.09149",
    )
    evidence = Evidence(
        "code",
        "SforAiDl/KD_Lib (not the authors), KD_Lib/KD/vision/RCO/rco.py at 0b8525b6aacf98e3464520ef629b4a4f16ff69a4",
        "number of anchors, length of the route, temperature and weights; its loss takes a softmax twice and the "
        "logarithm of the target, which is not followed",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    reads = Reads("logits only, and the design of the setting's teacher")
    learns = Learns("anchor_1 and so on, nets of their own")
    partner = "the teacher at earlier times"
    cost = "medium"
    aliases = ("rco",)

    def __init__(
        self,
        anchors: Annotated[int, Range(1, 16, 1)] = 4,
        route_share: Annotated[float, Range(0.05, 4.0, 0.05)] = 1.0,
        temperature: Temperature = 4.0,
        soft_weight: Weight = 0.9,
        label_weight: Weight = 0.1,
    ) -> None:
        super().__init__(temperature, soft_weight, label_weight)
        self.anchors, self.route_share = anchors, route_share
        self._factory: Callable[[], nn.Module] | None = None

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Remembers the design of the teacher."""
        super().build(student_model, teacher_model, example, facts)
        self._factory = self._factory or partial(untrained, teacher_model)

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """The route, anchor by anchor, then the student along it."""
        names = [f"anchor_{k}" for k in range(1, self.anchors + 1)]
        route = tuple(
            on_labels(
                name,
                self.route_share / self.anchors,
                start={names[k - 1]: 1.0} if k else "continue",
                factory=self._factory,
                inputs="teacher",
            )
            for k, name in enumerate(names)
        )
        return route + tuple(StagePlan(f"after {name}", 1 / self.anchors, teacher=name) for name in names)
