"""Treat distillation as matching two functions, everywhere and for a long time, and forget the labels.

Student and teacher always see the very same view, so that the teacher's answer is about what the student sees. Blends
of two samples fill the space between the data, where the functions are to agree as well. It pays off slowly: give it
many epochs. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = T^2 * mean_b KL( softmax(t(v_b) / T) || softmax(s(v_b) / T) ),    v_b = l * x_b + (1 - l) * x_(b-1)
    l = max(m, 1 - m), m ~ Beta(mixup, mixup), one for a batch;  s, t: logits (B, C);  x: inputs in the shuffled batch.

Faithful to: Beyer et al., CVPR 2022, "function matching", and the authors' code.
Departs from it: nothing; the very long schedule is the budget's, random crops are the setting's.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from torch import Tensor, nn
from torch.distributions import Beta

from workbench.maths.divergences import forward_kl
from workbench.methods.ranges import Temperature
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class FunctionMatching(ResponseMethod):
    """The same blended view for both, and the divergence of their answers.

    Args:
        temperature: Softens both distributions; 1 in the authors' configuration.
        mixup: Concentration of the blend, 1 draws it evenly as the authors do; 0 leaves the samples alone.

    Terms: ``soft``, (B,).

    Example:
        >>> import torch
        >>> sorted(FunctionMatching()(Trace(torch.zeros(2, 3)), Trace(torch.eye(2, 3)), None))
        ['soft']
    """

    citation = Citation(
        "Knowledge Distillation: A Good Teacher is Patient and Consistent",
        "Beyer, Zhai, Royer, Markeeva, Anil, Kolesnikov",
        "CVPR",
        2022,
        "2106.05237",
    )
    evidence = Evidence(
        "code",
        "google-research/big_vision (authors), big_vision/trainers/proj/distill/distill.py, "
        "big_vision/evaluators/proj/distill/distance.py and big_vision/configs/proj/distill/bit_i1k.py at "
        "2f3f493af048dbfd97555ff6060f31a0e686f17f",
    )
    progress = Progress("soft")
    terms = ("soft",)
    reads = Reads("logits only; inputs must be floating-point tensors")
    cost = "low"
    aliases = ("funmatch", "patient_teacher")

    def __init__(self, temperature: Temperature = 1.0, mixup: Annotated[float, Range(0.0, 4.0, 0.1)] = 1.0) -> None:
        super().__init__()
        self.temperature, self.mixup = temperature, mixup

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """Each sample blended with the one before it, the same way for both models.

        Raises:
            TypeError: inputs cannot be blended.
        """
        if self.mixup == 0:
            return batch
        own = _share(self.mixup)
        teacher = None if batch.teacher_inputs is None else _blend(batch.teacher_inputs, own)
        return batch.but(student_inputs=_blend(batch.student_inputs, own), teacher_inputs=teacher)

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The soft term."""
        return {"soft": self.temperature**2 * forward_kl(student_logits, teacher_logits, self.temperature)}

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The soft term alone."""
        return self.match(self.transformed(student.logits), self.transformed(teacher.logits.detach()), batch)


def _share(concentration: float) -> float:
    """The larger part of a draw from a symmetric beta distribution."""
    drawn = float(Beta(concentration, concentration).sample())
    return max(drawn, 1 - drawn)


def _blend(inputs: Any, own: float) -> Tensor:
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        kind = str(inputs.dtype) if isinstance(inputs, Tensor) else type(inputs).__name__
        raise TypeError(f"inputs are {kind} and cannot be blended; give one floating-point tensor, or set mixup=0")
    return own * inputs + (1 - own) * inputs.roll(1, 0)
