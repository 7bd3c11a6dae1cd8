"""Copy the logits of a teacher that trembles: at each step it says the same in slightly other words.

Noise in the targets regularises the student as noise in its weights would, and makes one teacher look like many. Some
samples of a batch, drawn anew in each step, get relative Gaussian noise on every logit. A sample's noise depends on the
run, the step and the sample alone. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = logit_weight * mean_b mean_c ( s_b,c - (1 + m_b * xi_b,c) * t_b,c )^2 + label_weight * mean_b CE(s_b, y_b)
    m_b: 1 with probability noisy_share, else 0;  xi: (B, C), independent N(0, noise^2);  s, t: logits (B, C).

Faithful to: Sau and Balasubramanian, 2016, learning from logits that are perturbed sample by sample.
Departs from it: as ``logit_regression`` does; the size of the noise is settled here.
Setting: digits. On it we expect: the distance of the logits falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.methods.logits.logit_regression import LogitRegression
from workbench.methods.parts.draws import Dice, by_id
from workbench.methods.ranges import Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress


class NoisyTeacher(LogitRegression):
    """Logit regression on perturbed logits.

    Args:
        noise: Standard deviation of the relative noise; 0.32 (variance 0.1) in KD_Lib.
        noisy_share: Probability of a sample to be perturbed; 0.5 in KD_Lib.
        logit_weight: Weight of the difference; half the number of classes makes it the paper's.
        label_weight: Weight of the labels; 0 in the paper.

    Terms: ``labels`` and ``logits``, (B,) each.

    Example:
        >>> same = torch.tensor([[3.0, 4.0]])
        >>> NoisyTeacher(noise=0.0).match(same, same, Batch(torch.arange(1), same))["logits"]
        tensor([0.])
    """

    citation = Citation(
        "Deep Model Compression: Distilling Knowledge from Noisy Teachers",
        "Sau, Balasubramanian",
        "arXiv",
        2016,
        "1610.09650",
    )
    evidence = Evidence(
        "code",
        "SforAiDl/KD_Lib (not the authors), KD_Lib/KD/vision/noisy/noisy_teacher.py at "
        "3bcb5fe0a689e7534437f24deed4aac215c76f8f",
        "the size of the noise; samples are perturbed one by one and logits are compared, as the paper is described, "
        "where that code perturbs whole batches and compares probabilities with log-probabilities",
    )
    progress = Progress("logits")
    terms = ("labels", "logits")
    learns = Learns("nothing besides the student; dice, with which the noise is drawn, is kept with the run")
    cost = "low"
    aliases = ("logit_perturbation",)
    tasks = ("classification", "multilabel", "regression")

    def __init__(
        self,
        noise: Annotated[float, Range(0.0, 2.0, 0.01)] = 0.32,
        noisy_share: Annotated[float, Range(0.0, 1.0, 0.05)] = 0.5,
        logit_weight: Weight = 1.0,
        label_weight: Weight = 0.0,
    ) -> None:
        super().__init__(logit_weight, label_weight)
        self.noise, self.noisy_share = noise, noisy_share
        self.dice = Dice()

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Draws the seed of the noise."""
        super().build(student_model, teacher_model, example, facts)
        self.dice.reseed()

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The difference from the perturbed logits."""
        gaussian, uniform = self.draws(batch.ids, teacher_logits)
        relative = self.noise * gaussian * (uniform < self.noisy_share)
        return super().match(student_logits, (1 + relative) * teacher_logits, batch)

    def draws(self, ids: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """This step's standard normal numbers (B, C) and uniform ones (B, 1); an id keeps its own wherever it stands."""
        generator = self.dice.thrown()
        gaussian = torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like.device)
        uniform = torch.rand(len(ids), 1, generator=generator, dtype=like.dtype).to(like.device)
        return by_id(gaussian, ids), by_id(uniform, ids)

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """The next step draws other numbers."""
        self.dice.advance()
