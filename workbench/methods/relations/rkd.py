"""Match how samples lie to each other, not where each one lies.

Distances of all pairs, relative to their mean, and the angles of all triplets are free of position, rotation and
scale, so the feature spaces may differ in width. The teacher is detached, the student's mean distance is not; nothing
is learnt besides the student.

Formula:
    L = mean_b CE(s_b, y_b) + distance_weight * mean_{a,b} h( d_s[a,b] / mean d_s , d_t[a,b] / mean d_t )
        + angle_weight * mean_{a,b,c} h( cos_s[a,b,c] , cos_t[a,b,c] )
    d: distances of penultimate features (means over d > 0);  cos: at a, between b and c;  h: Huber with delta 1.

Faithful to: Park et al., CVPR 2019, Eqs. 5 to 9, averaged over all pairs and triplets as in the authors' code.
Departs from it: nothing; the gradient at coinciding points is set to 0.
Cost: memory for the angles of all triplets, some 8 B^3 numbers.
Setting: digits. On it we expect: the distance loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

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


class RKD(PenultimateRelations):
    """Relational knowledge distillation.

    Args:
        distance_weight: Weight of the distances; 25 in the paper's classification runs.
        angle_weight: Weight of the angles; 50 in the paper's classification runs.
        guided: Student feature; None is the input of its classifier.
        hint: Teacher feature; None is the input of its classifier.

    Terms: ``labels``, ``distance`` and ``angle``, (B,) each; the latter two by the sample at whose end they are.

    Example:
        >>> RKD(angle_weight=10.0).config()["angle_weight"]
        10.0
    """

    citation = Citation("Relational Knowledge Distillation", "Park, Kim, Lu, Cho", "CVPR", 2019, "1904.05068")
    evidence = Evidence(
        "code",
        "lenscloth/RKD (authors), metric/loss.py at 21fae208ea58a60f8e273e6eeadad195e97284c2; weights: "
        "HobbitLong/RepDistiller, distiller_zoo/RKD.py at 1e2f81692647991a80a1e97ffa14e2af915eaa6f",
    )
    progress = Progress("distance")
    terms = ("labels", "distance", "angle")
    cost = "low"
    aliases = ("relational",)

    def __init__(
        self,
        distance_weight: Annotated[float, Range(0.0, 200.0, 1.0)] = 25.0,
        angle_weight: Annotated[float, Range(0.0, 200.0, 1.0)] = 50.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.distance_weight, self.angle_weight = distance_weight, angle_weight
        self.guided, self.hint = guided, hint

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and both relations."""
        pair = self.features(student, teacher)
        refuse_larger("angles of all triplets", (len(pair[0]),) * 3, pair[0], SMALLER_BATCHES)
        return {
            "labels": self.label_loss(student, batch),
            "distance": self.distance_weight * distance_loss(*pair),
            "angle": self.angle_weight * angle_loss(*pair),
        }


def relative_distances(features: Tensor) -> Tensor:
    """Euclidean distances of all pairs divided by their mean over distinct points, (B, D) -> (B, B).

    Distances of 0 (a point to itself, or to its duplicate) do not count in the mean; if all are 0, so is the result.
    """
    distances = _distances(features)
    mean = distances.sum() / (distances > 0).sum().clamp(min=1)
    return distances / torch.where(mean > 0, mean, torch.ones_like(mean))


def angles(features: Tensor) -> Tensor:
    """Cosines of the angles that all pairs of points make at each point.

    Args:
        features: (B, D).

    Returns:
        (B, B, B); entry [a, b, c] is the cosine at vertex a between the rays to b and to c, 0 where a ray has no length.
    """
    centred = (features - features.mean(0)).double()  # inner products of rays are small differences of large numbers
    gram = centred @ centred.T
    inner = gram[None] - gram[:, :, None] - (gram - gram.diagonal()[:, None])[:, None, :]
    lengths = _distances(centred)
    none = lengths == 0
    inverse = (1 / lengths.masked_fill(none, 1.0)).masked_fill(none, 0.0).to(features.dtype)
    return inner.to(features.dtype) * inverse[:, :, None] * inverse[:, None, :]


def distance_loss(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Huber loss between the relative distances, averaged over the partners of each sample, (B, ...) -> (B,)."""
    student, teacher = (relative_distances(f.flatten(1)) for f in (student_features, teacher_features))
    return F.smooth_l1_loss(student, teacher, reduction="none").mean(1)


def angle_loss(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Huber loss between the cosines, averaged over the pairs seen from each sample, (B, ...) -> (B,)."""
    student, teacher = (angles(f.flatten(1)) for f in (student_features, teacher_features))
    return F.smooth_l1_loss(student, teacher, reduction="none").mean((1, 2))


def _distances(features: Tensor) -> Tensor:
    """Exactly 0, with gradient 0, between equal rows; (B, D) -> (B, B)."""
    return torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
