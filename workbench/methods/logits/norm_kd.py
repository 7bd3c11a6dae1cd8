"""A temperature for every sample: logits are softened by their own standard deviation, the student's by its own.

One temperature softens a loud sample too little and a quiet one too much. Divided by their deviation, all samples are
equally soft; the loss is scaled back with the teacher's temperature, so that loud samples count more. The student's
deviation takes part in the gradient. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = soft_weight * mean_b (T * std(t_b))^2 * KL( softmax(t_b / (T * std(t_b))) || softmax(s_b / (T * std(s_b))) )
        + label_weight * mean_b CE(s_b, y_b)
    std: unbiased, over classes;  s, t: logits (B, C);  y: labels (B,);  T: temperature.

Faithful to: Chi et al., 2023, the normalised logits of NormKD, and the authors' code.
Departs from it: nothing; the division alone goes with any response method, as in ``DKD().through(UnitDeviation())``.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from torch import Tensor

from workbench.maths.standardization import deviation
from workbench.methods.logits.kd import KD
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.transforms import UnitDeviation
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class NormKD(KD):
    """Soft-target distillation with a temperature for each sample and side.

    Args:
        temperature: In standard deviations; 2 in the authors' code.
        soft_weight: Weight of the soft term; 0.9 in the authors' code.
        label_weight: Weight of the labels; 0.1 in the authors' code.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> import torch
        >>> logits, batch = torch.tensor([[1.0, 2.0, 4.0]]), Batch(torch.arange(1), torch.zeros(1, 1))
        >>> NormKD()(Trace(logits), Trace(5 * logits), batch)["soft"] < 1e-5
        tensor([True])
    """

    citation = Citation(
        "NormKD: Normalized Logits for Knowledge Distillation",
        "Chi, Zheng, Li, Yang, Wu, Lin, Cai",
        "arXiv",
        2023,
        "2308.00520",
    )
    evidence = Evidence(
        "code",
        "gizi1/NormKD (authors), mdistiller/distillers/NormKD.py and mdistiller/engine/cfg.py at "
        "cb535280da2d0f4780314246e49ad5343da93089",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    cost = "low"
    aliases = ("normalized_logits",)
    tasks = ("classification",)

    def __init__(self, temperature: Temperature = 2.0, soft_weight: Weight = 0.9, label_weight: Weight = 0.1) -> None:
        super().__init__(temperature, soft_weight, label_weight)
        self._unit = UnitDeviation()

    def transformed(self, logits: Tensor) -> Tensor:
        """The logits in standard deviations, (B, C) -> (B, C)."""
        return self._unit(super().transformed(logits))

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """As for ``kd``, the soft term times the teacher's variance."""
        terms = super().forward(student, teacher, batch)
        spread = deviation(super().transformed(teacher.logits.detach())).squeeze(1)
        return terms | {"soft": spread.square() * terms["soft"]}
