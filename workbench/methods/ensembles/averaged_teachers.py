"""Several teachers err in different ways; the student learns from the mean of what they say.

Averaged soft targets are smoother and better calibrated than those of any single teacher. The teachers are detached; the
further ones are learnt besides the student.

Formula:
    L = soft_weight * T^2 * mean_b KL( 1/K sum_k softmax(t_kb / T) || softmax(s_b / T) ) + label_weight * mean_b CE(s_b, y_b)
    s: student logits (B, C), t_k: of teacher k of K;  y: labels (B,);  T: temperature.

Faithful to: You et al., KDD 2017, section 3.2, the averaged softened targets.
Departs from it: the order of triplets in intermediate layers, on which its teachers vote, is left out; the further
teachers are of one design and have the student's budget.
Cost: some 4 times the training of ``kd``: two further teachers are trained, and every step asks three.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.maths.divergences import log_probabilities
from workbench.methods.parts.several import SeveralTeachers, stacked
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence
from workbench.records.trace import Trace


class AveragedTeachers(SeveralTeachers):
    """The mean of several teachers; one's own are given with ``AveragedTeachers().joined_by(net, other_net)``.

    Args:
        teachers: How many there are, the setting's among them; 3 in the benchmark.
        teacher_share: Steps of each further one, as a share of the student's; 1.
        temperature: Softens all distributions; 4 in the benchmark.
        soft_weight: Weight of the soft term; 1 in the benchmark.
        label_weight: Weight of the labels; 1 in the benchmark.

    Terms: ``labels`` of each further teacher; ``labels`` and ``soft`` of the student, (B,) each.

    Example:
        >>> AveragedTeachers(teachers=2).config()["teachers"]
        2
    """

    citation = Citation("Learning from Multiple Teacher Networks", "You, Xu, Xu, Tao", "KDD", 2017)
    evidence = Evidence(
        "code",
        "Rorozhl/CA-MKD (not the authors), helper/loops.py at acc8c2b14d805f76143cf56b7c5af88b28d1dde8 and scripts/run.sh, "
        "which averages the losses of the teachers instead of their targets, to the same gradient",
        "budget of the teachers",
    )
    cost = "high"
    aliases = ("multi_teacher", "avg_mkd", "averaged")

    def match_all(self, student: Trace, teachers: tuple[Trace, ...], batch: Batch) -> dict[str, Tensor]:
        """The soft term."""
        mean = torch.softmax(stacked(teachers) / self.temperature, 2).mean(0)
        log_student = log_probabilities(student.logits, self.temperature)
        divergence = F.kl_div(log_student, mean, reduction="none").sum(1)
        return {"soft": self.soft_weight * self.temperature**2 * divergence}
