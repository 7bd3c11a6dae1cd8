"""A generator looks for inputs on which student and teacher disagree most, and the student learns to agree on them.

No data are needed: wherever the student is wrong, the generator finds it. For ten steps the student is shown what one
step of the generator has found; it is also to look where the teacher looks. The generator climbs the divergence
through both models. The teacher gets no gradients.

Formula:
    min over the student:    mean_b KL( softmax(t_b) || softmax(s_b) ) + attention_weight * sum_j A_j
    max over the generator:  mean_b KL( softmax(t_b) || softmax(s_b) )
    A_j: mean squared difference of the unit attention maps of stage j, (B, H, W), as in ``attention_transfer``
    s, t: logits (B, C) on inputs G(z_b), z ~ N(0, 1), the same z for student_steps steps.

Faithful to: Micaelli and Storkey, NeurIPS 2019, Eq. 1 and Algorithm 1, and the authors' code.
Departs from it: the generator has the optimiser of the budget and ends in a hyperbolic tangent; the student's first step of
ten still sees what was made before the generator moved; the divergence is summed over classes, as in Eq. 1. The authors' code
averages it over them as well, so that beside it their 250 weighs C times as much: ``divergence="mean"``.
Cost: some 2 times a step of ``kd``, more where the generator is larger than the nets.
Setting: two_moons. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from workbench.maths.attention import attention_distance
from workbench.maths.divergences import forward_kl
from workbench.methods.parts.layers import example_traces, stage_pairs
from workbench.methods.parts.synthesis import GeneratorMethod
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, Player
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class ZSKT(GeneratorMethod):
    """Zero-shot knowledge transfer: belief matching against an adversary.

    Args:
        attention_weight: Weight of the attention maps; 250 in the authors' code, beside the mean over classes.
        student_steps: Student steps for one of the generator, read when the method is built; 10 in the paper.
        generator_rate: Learning rate over the student's, read when the method is built; 0.5 in the authors' code.
        divergence: ``sum`` over classes as in Eq. 1, or their ``mean``, C times less, as in the authors' code.
        guided: Student layers, separated by commas; None is the stages of the model.
        hint: Teacher layers, one for each; None is the stages of the model.

    Terms: ``soft`` and ``attention``, (B,) each.

    Example:
        >>> ZSKT(student_steps=5).config()["student_steps"]
        5
    """

    citation = Citation(
        "Zero-shot Knowledge Transfer via Adversarial Belief Matching",
        "Micaelli, Storkey",
        "NeurIPS",
        2019,
        "1905.09768",
    )
    evidence = Evidence(
        "code",
        "polo5/ZeroShotKnowledgeTransfer (authors), solver.py and main.py at 492cbff7c8635866d9939bbc102a11d46ebc3bf2",
        "the optimiser of the generator, and nets whose stages differ in number or have no maps",
    )
    progress = Progress("soft")
    terms = ("soft", "attention")
    reads = Reads(
        "logits and the stages of both models; of the data only the shape of a sample",
        student=("layers", "logits"),
        partner=("layers", "logits"),
    )
    learns = Learns("generator; dice, with which the noise is drawn, is kept with the run")
    cost = "medium"
    aliases = ("zero_shot_knowledge_transfer", "adversarial_belief_matching")

    def __init__(
        self,
        attention_weight: Annotated[float, Range(0.0, 1000.0, 10.0)] = 250.0,
        student_steps: Annotated[int, Range(1, 50, 1)] = 10,
        generator_rate: Annotated[float, Range(0.0, 10.0, 0.1)] = 0.5,
        divergence: Literal["sum", "mean"] = "sum",
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.attention_weight, self.student_steps = attention_weight, student_steps
        self.generator_rate, self.divergence = generator_rate, divergence
        self.guided, self.hint = guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Pairs the stages, tries one comparison on made-up inputs, and makes the generator."""
        super().build(student_model, teacher_model, example, facts)
        layers = stage_pairs(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = layers
        tried = self.made(example, torch.zeros(len(example.ids), *self.shape, **self.form))
        self._distance(*example_traces(student_model, teacher_model, layers, tried))

    def turn(self) -> int:
        """Changes when the generator is to move again."""
        return int(self.dice.step) // self.student_steps

    def players(self, students: Mapping[str, nn.Module]) -> dict[str, Player]:
        """The generator climbs the divergence now and then, the student descends both terms at each step."""
        adversary = Player(
            self.generator.parameters(), lambda term: term == "soft", -1.0, self.student_steps, self.generator_rate
        )
        return {"generator": adversary, "student": Player(students["student"].parameters())}

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The divergence, whose gradient goes through both models, and the attention of the student."""
        distance = self._distance(student, teacher)
        soft = forward_kl(student.logits, teacher.logits)
        soft = soft / student.logits.shape[1] if self.divergence == "mean" else soft
        return {"soft": soft, "attention": self.attention_weight * distance}

    def _distance(self, student: Trace, teacher: Trace) -> Tensor:
        pairs = zip(self.student_layers, self.teacher_layers, strict=True)
        return torch.stack([attention_distance(student[s], teacher[t].detach()) for s, t in pairs]).sum(0)
