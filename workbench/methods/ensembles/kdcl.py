"""Peers of one design teach each other through a target better than any of them: the best of what they all say.

For every class the target takes, of all students, the logit that lies furthest below that of the right class; so it is at
least as sure of the right class as the surest student. The target is detached; the first student is the one that is scored.
No teacher is needed.

Formula:
    L_k = mean_b CE(s_kb, y_b) + mimic_weight * T^2 * mean_b KL( softmax(t_b / T) || softmax(s_kb / T) )
    min_logit: t_bc = min_k ( s_kbc - s_kb,y_b );   naive: t_b = s_kb of the student with the smallest CE(s_kb, y_b)
    s_k: logits of student k, (B, C);  y: labels (B,), the choice of the mean logits where there is none;  T: temperature.

Faithful to: Guo et al., CVPR 2020, section 3.2, KDCL-MinLogit and KDCL-Naive.
Departs from it: both students see the same view of a sample, and are of one design; its linear and general ensembles, which
solve a problem of their own, are left out.
Setting: digits. On it we expect: the label loss falls below that of students that do not learn.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workbench.maths.decoupling import target_classes
from workbench.maths.divergences import forward_kl
from workbench.maths.tasks import cross_entropy
from workbench.methods.method import Method
from workbench.methods.ranges import Temperature, Weight
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class KDCL(Method):
    """Collaborative learning from an ensemble of the students.

    Args:
        temperature: Softens all distributions; 2.
        mimic_weight: Weight of the ensemble's answers; 1.
        ensemble: How the students' logits become one target.

    Terms: ``labels``, ``mimic``, ``peer_1.labels`` and ``peer_1.mimic``, (B,) each.

    Example:
        >>> batch = Batch(torch.arange(2), torch.zeros(2, 1), labels=torch.tensor([0, 1]))
        >>> sorted(KDCL()((Trace(torch.zeros(2, 3)), Trace(torch.eye(2, 3))), None, batch))
        ['labels', 'mimic', 'peer_1.labels', 'peer_1.mimic']
    """

    citation = Citation(
        "Online Knowledge Distillation via Collaborative Learning", "Guo, Wang, Wu, Yu, Liang, Hu, Luo", "CVPR", 2020
    )
    evidence = Evidence(
        "code",
        "wangz3066/OnlineDistillGCN (not the authors), loss.py at 3e49c5872f387306e3ad58c7956346f31c8f0a8a",
        "temperature and weight; naive picks a student for each sample, there for the whole batch and without teaching "
        "the one that is picked, which is its own target here; samples without a label",
    )
    progress = Progress("labels")
    terms = ("labels", "mimic", "peer_1.labels", "peer_1.mimic")
    cost = "medium"
    aliases = ("collaborative_learning",)
    reads_teacher = False
    students = 2

    def __init__(
        self,
        temperature: Temperature = 2.0,
        mimic_weight: Weight = 1.0,
        ensemble: Literal["min_logit", "naive"] = "min_logit",
    ) -> None:
        super().__init__()
        self.temperature, self.mimic_weight, self.ensemble = temperature, mimic_weight, ensemble

    def forward(self, student: tuple[Trace, ...], teacher: None, batch: Batch) -> dict[str, Tensor]:
        """Each student's two terms, the first one's without a prefix."""
        said = torch.stack([own.logits.detach() for own in student])
        right = target_classes(batch.labels, said.mean(0))
        target = _least(said, right) if self.ensemble == "min_logit" else _best(said, right)
        terms: dict[str, Tensor] = {}
        for index, own in enumerate(student):
            prefix = f"peer_{index}." if index else ""
            divergence = forward_kl(own.logits, target, self.temperature)
            terms[f"{prefix}labels"] = self.label_loss(own, batch)
            terms[f"{prefix}mimic"] = self.mimic_weight * self.temperature**2 * divergence
        return terms


def _least(said: Tensor, right: Tensor) -> Tensor:
    """For each class its least lead over the right one, (K, B, C) -> (B, C)."""
    places = right[None, :, None].expand(len(said), -1, 1)
    return (said - said.gather(2, places)).amin(0)


def _best(said: Tensor, right: Tensor) -> Tensor:
    """For each sample the logits of the student with the smallest loss, (K, B, C) -> (B, C)."""
    losses = torch.stack([cross_entropy(logits, right) for logits in said])
    return said[losses.argmin(0), torch.arange(len(right), device=right.device)]
