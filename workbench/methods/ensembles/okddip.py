"""Diverse peers teach each other, each from a mixture of its own, and all of them teach a leader, which is kept.

If all peers copied one mean they would soon be one net. Here each peer weighs the others by attention between learnt
projections of their features, so that every target is different. A leader learns from the mean of the peers, whom it
does not teach. How much is copied rises from nothing. As in the authors' code the targets are not detached, so one
step moves all nets and the projections by one sum of terms. The leader is the student that is scored; no teacher is
needed.

Formula:
    leader: L = mean_b CE(s_0b, y_b) + w * T^2 * mean_b KL( softmax(m_b / T) || softmax(s_0b / T) ),  m = mean_k s_k
    peer k: L = mean_b CE(s_kb, y_b) + w * T^2 * mean_b KL( softmax(a_kb / T) || softmax(s_kb / T) )
    a_kb = sum_j softmax_j( (Q f_kb) . (K f_jb) ) * s_jb,    w = mimic_weight * exp( -5 * (1 - min(progress / ramp, 1))^2 )
    s_k: logits (B, C), f_k: what enters the classifier of peer k = 1, 2, 3, (B, D);  Q, K: (D / 8, D), learnt;  y: labels.

Faithful to: Chen et al., AAAI 2020, two-level distillation with nets of their own, and the authors' code.
Departs from it: the ramp rises with every step instead of with every epoch.
Cost: the passes of four students, some 2 times a step of ``kd``.
Setting: digits. On it we expect: the label loss falls below that of students that do not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.methods.parts.ramps import gaussian_ramp
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.tracing import Tracer, penultimate_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, Player
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace

NARROWING = 8
"""Features over the width of their projections, as in the authors' code."""


class OKDDip(Method):
    """Online distillation with diverse peers and a leader.

    Args:
        temperature: Softens all distributions; 3 in the authors' code.
        mimic_weight: Weight of what is copied, at its highest; 1 in the authors' code.
        ramp: Share of the run over which it rises; 80 of 300 epochs in the authors' code.
        guided: Layer whose features are compared; None is what enters the classifier.

    Terms: ``labels`` and ``mimic`` of the leader, ``peer_k.labels`` and ``peer_k.mimic`` of three peers, (B,) each.

    Example:
        >>> OKDDip(ramp=0.5).config()["ramp"]
        0.5
    """

    citation = Citation(
        "Online Knowledge Distillation with Diverse Peers", "Chen, Mei, Wang, Feng, Chen", "AAAI", 2020, "1912.00350"
    )
    evidence = Evidence(
        "code",
        "DefangChen/OKDDip (authors), train_GL.py, models/model_cifar/resnet_GL.py and utils.py at "
        "c052f5b82ee47ed39e08a7e62ee545f5d983fcba",
    )
    progress = Progress("labels")
    terms = ("labels", "mimic", "peer_k.labels", "peer_k.mimic")
    reads = Reads(
        "logits, and what enters the classifier of each peer",
        student=("features", "logits"),
        partner=("features", "logits"),
    )
    learns = Learns("query and key, the projections", between=("query", "key"))
    cost = "medium"
    aliases = ("diverse_peers",)
    reads_teacher = False
    students = 4

    def __init__(
        self,
        temperature: Temperature = 3.0,
        mimic_weight: Weight = 1.0,
        ramp: Annotated[float, Range(0.0, 1.0, 0.01)] = 80 / 300,
        guided: Layer = None,
    ) -> None:
        super().__init__()
        self.temperature, self.mimic_weight, self.ramp, self.guided = temperature, mimic_weight, ramp, guided
        self._progress = 1.0

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Finds the features, and makes their projections."""
        super().build(student_model, teacher_model, example, facts)
        self.student_layers = (self.guided or penultimate_of(student_model),)
        with torch.no_grad():
            features = Tracer(student_model, self.student_layers)(example.student_inputs)[
                self.student_layers[0]
            ].flatten(1)
        width = features.shape[1]
        self.query, self.key = (nn.Linear(width, max(1, width // NARROWING), bias=False).to(features) for _ in range(2))

    def players(self, students: Mapping[str, nn.Module]) -> dict[str, Player]:
        """All nets and both projections move together."""
        everything = [*self.parameters(), *(p for model in students.values() for p in model.parameters())]
        return {"group": Player(everything)}

    def schedule(self, progress: float) -> None:
        """The ramp."""
        self._progress = progress

    def forward(self, student: tuple[Trace, ...], teacher: None, batch: Batch) -> dict[str, Tensor]:
        """Each net's two terms, the leader's without a prefix."""
        peers = torch.stack([peer.logits for peer in student[1:]], 1)
        targets = (peers.mean(1), *(self._attention(student[1:]) @ peers).unbind(1))
        terms: dict[str, Tensor] = {}
        for index, (own, target) in enumerate(zip(student, targets, strict=True)):
            prefix = f"peer_{index}." if index else ""
            terms[f"{prefix}labels"] = self.label_loss(own, batch)
            terms[f"{prefix}mimic"] = self._weight() * forward_kl(own.logits, target, self.temperature)
        return terms

    def _attention(self, peers: tuple[Trace, ...]) -> Tensor:
        """How much each peer heeds each, (B, K, K); rows add up to 1."""
        features = torch.stack([peer[self.student_layers[0]].flatten(1) for peer in peers], 1)
        return (self.query(features) @ self.key(features).mT).softmax(2)

    def _weight(self) -> float:
        return self.mimic_weight * self.temperature**2 * gaussian_ramp(self._progress, self.ramp)
