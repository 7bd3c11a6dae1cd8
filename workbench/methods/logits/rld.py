"""Refine the teacher with the label: its confidence goes to the right class, its ranking only below that class.

A wrong teacher contradicts the label. Here the student's right class is to be as likely as the teacher's choice,
whatever that is; and the teacher's opinion about the others counts only for classes it ranks below the right one, so
that nothing it says about their relations is bent to fit. The teacher is detached; nothing is learnt besides the
student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b)
        + ramp * ( confidence_weight * U^2 * mean_b KL(b_t || b_s) + correlation_weight * T^2 * mean_b KL(m_t || m_s) )
    b_t: (largest probability, the rest), b_s: (probability of y, the rest), at U, the confidence_temperature
    m: probabilities, at temperature T, among the classes with t_c < t_y;  s, t: logits (B, C);  y: labels (B,)
    ramp: min(progress / warm_up, 1).

Faithful to: Sun et al., 2024, sample confidence and masked correlation, and the authors' code.
Departs from it: the warm-up rises with every step, from 0, instead of with every epoch, from 1 / 20; a sample without
a label takes the teacher's choice as its target.
Setting: digits. On it we expect: the confidence term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from workbench.maths.decoupling import target_classes
from workbench.maths.divergences import LOWEST, finite_logits, forward_kl, precise
from workbench.methods.parts.ramps import linear_ramp
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress


class RLD(ResponseMethod):
    """Refined logit distillation.

    Args:
        temperature: Softens the probabilities among the classes below the right one; 4 in the authors' code.
        confidence_temperature: Softens the confidences; 1 in the authors' code.
        confidence_weight: Weight of the confidences; 1 in the authors' code.
        correlation_weight: Weight of the classes below the right one; 8 in the authors' code.
        label_weight: Weight of the labels; 1 in the authors' code.
        warm_up: Share of the run over which both parts rise to their weights; 20 of 240 epochs in the authors' code.

    Terms: ``labels``, ``confidence`` and ``correlation``, (B,) each.

    Example:
        >>> import torch
        >>> wrong, right = torch.tensor([[4.0, 1.0, 0.0]]), torch.tensor([[1.0, 4.0, 0.0]])
        >>> batch = Batch(torch.arange(1), torch.zeros(1, 1), torch.tensor([1]))
        >>> RLD().match(right, wrong, batch)["confidence"] < 1e-6
        tensor([True])
    """

    citation = Citation(
        "Knowledge Distillation with Refined Logits", "Sun, Chen, Lyu, Chen, Chen, Wang", "arXiv", 2024, "2408.07703"
    )
    evidence = Evidence(
        "code",
        "zju-SWJ/RLD (authors), mdistiller/distillers/RLD.py and mdistiller/engine/cfg.py at "
        "95224f305c74fa6a47573b00513b23e4d68072eb",
        "targets of samples without a label: the teacher's choice",
    )
    progress = Progress("confidence")
    terms = ("labels", "confidence", "correlation")
    cost = "low"
    aliases = ("refined_logits",)

    def __init__(
        self,
        temperature: Temperature = 4.0,
        confidence_temperature: Temperature = 1.0,
        confidence_weight: Weight = 1.0,
        correlation_weight: Weight = 8.0,
        label_weight: Weight = 1.0,
        warm_up: Annotated[float, Range(0.0, 1.0, 0.01)] = 20 / 240,
    ) -> None:
        super().__init__()
        self.temperature, self.confidence_temperature = temperature, confidence_temperature
        self.confidence_weight, self.correlation_weight = confidence_weight, correlation_weight
        self.label_weight, self.warm_up = label_weight, warm_up
        self._ramp = 1.0

    def schedule(self, progress: float) -> None:
        """The ramp."""
        self._ramp = linear_ramp(progress, self.warm_up)

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Both parts."""
        targets = target_classes(batch.labels, teacher_logits)
        confidence = confidence_kl(student_logits, teacher_logits, targets, self.confidence_temperature)
        correlation = outranked_kl(student_logits, teacher_logits, targets, self.temperature)
        return {
            "confidence": self._ramp * self.confidence_weight * self.confidence_temperature**2 * confidence,
            "correlation": self._ramp * self.correlation_weight * self.temperature**2 * correlation,
        }


def confidence_kl(student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
    """KL of (the teacher's choice, any other class) to (the target, any other class) of the student, (B,).

    The teacher says how sure to be, the target of what.

    Args:
        student_logits: (B, C).
        teacher_logits: (B, C).
        targets: (B,) int64.
        temperature: softens both.
    """
    student, teacher = (finite_logits(z) / temperature for z in (student_logits, teacher_logits))
    return forward_kl(_against_the_rest(student, targets), _against_the_rest(teacher, teacher.argmax(1)))


def outranked_kl(student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher || student) among the classes that the teacher ranks below the target, (B,); 0 if there are none.

    Args:
        student_logits: (B, C).
        teacher_logits: (B, C).
        targets: (B,) int64.
        temperature: softens both.
    """
    refused = teacher_logits >= teacher_logits.gather(1, targets[:, None])
    student, teacher = (
        (precise(z) / temperature).masked_fill(refused, LOWEST) for z in (student_logits, teacher_logits)
    )
    return forward_kl(student, teacher)


def _against_the_rest(logits: Tensor, classes: Tensor) -> Tensor:
    """Logits of (the class, any other), (B, 2)."""
    own = classes[:, None]
    rest = logits.scatter(1, own, LOWEST).logsumexp(1, keepdim=True)
    return torch.cat([logits.gather(1, own), rest], 1)
