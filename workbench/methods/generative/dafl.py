"""A generator learns to make inputs the teacher is sure about, and the student learns the teacher's answers to them.

The teacher acts as a fixed discriminator: an input is good if it falls clearly into one class, excites the units under
the classifier, and if all classes come up alike. No data are needed. The generator moves down the last three terms,
the student down the first; the teacher is detached in the first. Each moves after a pass of its own through both
models, with gradients that go back to the inputs for the generator.

Formula:
    student:    mean_b KL( softmax(t_b) || softmax(s_b) )
    generator:  one_hot_weight * mean_b CE(t_b, argmax t_b) - activation_weight * mean_{b, d} |f_bd|
                + entropy_weight * sum_c p_c log10(p_c),    p = mean_b softmax(t_b)
    s, t: logits (B, C) on inputs G(z_b), z ~ N(0, 1);  f: what enters the teacher's classifier, (B, D).

Faithful to: Chen et al., ICCV 2019, and the authors' code, whose logarithm is decimal and whose entropy is not divided by C.
Departs from it: the generator has the optimiser of the budget, and moves before the student instead of together with it.
Cost: some 4 times a step of ``kd``: the generator and two passes through both models, one of them back to the inputs.
Setting: two_moons. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.parts.synthesis import GeneratorMethod
from workbench.methods.ranges import Layer, Weight
from workbench.models.tracing import Tracer, penultimate_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, Player
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class DAFL(GeneratorMethod):
    """Data-free learning: the teacher judges what a generator makes.

    Args:
        one_hot_weight: Weight of being sure; 1 in the authors' code.
        entropy_weight: Weight of using all classes; 5 in the authors' code.
        activation_weight: Weight of exciting the teacher; 0.1 in the authors' code.
        generator_rate: Learning rate over the student's, read when the method is built; 0.2 in the authors' CIFAR runs.
        hint: Teacher layer that is to be excited; None is what enters its classifier.

    Terms: ``soft``, ``one_hot`` and ``activation``, (B,) each, and ``entropy``, ().

    Example:
        >>> DAFL(entropy_weight=2.0).config()["entropy_weight"]
        2.0
    """

    citation = Citation(
        "Data-Free Learning of Student Networks",
        "Chen, Wang, Xu, Yang, Liu, Shi, Xu, Xu, Tian",
        "ICCV",
        2019,
        "1904.01186",
    )
    evidence = Evidence(
        "code",
        "huawei-noah/Efficient-Computing (authors), DAFL/DAFL-train.py at 132e841b985fdebbff326ecfab7902b4f15dc5bb",
        "the optimiser of the generator",
    )
    progress = Progress("soft")
    terms = ("soft", "one_hot", "activation", "entropy")
    reads = Reads(
        "logits, and what enters the teacher's classifier; of the data only the shape of a sample",
        partner=("features", "logits"),
    )
    learns = Learns("generator; dice, with which the noise is drawn, is kept with the run")
    cost = "high"
    aliases = ("data_free_learning",)

    def __init__(
        self,
        one_hot_weight: Weight = 1.0,
        entropy_weight: Weight = 5.0,
        activation_weight: Weight = 0.1,
        generator_rate: Annotated[float, Range(0.0, 100.0, 0.1)] = 0.2,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.one_hot_weight, self.entropy_weight = one_hot_weight, entropy_weight
        self.activation_weight, self.generator_rate, self.hint = activation_weight, generator_rate, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Finds the layer, and makes the generator."""
        super().build(student_model, teacher_model, example, facts)
        self.teacher_layers = (self.hint or penultimate_of(teacher_model),)
        Tracer(teacher_model, self.teacher_layers).close()

    def players(self, students: Mapping[str, nn.Module]) -> dict[str, Player]:
        """The generator answers to what the teacher thinks of its inputs, the student to the teacher's answers."""
        made = Player(self.generator.parameters(), lambda term: term != "soft", learning_rate=self.generator_rate)
        return {"generator": made, "student": Player(students["student"].parameters(), lambda term: term == "soft")}

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The student's term and the three of the generator."""
        logits, excited = teacher.logits, teacher[self.teacher_layers[0]].flatten(1).abs().mean(1)
        used = logits.softmax(1).mean(0)
        return {
            "soft": forward_kl(student.logits, logits.detach()),
            "one_hot": self.one_hot_weight * F.cross_entropy(logits, logits.argmax(1), reduction="none"),
            "activation": -self.activation_weight * excited,
            "entropy": self.entropy_weight * (used * used.clamp(min=torch.finfo(used.dtype).tiny).log10()).sum(),
        }
