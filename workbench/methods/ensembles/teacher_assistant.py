"""Climb down in two steps: an assistant of middling size learns from the teacher and then teaches the student.

A small student cannot follow a teacher that is far larger; an assistant can, and its answers are within the student's
reach. The assistant has the student's budget to itself. Teachers are detached; besides the student the assistant is
learnt.

Formula:
    L = soft_weight * T^2 * mean_b KL( softmax(t_b / T) || softmax(s_b / T) ) + label_weight * mean_b CE(s_b, y_b)
    s: logits of who learns, t: of who teaches, (B, C):  assistant from teacher, then student from assistant.

Faithful to: Mirzadeh et al., AAAI 2020, section "Teacher Assistant Knowledge Distillation".
Departs from it: weights and temperature, which the authors search for each pair of nets, are those of ``kd``; the soft
term sums over classes, where the authors' code averages.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Self

from torch import nn

from workbench.methods.logits.kd import KD
from workbench.methods.parts.assistants import between
from workbench.methods.ranges import Temperature, Weight
from workbench.models.zoo import net
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress


class TeacherAssistant(KD):
    """Distillation over an assistant.

    Args:
        temperature: Softens both distributions, in both steps; 4 as for ``kd``.
        soft_weight: Weight of the soft term; 0.9 as for ``kd``.
        label_weight: Weight of the labels; 0.1 as for ``kd``.
        assistant: Name of a CIFAR net, such as ``resnet32``; None is half-way between student and teacher, if both are
            MLPs or both are ConvNets.

    Terms: ``labels`` and ``soft``, (B,) each, of the assistant and then of the student.

    Example:
        >>> [(plan.learner, plan.teacher) for plan in TeacherAssistant().stages(Facts(100, 10, 1000, 10))]
        [('assistant', 'teacher'), ('student', 'assistant')]
    """

    citation = Citation(
        "Improved Knowledge Distillation via Teacher Assistant",
        "Mirzadeh, Farajtabar, Li, Levine, Matsukawa, Ghasemzadeh",
        "AAAI",
        2020,
        "1902.03393",
    )
    evidence = Evidence(
        "code",
        "imirzadeh/Teacher-Assistant-Knowledge-Distillation (authors), train.py at "
        "7d4739d0c1a2add3930b14732b52f40e0bd9a163",
        "weights and temperature, and the size of the assistant",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    needs = ("design",)
    learns = Learns("assistant, a net of its own")
    partner = "an assistant whom the teacher has taught"
    cost = "medium"
    aliases = ("takd", "ta")
    tasks = ("classification",)

    def __init__(
        self,
        temperature: Temperature = 4.0,
        soft_weight: Weight = 0.9,
        label_weight: Weight = 0.1,
        assistant: str | None = None,
    ) -> None:
        super().__init__(temperature, soft_weight, label_weight)
        self.assistant = assistant
        self._factory: Callable[[], nn.Module] | None = None

    def assisted_by(self, factory: Callable[[], nn.Module]) -> Self:
        """This method with an assistant of one's own; its configuration then names the factory."""
        self.assistant, self._factory = getattr(factory, "__qualname__", repr(factory)), factory
        return self

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Decides who the assistant is.

        Raises:
            ValueError: no net of that name, or none is named and no size between the two is known.
        """
        super().build(student_model, teacher_model, example, facts)
        if self._factory is None and self.assistant is None:
            self._factory = between(student_model, teacher_model)
        elif self._factory is None:
            self._factory = partial(
                net(self.assistant), classes=facts.classes, channels=example.student_inputs.shape[1]
            )

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """The assistant, then the student."""
        return (
            StagePlan("assistant", learner="assistant", factory=self._factory),
            StagePlan("student", teacher="assistant"),
        )
