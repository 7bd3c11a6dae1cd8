"""Student and generator play against each other over the gap between the student's logits and the teacher's.

The student makes the gap small on what the generator has made; the generator then makes inputs on which the gap is
large, hard ones for this very student. The gap is measured on logits as they are, because its gradient stays alive
where the two nearly agree. No data are needed. The teacher gets no gradients, but they pass through it to the inputs.

Formula:
    min over the student, max over the generator:   mean_{b, c} | t_bc - s_bc |
    s, t: logits (B, C) on inputs G(z_b), z ~ N(0, 1), new at each step; student_steps steps of the student, then one of G.

Faithful to: Fang et al. 2019, the authors' code for MNIST.
Departs from it: the generator has the optimiser of the budget; it moves on the noise of the student's step before it, and
for the first time after the student's first.
Cost: some 2 times a step of ``kd``, more where the generator is larger than the nets.
Setting: two_moons. On it we expect: the discrepancy falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from torch import Tensor, nn

from workbench.methods.parts.synthesis import GeneratorMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Player
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class DFAD(GeneratorMethod):
    """Data-free adversarial distillation.

    Args:
        student_steps: Student steps for one of the generator, read when the method is built; 5 in the authors' code.
        generator_rate: Learning rate over the student's, read when the method is built; 0.1 in the authors' MNIST runs.

    Terms: ``discrepancy``, (B,).

    Example:
        >>> import torch
        >>> DFAD()(Trace(torch.zeros(1, 2)), Trace(torch.tensor([[3.0, -1.0]])), None)
        {'discrepancy': tensor([2.])}
    """

    citation = Citation(
        "Data-Free Adversarial Distillation", "Fang, Song, Shen, Wang, Chen, Song", "arXiv", 2019, "1912.11006"
    )
    evidence = Evidence(
        "code",
        "VainF/Data-Free-Adversarial-Distillation (authors), DFAD_mnist.py at 053861fcdd759d6a809574473db19d79ec3d39ca",
        "the optimiser of the generator",
    )
    progress = Progress("discrepancy")
    terms = ("discrepancy",)
    reads = Reads("logits only; of the data only the shape of a sample")
    learns = Learns("generator; dice, with which the noise is drawn, is kept with the run")
    cost = "medium"
    aliases = ("data_free_adversarial",)

    def __init__(
        self,
        student_steps: Annotated[int, Range(1, 50, 1)] = 5,
        generator_rate: Annotated[float, Range(0.0, 10.0, 0.1)] = 0.1,
    ) -> None:
        super().__init__()
        self.student_steps, self.generator_rate = student_steps, generator_rate

    def players(self, students: Mapping[str, nn.Module]) -> dict[str, Player]:
        """The student moves at each step, the generator climbs now and then."""
        adversary = Player(
            self.generator.parameters(), sign=-1.0, every=self.student_steps, learning_rate=self.generator_rate
        )
        return {"student": Player(students["student"].parameters()), "generator": adversary}

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The gap, whose gradient goes through both models."""
        return {"discrepancy": (student.logits - teacher.logits).abs().mean(1)}
