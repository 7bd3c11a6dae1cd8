"""The teacher is the average of the student's own past weights, and under another noise both should say the same.

Averaged weights are steadier than the student of the moment, so their answers are better targets; samples without a label
count fully. The teacher is detached and follows the student; nothing is learnt besides the student.

Formula:
    L = mean_b CE(s_b, y_b) + ramp * weight * n / B * mean_b mean_c ( softmax(s_b)_c - softmax(t_b)_c )^2
    after the step: teacher weights <- decay * teacher weights + (1 - decay) * student weights
    n: how many of the B samples have a label;  ramp: exp(-5 (1 - x)^2), x from 0 to 1 over ramp_up of the run
    s, t: logits (B, C) of x + noise and x + other noise.

Faithful to: Tarvainen and Valpola, NeurIPS 2017, section 2, and the authors' code for CIFAR-10.
Departs from it: the teacher is asked in evaluation mode, so dropout is the student's alone; its decay is constant, where
the code averages evenly over the first steps; the weight falls with the labelled share of the batch instead of that of the
data; the second head, with its logit distance of weight 0.01, is left out.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.methods.method import Method
from workbench.methods.parts.distortion import noisy
from workbench.methods.parts.ramps import gaussian_ramp
from workbench.records.annotations import Range
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class MeanTeacher(Method):
    """Consistency with the average of one's own past.

    Args:
        weight: Weight of the consistency where all samples have labels; 100 in the authors' code.
        decay: How much of the average stays in a step; 0.97 in the authors' code, 0.999 in the paper's longer runs. Read
            when a stage begins.
        ramp_up: Share of the run over which the weight rises; 40,000 of 150,000 steps in the authors' code.
        noise: Of the inputs, in standard deviations, drawn anew for student and teacher; 0.15 in the paper.

    Terms: ``labels`` and ``consistency``, (B,) each.

    Example:
        >>> MeanTeacher().teacher_source
        'ema'
    """

    citation = Citation(
        "Mean Teachers are Better Role Models: Weight-Averaged Consistency Targets Improve Semi-Supervised Deep Learning "
        "Results",
        "Tarvainen, Valpola",
        "NeurIPS",
        2017,
        "1703.01780",
    )
    evidence = Evidence(
        "code",
        "CuriousAI/mean-teacher (authors), pytorch/mean_teacher/losses.py at 621b53714f12654a2cdd57d3274c522fbfd75a95, "
        "pytorch/experiments/cifar10_test.py at 59f8fd69dce25dfd597cecef8a008cc9b466db90, "
        "tensorflow/experiments/cifar10_final_eval.py at 8823e4e7224c6e7eb2a99cc5e8cd55824210e8cf",
        "noise relative to the spread of the inputs",
    )
    progress = Progress("labels")
    terms = ("labels", "consistency")
    reads = Reads("logits only; inputs must be one floating-point tensor, unless noise is 0")
    cost = "low"
    aliases = ("ema_teacher",)
    reads_teacher = False
    teacher_source = "ema"

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 1000.0, 1.0)] = 100.0,
        decay: Annotated[float, Range(0.0, 0.9999, 0.001)] = 0.97,
        ramp_up: Annotated[float, Range(0.0, 1.0, 0.01)] = 40 / 150,
        noise: Annotated[float, Range(0.0, 2.0, 0.05)] = 0.15,
    ) -> None:
        super().__init__()
        self.weight, self.decay, self.ramp_up, self.noise = weight, decay, ramp_up, noise
        self._done = 1.0

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage; the teacher follows the student."""
        return (StagePlan(teacher=None),)

    def schedule(self, progress: float) -> None:
        """The share of the run that is done."""
        self._done = progress

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """Each sample under two noises."""
        if self.noise == 0:
            return batch
        mine, theirs = (noisy(batch.student_inputs, self.noise) for _ in range(2))
        return batch.but(student_inputs=mine, teacher_inputs=theirs)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the consistency."""
        gap = torch.softmax(student.logits, 1) - torch.softmax(teacher.logits.detach(), 1)
        scale = gaussian_ramp(self._done, self.ramp_up) * self.weight * _labelled_share(batch)
        return {
            "labels": self.label_loss(student, batch),
            "consistency": scale * gap.square().mean(1),
        }


def _labelled_share(batch: Batch) -> float | Tensor:
    return 0.0 if batch.labels is None else (batch.labels != UNLABELLED).double().mean()
