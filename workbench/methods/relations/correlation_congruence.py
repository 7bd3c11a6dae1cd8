"""Match how samples vary together, beside what each one is: here, the part between samples.

Two losses go by this name. ``kernel`` compares the matrices of a Gaussian kernel over all pairs, as a Taylor series in
their cosines; it needs no common width. ``neighbours`` is the one behind the benchmark's numbers: it projects both
sides to one width and multiplies the gaps of each sample with those of the next in the batch, which says little about
pairs. The teacher's features are detached.

Formula:
    L = mean_b CE(s_b, y_b) + weight * R
    kernel:      R = mean over a, b of ( K_s - K_t )_ab^2
                 K_ab = sum over p up to order of exp(-2 width) (2 width)^p / p! * cos(f_a, f_b)^p
    neighbours:  R = sum over b < B of | g_b - h_b | . | g_(b+1) - h_(b+1) | / (B - 1)
    f: penultimate features (B, D);  g, h: linear maps of the student's and the teacher's to 128;  s: logits.

Faithful to: Peng et al., ICCV 2019: ``kernel`` after its Taylor series, as in a public reimplementation;
``neighbours`` as in the benchmark's code, said there to be the author's.
Departs from it: the loss of single samples, kd in the paper, is left to a sum such as ``kd+correlation_congruence``.
Cost: memory for B^2 numbers a side with ``kernel``.
Setting: digits. On it we expect: the correlation term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated, Literal

from torch import Tensor, nn

from workbench.maths.similarities import taylor_kernel
from workbench.methods.parts.layers import example_traces
from workbench.methods.parts.memory import SMALLER_BATCHES, refuse_larger
from workbench.methods.parts.relations import PenultimateRelations
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress
from workbench.records.trace import Trace

PROJECTED = 128
"""Width of the projections of ``neighbours``, as in the benchmark."""


class CorrelationCongruence(PenultimateRelations):
    """Correlation congruence.

    Args:
        weight: Weight of the correlation; 100 for ``kernel`` in its public code, 0.02 for ``neighbours``.
        width: Of the kernel, larger is narrower; 0.4 in its public code.
        order: Last power of the series; 2 in the paper.
        variant: Which of the two losses. Read when the method is built.
        guided: Student feature; None is the input of its classifier.
        hint: Teacher feature; None is the input of its classifier.

    Terms: ``labels`` and ``correlation``, (B,) each; for ``variant=neighbours`` the latter is one number for the batch.

    Example:
        >>> CorrelationCongruence(variant="neighbours", weight=0.02).config()["variant"]
        'neighbours'
    """

    citation = Citation(
        "Correlation Congruence for Knowledge Distillation",
        "Peng, Jin, Liu, Li, Wu, Liu, Zhou, Zhang",
        "ICCV",
        2019,
        "1904.01802",
    )
    evidence = Evidence(
        "code",
        "AberHu/Knowledge-Distillation-Zoo (not the authors), kd_losses/cc.py at "
        "65470c846c1300d555815da26999cbe2b51fc815; HobbitLong/RepDistiller, distiller_zoo/CC.py at "
        "34557d27282c83d49cff08b594944cf9570512bb",
    )
    progress = Progress("correlation")
    terms = ("labels", "correlation")
    learns = Learns("nothing besides the student; for neighbours a projection of each side")
    cost = "low"
    aliases = ("cc", "cckd")

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 1000.0, 0.01)] = 100.0,
        width: Annotated[float, Range(0.05, 5.0, 0.05)] = 0.4,
        order: Annotated[int, Range(1, 5, 1)] = 2,
        variant: Literal["kernel", "neighbours"] = "kernel",
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.width, self.order, self.variant = weight, width, order, variant
        self.guided, self.hint = guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the projections if they are wanted."""
        super().build(student_model, teacher_model, example, facts)
        layers = self.student_layers, self.teacher_layers
        traces = example_traces(student_model, teacher_model, layers, example)
        features = [found.flatten(1) for found in self.features(*traces)]
        wanted = self.variant == "neighbours"
        made = [nn.Linear(f.shape[1], PROJECTED).to(f) if wanted else nn.Identity() for f in features]
        self.student_projection, self.teacher_projection = made

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the correlation."""
        own, others = (found.flatten(1) for found in self.features(student, teacher))
        mine, theirs = self.student_projection(own), self.teacher_projection(others)
        if self.variant == "kernel":
            refuse_larger("correlations of all pairs", (len(mine), len(mine)), mine, SMALLER_BATCHES)
            found = (
                taylor_kernel(mine, self.width, self.order) - taylor_kernel(theirs, self.width, self.order)
            ).square()
            return {"labels": self.label_loss(student, batch), "correlation": self.weight * found.mean(1)}
        gaps = (mine - theirs).abs()
        found = (gaps[:-1] * gaps[1:]).sum() / max(len(gaps) - 1, 1)
        return {"labels": self.label_loss(student, batch), "correlation": (self.weight * found).expand(len(gaps))}
