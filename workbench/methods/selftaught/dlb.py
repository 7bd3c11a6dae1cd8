"""The last mini-batch comes again, and the student should still say of it what it said a step ago.

Each step sees the new batch and once more the one before it. Its answers of the step before, softened, teach those of now:
the most recent teacher a student can have. The past is detached; no teacher is needed, nothing is learnt besides the
student.

Formula:
    L = mean_b CE(s_b, y_b) over both batches + weight * T^2 * mean_{b in last} KL( softmax(l_b / T) || softmax(s_b / T) )
    s: student logits (2B, C);  l: what it said of the last batch a step before;  y: labels.

Faithful to: Shen et al., CVPR 2022, Eqs. 3 to 6, and the authors' code.
Departs from it: the last batch comes again in the same view, where the released code draws a second one, and through one
pass together with the new batch; a sample of the new batch that was in the last as well is taught, too.
Cost: two batches in each step, so twice the passes of labels only; compare it with a control of as many steps.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.methods.parts.bank import Last
from workbench.methods.parts.joining import joined
from workbench.methods.parts.weighting import mean_among
from workbench.methods.ranges import Temperature, Weight
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class DLB(Method):
    """Distillation from the last mini-batch.

    Args:
        temperature: Softens both answers; 3 in the paper.
        weight: Weight of the consistency with the last step; 1 in the paper.

    Terms: ``labels`` and ``last``, (2B,) each; ``last`` is scaled so that its mean is over the last batch.

    Example:
        >>> import torch
        >>> batch = Batch(torch.arange(2), torch.zeros(2, 1), labels=torch.tensor([0, 1]))
        >>> DLB()(Trace(torch.eye(2, 3)), None, batch)["last"]
        tensor([0., 0.])
    """

    citation = Citation(
        "Self-Distillation from the Last Mini-Batch for Consistency Regularization",
        "Shen, Xu, Yang, Li, Guo",
        "CVPR",
        2022,
        "2203.16172",
    )
    evidence = Evidence(
        "code",
        "Meta-knowledge-Lab/DLB (authors), dlb.py at 5de954b5f893fee53a6499fb58890c49760cb485",
        "the first step has no last batch; temperature and weight, which the code takes as arguments, are the paper's",
    )
    progress = Progress("labels")
    terms = ("labels", "last")
    reads = Reads("logits only; inputs must be one tensor")
    learns = Learns("nothing besides the student; keeps one batch")
    partner = "itself: last"
    cost = "low"
    aliases = ("last_mini_batch",)
    reads_teacher = False

    def __init__(self, temperature: Temperature = 3.0, weight: Weight = 1.0) -> None:
        super().__init__()
        self.temperature, self.weight = temperature, weight
        self.last, self.extras = Last(), Last()
        self._new: int | None = None
        self._said: Tensor | None = None

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage without a teacher."""
        return (StagePlan(teacher=None),)

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """The new batch, and below it the last one.

        Raises:
            TypeError: inputs are not one tensor.
        """
        if not isinstance(batch.student_inputs, Tensor):
            raise TypeError(f"dlb needs inputs that are one tensor; these are a {type(batch.student_inputs).__name__}")
        self._new = len(batch.ids)
        if "ids" not in self.last:
            return batch
        kept = {name: tensor for name, tensor in self.last.tensors().items() if name != "logits"}
        return joined(batch, Batch(extras=self.extras.tensors(), **kept))

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The labels of all, and the consistency of those that were in the last batch."""
        self._said = student.logits.detach()
        taught = student.logits.new_zeros(len(batch.ids))
        if "ids" in self.last:
            found = batch.ids[:, None] == self.last["ids"]
            before, again = self.last["logits"][found.int().argmax(1)], found.any(1)
            divergence = forward_kl(student.logits, before.to(student.logits), self.temperature)
            taught = self.weight * self.temperature**2 * mean_among(divergence, again, batch)
        return {"labels": self.label_loss(student, batch), "last": taught}

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """The new batch becomes the last one."""
        self.last.keep(_rows({**vars(batch), "logits": self._said}, self._new))
        self.extras.keep(_rows(batch.extras, self._new))


def _rows(parts: Mapping[str, Any], count: int | None) -> dict[str, Tensor]:
    """The first rows of those that are tensors."""
    return {name: part[:count].detach() for name, part in parts.items() if isinstance(part, Tensor)}
