"""Match z-scores of the logits: a small student need not reach the teacher's scale, only its proportions.

Sharing one temperature forces the student's logits to the location and spread of the teacher's. Standardised on both
sides, only the relation of the classes is left to match. Labels are learnt from the raw logits. Added to another response
method, as in ``dkd+lskd``, it is that method on standardised logits, at this temperature and with this weight where it has
a ``temperature`` and a ``soft_weight``. Of two classes a z-score keeps the sign alone, from which nothing is learnt. The
teacher is detached; nothing is learnt besides the student.

Formula:
    L = soft_weight * T^2 * mean_b KL( softmax(z(t_b) / T) || softmax(z(s_b) / T) ) + label_weight * mean_b CE(s_b, y_b)
    z(x) = (x - mean(x)) / (1e-7 + std(x)) over classes, unbiased;  s, t: logits (B, C);  T: base temperature.

Faithful to: Sun et al., CVPR 2024, Algorithm 1, and the authors' code.
Departs from it: nothing alone; for ``dkd+lskd`` the authors' code also multiplies ``alpha`` and ``beta`` by the weight, 9.
Setting: digits. On it we expect: the standardised divergence falls below that of a student that does not learn.
"""

from __future__ import annotations

import copy

from torch import Tensor

from workbench.maths.standardization import standardize
from workbench.methods.logits.kd import KD
from workbench.methods.method import Method, Sum
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.methods.transforms import Standardize
from workbench.records.provenance import Citation, Evidence, Progress


class LogitStandardization(KD):
    """Soft-target distillation on standardised logits.

    Args:
        temperature: Base temperature, in standard deviations; 2 in the paper.
        soft_weight: Weight of the soft term; 9 in the paper.
        label_weight: Weight of the labels; 0.1 in the paper.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[1.0, 2.0, 4.0]])
        >>> LogitStandardization().match(*map(LogitStandardization().transformed, (logits, 5 * logits)), None)["soft"] < 1e-6
        tensor([True])
    """

    citation = Citation(
        "Logit Standardization in Knowledge Distillation", "Sun, Ren, Li, Wang, Cao", "CVPR", 2024, "2403.01427"
    )
    evidence = Evidence(
        "code",
        "sunshangquan/logit-standardization-KD (authors), mdistiller/distillers/KD.py at "
        "6083e2de122da0bffe6ff6e1fb25a6a80f6c3464",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = "low"
    aliases = ("lskd", "zscore_kd")
    tasks = ("classification",)

    def __init__(self, temperature: Temperature = 2.0, soft_weight: Weight = 9.0, label_weight: Weight = 0.1) -> None:
        super().__init__(temperature, soft_weight, label_weight)

    def added_to(self, first: Method) -> Method:
        """The first method's response terms on standardised logits; a sum if it has none."""
        first = copy.deepcopy(first)
        matched = [m for m in (first.methods if isinstance(first, Sum) else [first]) if isinstance(m, ResponseMethod)]
        if not matched:
            return super().added_to(first)
        for method in matched:
            method.through(Standardize())
            for name in {"temperature", "soft_weight"} & method.config().keys():
                method.change(name, getattr(self, name))
        return first

    def transformed(self, logits: Tensor) -> Tensor:
        """The z-scores of the logits, (B, C) -> (B, C)."""
        return standardize(super().transformed(logits))
