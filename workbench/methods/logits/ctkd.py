"""Let the temperature resist: it is learnt together with the student, but so that the divergence grows.

The student makes the divergence small, a temperature with a reversed gradient makes it as large as it can: the task
stays as hard as the student can bear. A curriculum lets the temperature's resistance rise from nothing, so that the
beginning is easy. One temperature serves all samples. The teacher is detached; besides the student the temperature is
learnt.

Formula:
    min over the student, max over h:   label_weight * mean_b CE(s_b, y_b)
        + soft_weight * T^2 * mean_b KL( softmax(t_b / T) || softmax(s_b / T) ),   T = lowest + span * sigmoid(h)
    h moves up its gradient times (1 - cos(pi * min(progress / curriculum, 1))) / 2, and starts at 1.

Faithful to: Li et al., AAAI 2023, the global temperature and its cosine curriculum, and the authors' code.
Departs from it: the resistance rises with every step instead of with every epoch.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn, resistance or not.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.parts.ramps import linear_ramp
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reversed_gradient(value: Tensor, strength: float = 1.0) -> Tensor:
    """The value itself, whose gradient is multiplied with ``-strength``: who descends the loss by it climbs.

    Ganin and Lempitsky, ICML 2015, Eqs. 7 and 8.
    """
    return _Reversed.apply(value, strength)


class CTKD(ResponseMethod):
    """Soft targets at a temperature that is learnt against the student.

    Args:
        lowest: The temperature stays above it; 1 in the authors' code.
        span: The temperature stays below the lowest plus this; 20 in the authors' code.
        curriculum: Share of the run over which the resistance rises; 10 of 240 epochs in the paper.
        soft_weight: Weight of the soft term; 0.9 in the authors' script.
        label_weight: Weight of the labels; 0.1 in the authors' script.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> method = CTKD()
        >>> method.build(nn.Identity(), nn.Identity(), Batch(torch.arange(2), torch.eye(2)), Facts(2, 2, 10, 1))
        >>> round(method.temperature().item(), 2)
        15.62
    """

    citation = Citation(
        "Curriculum Temperature for Knowledge Distillation",
        "Li, Li, Yang, Zhao, Song, Luo, Li, Yang",
        "AAAI",
        2023,
        "2211.16231",
    )
    evidence = Evidence(
        "code",
        "zhengli97/CTKD (authors), models/temp_global.py, helper/loops.py and train_student.py at "
        "7d5252241259ae70d38a832371fed9697d15fc14",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    learns = Learns("hidden, the number behind the temperature")
    cost = "low"
    aliases = ("curriculum_temperature",)

    def __init__(
        self,
        lowest: Temperature = 1.0,
        span: Annotated[float, Range(0.5, 50.0, 0.5)] = 20.0,
        curriculum: Annotated[float, Range(0.0, 1.0, 0.01)] = 10 / 240,
        soft_weight: Weight = 0.9,
        label_weight: Weight = 0.1,
    ) -> None:
        super().__init__()
        self.lowest, self.span, self.curriculum = lowest, span, curriculum
        self.soft_weight, self.label_weight = soft_weight, label_weight
        self._strength = 1.0

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Starts the temperature."""
        super().build(student_model, teacher_model, example, facts)
        self.hidden = nn.Parameter(torch.ones(()))

    def schedule(self, progress: float) -> None:
        """The curriculum."""
        self._strength = (1 - math.cos(math.pi * linear_ramp(progress, self.curriculum))) / 2

    def temperature(self) -> Tensor:
        """The temperature as it stands, ()."""
        return self.lowest + self.span * torch.sigmoid(reversed_gradient(self.hidden, self._strength))

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The soft term."""
        temperature = self.temperature()
        divergence = forward_kl(student_logits, teacher_logits, temperature)
        return {"soft": self.soft_weight * temperature**2 * divergence}
