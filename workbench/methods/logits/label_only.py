"""Learn from a black box that says its decision and nothing else, and only so many times.

The student is trained on the class the teacher decides for, as if it were the label; logits, probabilities and
features of the teacher never reach it, nor do the true labels. With a limit, samples are asked about as they first
appear in the shuffled batches, until the queries are used up; the others then take no part. The teacher is detached;
nothing is learnt besides the student.

Formula:
    L = mean over the samples b that were asked about of CE(s_b, argmax_c t_bc)
    s: student logits (B, C);  t: teacher logits (B, C).

Faithful to: Orekondy et al., CVPR 2019, random queries on a budget, and the authors' code with its option ``argmaxed``.
Departs from it: the samples come from the setting's transfer set. The engine may compute more of the teacher's answers
than are asked for; they are not used.
Cost: memory for nine bytes of every sample.
Setting: digits. On it we expect: the term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from torch import Tensor, nn

from workbench.methods.method import Method
from workbench.methods.parts.bank import SampleTable
from workbench.methods.parts.weighting import mean_among
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class LabelOnly(Method):
    """The teacher's hard decisions instead of labels.

    Args:
        queries: How many samples the teacher may be asked about; 0 is all of them.

    Terms: ``decisions``, (B,); 0 where the teacher was not asked, scaled so that the mean is over the others.

    Example:
        >>> import torch
        >>> method = LabelOnly()
        >>> method(Trace(torch.zeros(1, 2)), Trace(torch.tensor([[3.0, -1.0]])), Batch(torch.arange(1), torch.zeros(1)))
        {'decisions': tensor([0.6931])}
    """

    citation = Citation(
        "Knockoff Nets: Stealing Functionality of Black-Box Models",
        "Orekondy, Schiele, Fritz",
        "CVPR",
        2019,
        "1812.02766",
    )
    evidence = Evidence(
        "code",
        "tribhuvanesh/knockoffnets (authors), knockoff/adversary/train.py at e3655bec95968d6a399f64b52cf48da9818896de",
    )
    progress = Progress("decisions")
    terms = ("decisions",)
    reads = Reads("the teacher's decisions only, and no labels")
    learns = Learns("nothing besides the student; ledger, the samples that were asked about, is kept with the run")
    cost = "low"
    aliases = ("hard_labels", "knockoff", "black_box")

    def __init__(self, queries: Annotated[int, Range(0, 1_000_000, 10)] = 0) -> None:
        super().__init__()
        self.queries = queries

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Opens the ledger."""
        super().build(student_model, teacher_model, example, facts)
        self.ledger = _Ledger(facts.samples)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The decisions as labels."""
        error = F.cross_entropy(student.logits, teacher.logits.argmax(1), reduction="none")
        if self.queries == 0:
            return {"decisions": error}
        return {"decisions": mean_among(error, self.ledger.admit(batch.ids, self.queries), batch)}


class _Ledger(SampleTable):
    """The samples the teacher was asked about.

    Args:
        samples: N of the transfer set.
    """

    def __init__(self, samples: int) -> None:
        super().__init__(samples)

    def admit(self, ids: Tensor, limit: int) -> Tensor:
        """Enter samples, (B,), as long as there are fewer than ``limit``; which of them are in, (B,) boolean."""
        left = limit - int(self.known.sum())
        if left > 0:
            self._rows(ids[~self._find(ids).any(1)][:left])
        return self._find(ids).any(1)
