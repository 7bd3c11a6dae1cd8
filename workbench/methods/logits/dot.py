"""Give distillation more momentum than the labels, so that it leads the way and the labels follow.

Both losses fall further if the distillation gradient dominates, which a weight cannot bring about without making the
labels' loss smaller. The optimiser keeps two velocities instead: the labels' forgets sooner, the distillation's
later. The losses are those of ``kd``; added to a method with a teacher, as in ``dkd+dot``, it lends its velocities only: the
losses are the other's, and all its terms but the labels count as distillation. The teacher is detached; nothing is
learnt besides the student.

Formula:
    v_labels <- (momentum - delta) * v_labels + grad L_labels,   v_soft <- (momentum + delta) * v_soft + grad L_soft
    weights  <- weights - rate * (v_labels + v_soft),   as gradients of an optimiser with this momentum:
    grad L_labels + grad L_soft + delta * (v_soft - v_labels), with the velocities before the step.

Faithful to: Zhao et al., ICCV 2023, the update with two momenta, and the authors' code.
Departs from it: weight decay has the plain momentum; ``reg_*`` terms move with the labels. What is learnt besides the
student has the plain momentum, as there. A limit on the gradient's norm acts on the three parts together.
Cost: two backward passes instead of one, and two further copies of the student's weights.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.methods.logits.kd import KD
from workbench.methods.method import Method, Sum
from workbench.methods.ranges import Temperature, Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Progress


class MomentumSplit(nn.Module):
    """A gradient rule after Zhao et al., ICCV 2023, for stochastic gradient descent with momentum.

    The sum of the velocities ``v <- (momentum -+ delta) v + gradient`` of both kinds is the one velocity of an
    optimiser with ``momentum`` whose gradient is that of both plus ``delta * (v_distillation - v_labels)``.

    Args:
        delta: what distillation's momentum is above and the labels' below the optimiser's.
        momentum: of the optimiser.
    """

    def __init__(self, delta: float, momentum: float) -> None:
        super().__init__()
        self.delta, self.momentum, self.count = delta, momentum, 0

    def prepare(self, student: nn.Module) -> None:
        """Two velocities for each of the student's parameters, at rest."""
        moved = [p for p in student.parameters() if p.requires_grad]
        self.count = len(moved)
        for k, parameter in enumerate(moved):
            self.register_buffer(f"labels_{k}", torch.zeros_like(parameter))
            self.register_buffer(f"soft_{k}", torch.zeros_like(parameter))

    def combine(self, gradients: dict[str, list[Tensor | None]], player: str) -> list[Tensor | None]:
        """One gradient for each parameter; those after the student's have no velocities and are plain sums."""
        kinds = [[g for name, g in gradients.items() if _of_the_task(name) is task] for task in (True, False)]
        labels, soft = ([_sum(column) for column in zip(*kind, strict=True)] for kind in kinds)
        total = len(next(iter(gradients.values())))
        pairs = zip(labels or [None] * total, soft or [None] * total, strict=True)
        return [self._split(k, *pair) if k < self.count else _sum(pair) for k, pair in enumerate(pairs)]

    def _split(self, k: int, labels: Tensor | None, soft: Tensor | None) -> Tensor:
        slow, fast = getattr(self, f"labels_{k}"), getattr(self, f"soft_{k}")
        lead = self.delta * (fast - slow)
        for velocity, gradient, own in ((slow, labels, -self.delta), (fast, soft, self.delta)):
            velocity.mul_(self.momentum + own)
            if gradient is not None:
                velocity.add_(gradient)
        return _sum([lead, labels, soft])


def _of_the_task(term: str) -> bool:
    name = term.rpartition(".")[2]
    return name == "labels" or name.startswith("reg_")


def _sum(gradients: Sequence[Tensor | None]) -> Tensor | None:
    found = [gradient for gradient in gradients if gradient is not None]
    return sum(found[1:], found[0]) if found else None


class DOT(KD):
    """Distillation-oriented trainer; needs a budget with ``optimizer="sgd"``.

    Args:
        delta: Momentum that distillation gains and the labels lose; 0.075 in the authors' code.
        momentum: That of the budget's optimiser, 0.9 unless it was changed.
        temperature: Softens both distributions; 4 in the authors' code.
        soft_weight: Weight of the soft term; 0.9 in the authors' code, 0 once it is added to a method with a teacher.
        label_weight: Weight of the labels; 0.1 in the authors' code.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> rule = DOT(delta=0.05).gradient_rule
        >>> [round(rule.momentum + side * rule.delta, 2) for side in (-1, 1)]
        [0.85, 0.95]
    """

    citation = Citation("DOT: A Distillation-Oriented Trainer", "Zhao, Cui, Song, Liang", "ICCV", 2023, "2307.08436")
    evidence = Evidence(
        "code",
        "megvii-research/mdistiller (authors), mdistiller/engine/dot.py at a08d46f10d6102bd6e3f258ca5ac880b020ea259 "
        "and mdistiller/engine/trainer.py",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = "low"
    aliases = ("distillation_oriented_trainer",)
    tasks = ("classification",)

    def __init__(
        self,
        delta: Annotated[float, Range(0.0, 0.1, 0.005)] = 0.075,
        momentum: Annotated[float, Range(0.0, 0.99, 0.01)] = 0.9,
        temperature: Temperature = 4.0,
        soft_weight: Weight = 0.9,
        label_weight: Weight = 0.1,
    ) -> None:
        super().__init__(temperature, soft_weight, label_weight)
        self.gradient_rule = MomentumSplit(delta, momentum)

    @property
    def delta(self) -> float:
        """As the rule has it."""
        return self.gradient_rule.delta

    @delta.setter
    def delta(self, value: float) -> None:
        """Moves it there."""
        self.gradient_rule.delta = value

    @property
    def momentum(self) -> float:
        """As the rule has it."""
        return self.gradient_rule.momentum

    @momentum.setter
    def momentum(self, value: float) -> None:
        """Moves it there."""
        self.gradient_rule.momentum = value

    def added_to(self, first: Method) -> Method:
        """The first method's losses with these velocities; with a soft term of its own only if the first has no teacher."""
        return Sum(first, DOT(**self.config() | {"soft_weight": 0.0}) if first.reads_teacher else self)

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the velocities."""
        super().build(student_model, teacher_model, example, facts)
        self.gradient_rule.prepare(student_model)
