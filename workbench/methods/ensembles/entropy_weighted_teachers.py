"""Of several teachers the one that is surest of a sample says most about it.

A teacher's entropy tells how much it doubts; each sample weighs its teachers anew. The teachers are detached; the further
ones are learnt besides the student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + soft_weight * T^2 * mean_b sum_k w_kb KL( softmax(t_kb / T) || softmax(s_b / T) )
    w_kb = ( 1 - H_kb / sum_j H_jb ) / K,   H_kb: entropy of softmax(t_kb)
    s: student logits (B, C), t_k: of teacher k of K;  y: labels (B,);  T: temperature.

Faithful to: Kwon et al., ICASSP 2020, as benchmarked in the code of Zhang et al. 2022 (EBKD), whose weights these are.
Departs from it: the further teachers are of one design and have the student's budget.
Cost: some 4 times the training of ``kd``: two further teachers are trained, and every step asks three.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.maths.divergences import forward_kl, soft_cross_entropy
from workbench.methods.parts.several import SeveralTeachers
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence
from workbench.records.trace import Trace


class EntropyWeightedTeachers(SeveralTeachers):
    """Teachers weighted by certainty; one's own are given with ``EntropyWeightedTeachers().joined_by(net, other_net)``.

    Args:
        teachers: How many there are, the setting's among them; 3 in the benchmark.
        teacher_share: Steps of each further one, as a share of the student's; 1.
        temperature: Softens what is matched, not the weights; 4 in the benchmark.
        soft_weight: Weight of the soft term; 1 in the benchmark.
        label_weight: Weight of the labels; 1 in the benchmark.

    Terms: ``labels`` of each further teacher; ``labels`` and ``soft`` of the student, (B,) each.

    Example:
        >>> EntropyWeightedTeachers(teachers=2).config()["teachers"]
        2
    """

    citation = Citation("Adaptive Knowledge Distillation Based on Entropy", "Kwon, Na, Lee, Kim", "ICASSP", 2020)
    evidence = Evidence(
        "code",
        "Rorozhl/CA-MKD (not the authors), helper/loops.py at acc8c2b14d805f76143cf56b7c5af88b28d1dde8, scripts/run.sh",
        "budget of the teachers; the authors' own code was not found",
    )
    cost = "high"
    aliases = ("ebkd", "entropy_weighted")

    def match_all(self, student: Trace, teachers: tuple[Trace, ...], batch: Batch) -> dict[str, Tensor]:
        """The soft term."""
        doubts = torch.stack([soft_cross_entropy(t.logits, torch.softmax(t.logits, 1)) for t in teachers])
        weights = (1 - doubts / doubts.sum(0).clamp(min=1e-12)) / len(teachers)
        divergences = torch.stack([forward_kl(student.logits, t.logits, self.temperature) for t in teachers])
        return {"soft": self.soft_weight * self.temperature**2 * (weights * divergences).sum(0)}
