"""Where teachers disagree, follow the direction that none of them opposes much.

Each teacher's loss pulls the student's answers somewhere. The weights of the losses are those of the shortest combination
of the pulls, with no weight above a tolerance: its length is what the teachers agree on. The teachers are detached; the
further ones are learnt besides the student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + soft_weight * sum_k a_k T^2 * mean_b KL( softmax(t_kb / T) || softmax(s_b / T) )
    a minimises || sum_k a_k g_k ||^2 over 0 <= a_k <= tolerance, sum_k a_k = 1
    g_k = mean_b ( softmax(s_b / T) - softmax(t_kb / T) ), the gradient of loss k at the student's logits but for a factor
    s: student logits (B, C), t_k: of teacher k of K;  y: labels (B,);  T: temperature.

Faithful to: Du et al., NeurIPS 2020, Eqs. 4 to 8 for logits, and the authors' code.
Departs from it: the quadratic problem is solved exactly by pairwise moves, where the code calls a one-class SVM, its dual;
the further teachers are of one design and have the student's budget.
Cost: some 4 times the training of ``kd``: two further teachers are trained, and every step asks three and weighs them.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from workbench.maths.divergences import forward_kl
from workbench.methods.parts.several import SeveralTeachers, Share, Teachers, stacked
from workbench.methods.parts.weighting import batch_mean
from workbench.methods.ranges import Temperature, Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence
from workbench.records.trace import Trace

TOLERANCE = 1e-12
LIMIT = 10_000


def least_norm_weights(gradients: Tensor, cap: float = 1.0) -> Tensor:
    """Weights in [0, cap], adding up to 1, of the shortest combination of K gradients.

    Pairs of weights that violate optimality most are moved against each other until none does. With cap 1 the combination
    lowers every loss or none can be lowered without another one rising.

    Args:
        gradients: (K, D).
        cap: the most one weight may be; less than 1 / K counts as that.

    Returns:
        (K,), without gradients.
    """
    count = len(gradients)
    flat = gradients.detach().double()
    gram = (flat @ flat.T).tolist()
    cap, weights = max(cap, 1 / count), [1 / count] * count
    for _ in range(LIMIT):
        slopes = [sum(g * w for g, w in zip(row, weights, strict=True)) for row in gram]
        up = min((k for k in range(count) if weights[k] < cap), key=slopes.__getitem__, default=0)
        down = max((k for k in range(count) if weights[k] > 0), key=slopes.__getitem__)
        gain = slopes[down] - slopes[up]
        bend = gram[up][up] + gram[down][down] - 2 * gram[up][down]
        if gain <= TOLERANCE * max(gram[k][k] for k in range(count)) or bend <= 0:
            break
        step = min(gain / bend, cap - weights[up], weights[down])
        weights[up], weights[down] = weights[up] + step, weights[down] - step
    return torch.tensor(weights, dtype=torch.float64).to(gradients)


class AEKD(SeveralTeachers):
    """Adaptive ensemble in gradient space; one's own teachers are given with ``AEKD().joined_by(net, other_net)``.

    Args:
        teachers: How many there are, the setting's among them; 3 in the benchmark of Zhang et al. 2022.
        teacher_share: Steps of each further one, as a share of the student's; 1.
        tolerance: The most one teacher may weigh, C; 0.6 in the benchmark. Smaller comes closer to the mean.
        temperature: Softens all distributions; 4 in the benchmark.
        soft_weight: Weight of the soft term; 1 in the benchmark.
        label_weight: Weight of the labels; 1 in the benchmark.

    Terms: ``labels`` of each further teacher; ``labels`` and ``soft`` of the student, (B,) each.

    Example:
        >>> AEKD(teachers=2).config()["teachers"]
        2
    """

    citation = Citation(
        "Agree to Disagree: Adaptive Ensemble Knowledge Distillation in Gradient Space",
        "Du, You, Li, Wu, Wang, Qian, Zhang",
        "NeurIPS",
        2020,
    )
    evidence = Evidence(
        "code",
        "AnTuo1998/AE-KD (authors), helper/optimization.py at 2b77a74b469718029ee5816967f1435c10fa7269; defaults: "
        "Rorozhl/CA-MKD, train_student.py at acc8c2b14d805f76143cf56b7c5af88b28d1dde8",
        "budget of the teachers",
    )
    cost = "high"
    aliases = ("agree_to_disagree",)

    def __init__(
        self,
        teachers: Teachers = 3,
        teacher_share: Share = 1.0,
        tolerance: Annotated[float, Range(0.05, 1.0, 0.05)] = 0.6,
        temperature: Temperature = 4.0,
        soft_weight: Weight = 1.0,
        label_weight: Weight = 1.0,
    ) -> None:
        super().__init__(teachers, teacher_share, temperature, soft_weight, label_weight)
        self.tolerance = tolerance

    def match_all(self, student: Trace, teachers: tuple[Trace, ...], batch: Batch) -> dict[str, Tensor]:
        """The soft term."""
        mine = torch.softmax(student.logits.detach() / self.temperature, 1)
        pulls = mine - torch.softmax(stacked(teachers) / self.temperature, 2)
        weights = least_norm_weights(batch_mean(pulls.transpose(0, 1), batch), self.tolerance)
        divergences = torch.stack([forward_kl(student.logits, t.logits, self.temperature) for t in teachers])
        return {"soft": self.soft_weight * self.temperature**2 * (weights @ divergences)}
