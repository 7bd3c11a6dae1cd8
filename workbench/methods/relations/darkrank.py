"""Match the order in which a sample finds others near: rankings are what retrieval needs, distances are not.

For each sample the teacher ranks its nearest others. ``soft`` compares the probabilities that both models give to
every order of these few; ``hard`` makes the teacher's order itself likely. Features are compared as directions, so
their widths may differ. The teacher is detached; nothing is learnt besides the student.

Formula:
    soft:  L = mean_b CE(s_b, y_b) + weight * mean_q sum over the orders o of P_t(o) * log( P_t(o) / P_s(o) )
    hard:  L = mean_b CE(s_b, y_b) - weight * mean_q log P_s( the teacher's order )
    P(o) = product over k of exp(z_o(k)) / sum over l >= k of exp(z_o(l)),   z_i = -scale * | f_q - f_i |^power
    o: of the list_length samples that are nearest to q for the teacher;  f: penultimate features (B, D) at length 1.

Faithful to: Chen et al., AAAI 2018, both transfers, and the authors' code, whose command the defaults are.
Departs from it: a divergence instead of a cross-entropy of the same gradient; every sample asks, not only one of each
pair that was drawn from a class; ``hard``, too, ranks the nearest few, as in a public reimplementation, not the whole
batch; the losses of metric learning beside it are the labels' here.
Cost: all n! orders of the n nearest, six times a step of ``kd`` on a net of a millisecond; memory for B^2 numbers a
side, and for ``soft`` B n! n.
Setting: digits. On it we expect: the ranking term falls below that of a student that does not learn.
"""

from __future__ import annotations

import math
from itertools import permutations
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.methods.parts.memory import SMALLER_BATCHES, refuse_larger
from workbench.methods.parts.relations import PenultimateRelations
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class DarkRank(PenultimateRelations):
    """Transfer of rankings.

    Args:
        weight: Weight of the rankings; 16 in the authors' command.
        scale: Of the scores; 3.5 squared in the authors' command.
        power: Of the distance; 4 in the authors' command.
        list_length: Samples that are ranked; 4 in the authors' command.
        transfer: Of all probabilities of orders, or of the teacher's order.
        guided: Student feature; None is the input of its classifier.
        hint: Teacher feature; None is the input of its classifier.

    Terms: ``labels`` and ``ranking``, (B,) each; the latter by the sample that asks.

    Example:
        >>> DarkRank(transfer="hard").config()["transfer"]
        'hard'
    """

    citation = Citation(
        "DarkRank: Accelerating Deep Metric Learning via Cross Sample Similarities Transfer",
        "Chen, Wang, Zhang",
        "AAAI",
        2018,
        "1707.01220",
    )
    evidence = Evidence(
        "code",
        "TuSimple/DarkRank (authors), PYOP/listnet_loss.py and PYOP/listmle_loss.py at "
        "5e6a74f76c69e4dd78324071d5a4f28792457a3f, and readme.md; lenscloth/RKD (not the authors), metric/loss.py",
    )
    progress = Progress("ranking")
    terms = ("labels", "ranking")
    cost = "low"
    aliases = ("dark_ranking",)

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 100.0, 0.5)] = 16.0,
        scale: Annotated[float, Range(0.25, 50.0, 0.25)] = 12.25,
        power: Annotated[float, Range(1.0, 6.0, 0.5)] = 4.0,
        list_length: Annotated[int, Range(2, 6, 1)] = 4,
        transfer: Literal["soft", "hard"] = "soft",
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.scale, self.power = weight, scale, power
        self.list_length, self.transfer = list_length, transfer
        self.guided, self.hint = guided, hint

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the rankings; a batch too small for the list ranks all there are."""
        pair = self.features(student, teacher)
        count, length = len(pair[0]), min(self.list_length, len(pair[0]) - 1)
        orders = (count, math.factorial(length), length) if self.transfer == "soft" else (count, length)
        refuse_larger("distances of all pairs", (count, count), pair[0], SMALLER_BATCHES)
        refuse_larger("orders of the nearest", orders, pair[0], f"{SMALLER_BATCHES}, or a shorter list")
        mine, theirs = (closeness(features, self.scale, self.power) for features in pair)
        ranked = nearest(theirs, length)
        mine, theirs = mine.gather(1, ranked), theirs.gather(1, ranked)
        lost = ranking_divergence(mine, theirs) if self.transfer == "soft" else -ranking_log_probability(mine)
        return {"labels": self.label_loss(student, batch), "ranking": self.weight * lost}


def closeness(features: Tensor, scale: float, power: float) -> Tensor:
    """Minus ``scale`` times the distance of all pairs of directions to a power, (B, ...) -> (B, B).

    Args:
        features: (B, ...).
        scale: larger makes rankings more certain.
        power: of the distance, 1 or more.
    """
    unit = F.normalize(features.flatten(1), dim=1)
    return -scale * torch.cdist(unit, unit, compute_mode="donot_use_mm_for_euclid_dist").pow(power)


def nearest(scores: Tensor, length: int) -> Tensor:
    """For each row the ``length`` other samples of the highest score, best first, (B, B) -> (B, length)."""
    others = scores.detach().clone().fill_diagonal_(-torch.inf)
    return others.topk(length, dim=1).indices


def ranking_log_probability(scores: Tensor) -> Tensor:
    """Log-probability of drawing the entries in the order in which they stand, (..., N) -> (...).

    Each draw takes one of those left with a probability that grows with the exponential of its score (Plackett-Luce).
    """
    return (scores - scores.flip(-1).logcumsumexp(-1).flip(-1)).sum(-1)


def ranking_divergence(student_scores: Tensor, teacher_scores: Tensor) -> Tensor:
    """KL(teacher || student) between the probabilities of all orders of N entries, (B, N) -> (B,).

    Memory grows with B * N * N!; N is meant to be 5 or less.
    """
    every = list(permutations(range(student_scores.shape[1])))
    orders = torch.tensor(every, dtype=torch.int64, device=student_scores.device)
    student, teacher = (ranking_log_probability(scores[:, orders]) for scores in (student_scores, teacher_scores))
    return F.kl_div(student, teacher, reduction="none", log_target=True).sum(1)
