"""A cascade of assistants in which everyone above teaches everyone below, and some keep silent in each step.

An assistant's errors would otherwise be handed down from step to step; here each learner also hears all who came before, the
teacher first. Silencing some at random keeps the many voices from being learnt by heart. Teachers are detached; besides the
student the assistants are learnt, each with the student's budget to itself.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + soft_weight * T^2 * sum_{k heard} mean_b KL( softmax(t_kb / T) || softmax(s_b / T) )
    s: logits of who learns, t_k: of everyone before it, the teacher among them, (B, C);  y: labels (B,);  T: temperature.

Faithful to: Son et al., ICCV 2021, section 3, densely guided distillation with stochastic learning, and the authors' code.
Departs from it: weights are those of ``kd``, which the code sets to 1 and 0; the soft term sums over classes, where the code
averages; one voice is always heard, also by the first assistant, who has only one.
Cost: some 6 times the training of ``kd``: three assistants are trained, each asking all above it, and the student asks
four.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Self

import torch
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.parts.assistants import between
from workbench.methods.parts.draws import Dice
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress
from workbench.records.trace import Trace


class DenselyGuided(ResponseMethod):
    """Teacher and assistants, all at once; one's own are given with ``DenselyGuided().assisted_by(large, small)``.

    Args:
        assistants: How many there are; each is half-way between the student and the one before. 3 in the authors' code.
            Read when the method is built.
        silent: How many of the teachers keep silent in a step; 1 in the authors' code, 0 is not stochastic.
        temperature: Softens all distributions; 5 in the authors' code.
        soft_weight: Weight of each soft term; 0.9 as for ``kd``.
        label_weight: Weight of the labels; 0.1 as for ``kd``.

    Terms: ``labels`` and ``soft``, (B,) each, of every assistant and then of the student.

    Example:
        >>> [plan.teacher for plan in DenselyGuided().assisted_by(nn.Identity).stages(Facts(100, 10, 1000, 10))]
        ['teacher', ('teacher', 'assistant_1')]
    """

    citation = Citation(
        "Densely Guided Knowledge Distillation Using Multiple Teacher Assistants",
        "Son, Na, Choi, Hwang",
        "ICCV",
        2021,
        "2009.08825",
    )
    evidence = Evidence(
        "code",
        "wonchulSon/DGKD (authors), train.py at 2599350ebe8cce045efd322a9f7fbf92f12528d7",
        "weights, and the sizes of the assistants",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    needs = ("design",)
    learns = Learns("assistant_1 and so on, nets of their own")
    partner = "the teacher and its assistants, frozen"
    cost = "high"
    aliases = ("dgkd",)

    def __init__(
        self,
        assistants: Annotated[int, Range(1, 6, 1)] = 3,
        silent: Annotated[int, Range(0, 6, 1)] = 1,
        temperature: Temperature = 5.0,
        soft_weight: Weight = 0.9,
        label_weight: Weight = 0.1,
    ) -> None:
        super().__init__()
        self.assistants, self.silent, self.temperature = assistants, silent, temperature
        self.soft_weight, self.label_weight = soft_weight, label_weight
        self._factories: list[Callable[[], nn.Module]] = []
        self.dice = Dice()

    def assisted_by(self, *factories: Callable[[], nn.Module]) -> Self:
        """This method with assistants of one's own, from large to small."""
        self._factories, self.assistants = list(factories), len(factories)
        return self

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Decides who the assistants are.

        Raises:
            ValueError: none are given and no size between the two is known.
        """
        super().build(student_model, teacher_model, example, facts)
        self.dice.reseed()
        above = teacher_model
        while len(self._factories) < self.assistants:
            self._factories.append(between(student_model, above))
            above = self._factories[-1]()

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """The assistants in turn, then the student, each with everyone before it."""
        plans, above = [], ["teacher"]
        for k in range(1, self.assistants + 1):
            name = f"assistant_{k}"
            factory = self._factories[k - 1] if self._factories else None
            plans.append(StagePlan(name, learner=name, teacher=_bare(above), factory=factory))
            above = [*above, name]
        return *plans, StagePlan("student", teacher=_bare(above))

    def forward(self, student: Trace, teacher: Trace | tuple[Trace, ...], batch: Batch) -> dict[str, Tensor]:
        """The labels, and those of the teachers that are heard in this step."""
        voices = teacher if isinstance(teacher, tuple) else (teacher,)
        order = torch.randperm(len(voices), generator=self.dice.thrown())
        heard = [voices[k] for k in order.tolist()[: max(len(voices) - self.silent, 1)]]
        mine, theirs = self.transformed(student.logits), [self.transformed(voice.logits.detach()) for voice in heard]
        soft = torch.stack([forward_kl(mine, voice, self.temperature) for voice in theirs]).sum(0)
        labels = self.label_weight * self.label_loss(student, batch)
        return {"labels": labels, "soft": self.soft_weight * self.temperature**2 * soft}

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """Others will be heard."""
        self.dice.advance()


def _bare(names: list[str]) -> str | tuple[str, ...]:
    return names[0] if len(names) == 1 else tuple(names)
