"""Match which inputs excite a net alike: rows of the batch's Gram matrix, not the activations themselves.

Inputs that make the teacher's last maps similar should make the student's similar, in whatever space those are. Each
row of inner products is brought to length 1, so scale does not count. The teacher is detached; nothing is learnt
besides the student.

Formula:
    L = mean_b CE(s_b, y_b) + weight / B^2 * sum over b of | G_s[b] / |G_s[b]| - G_t[b] / |G_t[b]| |^2
    G = F F', (B, B);  F: features of the last stage, flattened to (B, D);  s: logits;  y: labels (B,).

Faithful to: Tung and Mori, ICCV 2019, and the benchmark's code, which says that the author has verified it.
Departs from it: nothing.
Cost: memory for B^2 numbers a side.
Setting: digits. On it we expect: the similarity term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn

from workbench.maths.similarities import row_normalised_gram
from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.layers import example_traces, last_stage_pair
from workbench.methods.parts.memory import SMALLER_BATCHES, refuse_larger
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class SimilarityPreserving(Method):
    """Similarity-preserving distillation.

    Args:
        weight: Weight of the similarities; 3000 in the benchmark.
        guided: Student layer; None is its last stage.
        hint: Teacher layer; None is its last stage.

    Terms: ``labels`` and ``similarity``, (B,) each; the latter by row.

    Example:
        >>> SimilarityPreserving(weight=2000.0).config()["weight"]
        2000.0
    """

    citation = Citation("Similarity-Preserving Knowledge Distillation", "Tung, Mori", "ICCV", 2019, "1907.09682")
    evidence = Evidence(
        "code",
        "HobbitLong/RepDistiller (benchmark code), distiller_zoo/SP.py at 1e2f81692647991a80a1e97ffa14e2af915eaa6f and "
        "helper/loops.py",
    )
    progress = Progress("similarity")
    terms = ("labels", "similarity")
    reads = Reads("the last stage of both models, (B, ...)", student=("layers",), partner=("layers",))
    cost = "low"
    tasks = OF_MAPS
    relates_samples = True
    reads_outputs = False
    aliases = ("sp", "similarity")

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 10000.0, 100.0)] = 3000.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.guided, self.hint = weight, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Names the two layers, and looks for them."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        example_traces(student_model, teacher_model, (self.student_layers, self.teacher_layers), example)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the rows."""
        count = len(batch.ids)
        refuse_larger("similarities of all pairs", (count, count), student[self.student_layers[0]], SMALLER_BATCHES)
        mine = row_normalised_gram(student[self.student_layers[0]])
        theirs = row_normalised_gram(teacher[self.teacher_layers[0]].detach())
        gaps = (mine - theirs).square().mean(1)
        return {"labels": self.label_loss(student, batch), "similarity": self.weight * gaps}
