"""A net is reborn: a fresh copy of the same design learns from its trained predecessor, and often overtakes it.

The first generation learns from labels alone; each later one starts anew and learns from labels and from the generation
before. The last is the student. The predecessor is detached; no bigger teacher is needed, and every generation has the
student's budget to itself.

Formula:
    generation 0: L = mean_b CE(s_b, y_b)
    generation k: L = label_weight * mean_b CE(s_b, y_b)
                      + soft_weight * T^2 * mean_b KL( softmax(p_b / T) || softmax(s_b / T) )
    s: logits of generation k, p: of generation k - 1, (B, C);  T: temperature.

Faithful to: Furlanello et al., ICML 2018, section 3, "Sequence of Teaching Selves".
Departs from it: nothing in the chain; temperature and weights are settled here.
Cost: some 3 times the training of ``kd`` with three generations: four nets are trained, one after the other.
Setting: digits. On it we expect: the soft term of the student falls below that of a student that does not learn.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from workbench.methods.parts.on_labels import OwnTeachersKD, on_labels
from workbench.methods.ranges import Temperature, Weight
from workbench.records.annotations import Range
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress


class BornAgain(OwnTeachersKD):
    """Generations of equal students.

    Args:
        generations: How often the net is reborn; up to 3 in the paper.
        temperature: Softens both distributions; 1 leaves them as they are.
        soft_weight: Weight of the predecessor; 1.
        label_weight: Weight of the labels beside a predecessor; 1.

    Terms: ``labels``, and from generation 1 on ``soft``, (B,) each.

    Example:
        >>> [plan.learner for plan in BornAgain(generations=2).stages(Facts(100, 10, 1000, 10))]
        ['generation_0', 'generation_1', 'student']
    """

    citation = Citation(
        "Born-Again Neural Networks",
        "Furlanello, Lipton, Tschannen, Itti, Anandkumar",
        "ICML",
        2018,
        "1805.04770",
    )
    evidence = Evidence(
        "code",
        "SforAiDl/KD_Lib (not the authors), KD_Lib/KD/vision/BANN/BANN.py at 0b8525b6aacf98e3464520ef629b4a4f16ff69a4",
        "temperature 1 and equal weights: the cross-entropies to label and predecessor are added",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    learns = Learns("generation_0 and so on, nets of their own")
    partner = "the generation before"
    cost = "medium"
    aliases = ("ban", "bann")
    reads_teacher = False

    def __init__(
        self,
        generations: Annotated[int, Range(1, 10, 1)] = 3,
        temperature: Temperature = 1.0,
        soft_weight: Weight = 1.0,
        label_weight: Weight = 1.0,
    ) -> None:
        super().__init__(temperature, soft_weight, label_weight)
        self.generations = generations

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage per generation, each with a new net and the whole budget."""
        names = [*(f"generation_{k}" for k in range(self.generations)), "student"]
        later = (StagePlan(name, learner=name, teacher=before) for before, name in pairwise(names))
        return on_labels(names[0]), *later
