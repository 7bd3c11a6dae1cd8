"""Let the target wander from the student to the teacher, as fast as the student can follow.

A teacher far ahead is hard to imitate from where a small student stands. The target is a mixture of both sides' logits;
its share of the teacher starts low and rises: at least in step with the run, and faster while the student's loss falls.
The student in the mixture and the teacher are detached; nothing is learnt besides the student.

Formula:
    L = soft_weight * mean KL( softmax((1 - share) * s + share * t) || softmax(s) ) + label_weight * mean CE(s, y)
    share = min(end, max(start + (end - start) * progress, reached)),   s in the target is a constant;   after each step
    trend <- momentum * trend + (1 - momentum) * (L_before - L_now) / L_before,   with L the unweighted divergence
    reached <- share + rate * sigmoid(trend) * (1 - share),   both from the second step on;   trend starts at 0.
    s, t: student and teacher logits (B, L, V);  the mean is over the positions of each text that count, then over texts;
    y: next tokens (B, L).

Faithful to: Shing et al., ICLR 2025, the interpolated teacher and its adaptive update, and the authors' code.
Departs from it: the entropy of the target is part of the divergence and of its trend, so that 0 means equal (the code's trend
is one of cross-entropies); the share rises with the run from this step on, not from the next; every text weighs the same,
however long it is.
Setting: tiny_lm. On it we expect: the soft term stays below that of a student that does not learn, whose target leaves it.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.token_divergences import word_kl
from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.methods.parts.weighting import batch_mean, mean_among
from workbench.methods.ranges import Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Learns
from workbench.records.trace import Trace

Share = Annotated[float, Range(0.0, 1.0, 0.01)]


class TAID(TokenwiseMethod):
    """Temporally adaptive interpolated distillation.

    Args:
        start: Share of the teacher at the beginning; 0.4 in the authors' code, 0.2 in some of their scripts.
        end: Largest share of the teacher; 1 in the authors' code.
        rate: Largest part of what is left that one step may add to the share; 0.0005 in the authors' code.
        momentum: How slowly the trend of the loss forgets; 0.99 in the authors' code.
        soft_weight: Weight of the divergence; 1 in the authors' code.
        label_weight: Weight of the labels; 0 in the authors' code.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> method = TAID()
        >>> method.schedule(0.5)
        >>> round(method.share().item(), 2)
        0.7
    """

    citation = Citation(
        "TAID: Temporally Adaptive Interpolated Distillation for Efficient Knowledge Transfer in Language Models",
        "Shing, Misaki, Bao, Yokoi, Akiba",
        "ICLR",
        2025,
        "2501.16937",
    )
    learns = Learns("nothing besides the student; reached, trend and before are kept with the run")
    evidence = Evidence(
        "code",
        "SakanaAI/TAID (authors), src/distil_losses/taid.py at a0628922c16169d1fca10ddf61849e0693289cf8, and src/loss.py",
        "the mean over texts of the mean over tokens",
    )
    cost = "low"
    aliases = ("interpolated_teacher",)

    def __init__(
        self,
        start: Share = 0.4,
        end: Share = 1.0,
        rate: Annotated[float, Range(0.0, 1.0, 0.0001)] = 5e-4,
        momentum: Share = 0.99,
        soft_weight: Weight = 1.0,
        label_weight: Weight = 0.0,
    ) -> None:
        super().__init__(soft_weight, label_weight)
        self.start, self.end, self.rate, self.momentum = start, end, rate, momentum
        self.register_buffer("reached", torch.zeros(()))
        self.register_buffer("trend", torch.zeros(()))
        self.register_buffer("before", torch.full((), torch.inf))
        self._done = 0.0

    def schedule(self, progress: float) -> None:
        """The share that is due."""
        self._done = progress

    def share(self) -> Tensor:
        """The teacher's share in the target as it stands, ()."""
        return self.reached.clamp(min=self.start + (self.end - self.start) * self._done).clamp(max=self.end)

    def divergence(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """From the student to the target."""
        return word_kl(student_logits, student_logits.detach().lerp(teacher_logits, self.share().to(student_logits)))

    def soft(self, student: Trace, teacher: Trace, batch: Batch) -> Tensor:
        """The mean divergence of each text; remembered until the step is done."""
        soft = super().soft(student, teacher, batch)
        read = torch.ones_like(soft, dtype=torch.bool) if batch.mask is None else batch.mask.any(1)
        self._now = batch_mean(mean_among(soft.detach(), read, batch), batch)
        return soft

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """The share reached grows with the trend."""
        if self.before.isfinite():
            change = (self.before - self._now) / (self.before + 1e-15)
            share = self.share()
            self.trend.lerp_(change.to(self.trend), 1 - self.momentum)
            self.reached.copy_(share + self.rate * torch.sigmoid(self.trend) * (1 - share))
        self.before.copy_(self._now)
