"""Match who is whose neighbour, as probabilities: the student's space should hold each sample's neighbours alike.

Every sample picks every sample with a probability that grows with the cosine of their features; the student's
probabilities are to diverge little from the teacher's. Probabilities need no common width. The teacher is detached;
nothing is learnt besides the student.

Formula:
    L = mean_b CE(s_b, y_b) + weight / B^2 * sum over a, b of p_ab * log( (p_ab + 1e-7) / (q_ab + 1e-7) )
    p_ab = k_ab / sum over c of k_ac,   k_ab = (1 + cos(f_a, f_b)) / 2, of the teacher's penultimate features f (B, D)
    q likewise, of the student's;  s: logits;  y: labels (B,).

Faithful to: Passalis and Tefas, ECCV 2018, with the cosine kernel, and the authors' code; averaged over all B^2 pairs
as there.
Departs from it: the label loss beside it and its weight are those of the benchmark of Tian et al. 2020.
Cost: memory for B^2 numbers a side.
Setting: digits. On it we expect: the neighbours' divergence falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.similarities import neighbourhood_divergence
from workbench.methods.parts.memory import SMALLER_BATCHES, refuse_larger
from workbench.methods.parts.relations import PenultimateRelations
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class PKT(PenultimateRelations):
    """Probabilistic knowledge transfer.

    Args:
        weight: Weight of the neighbours; 30,000 in the benchmark.
        guided: Student feature; None is the input of its classifier.
        hint: Teacher feature; None is the input of its classifier.

    Terms: ``labels`` and ``neighbours``, (B,) each; the latter by the sample that picks.

    Example:
        >>> PKT(weight=10000.0).config()["weight"]
        10000.0
    """

    citation = Citation(
        "Learning Deep Representations with Probabilistic Knowledge Transfer",
        "Passalis, Tefas",
        "ECCV",
        2018,
        "1803.10837",
    )
    evidence = Evidence(
        "code",
        "passalis/probabilistic_kt (authors), nn/pkt.py at bbca0b846bc3edd78b8730c0149337c8dc30c7dc; weight: "
        "HobbitLong/RepDistiller, scripts/run_cifar_distill.sh",
    )
    progress = Progress("neighbours")
    terms = ("labels", "neighbours")
    cost = "low"
    aliases = ("probabilistic_knowledge_transfer",)

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 100000.0, 1000.0)] = 30000.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.guided, self.hint = weight, guided, hint

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the neighbours."""
        pair = self.features(student, teacher)
        refuse_larger("neighbours of all samples", (len(batch.ids),) * 2, pair[0], SMALLER_BATCHES)
        neighbours = self.weight * neighbourhood_divergence(*pair).mean(1)
        return {"labels": self.label_loss(student, batch), "neighbours": neighbours}
