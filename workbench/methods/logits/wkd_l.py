"""Move probability between classes at a price: a mistake is cheap where the teacher takes classes for alike.

The divergence of soft targets compares each class with itself. A transport plan turns the student's probabilities of
the wrong classes into the teacher's, and mass that moves from a class to a similar one costs little. The right class
has a term of its own, weighed with the teacher's probability. The teacher is detached; nothing is learnt besides the
student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) - mean_b p_b,y * log q_b,y + ramp * transport_weight * mean_b W(q~_b, p~_b)
    p, q: softmax(t), softmax(s);  p~, q~: at temperature T among the classes other than y;  s, t: logits (B, C)
    W: cost of the plan that Sinkhorn's algorithm finds in so many iterations, with cost_ij = 1 - exp(-sharpness * d_ij)
    d_ij = max(1 - cos(w_i, w_j), 0), w: rows of the teacher's classifier;  ramp: half a cosine, from 1 at decay_from on.

Faithful to: Lv et al., NeurIPS 2024, WKD-L with target separation, and the authors' code.
Departs from it: classes are compared by the teacher's classifier, a choice of the authors' code, not by a CKA of their
features, which takes a pass over the data; no 1e-8 in cost and Sinkhorn; a sample without a label takes the teacher's
choice as its target; the decay goes with every step.
Cost: ``2 * iterations`` products of (B, C) with (C, C), six times a step of ``kd`` on a net of a millisecond; memory
for the distances of all classes, C^2 numbers.
Setting: digits. On it we expect: the transport cost falls below that of a student that does not learn.
"""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.decoupling import target_classes
from workbench.methods.parts.memory import FEWER_CLASSES, refuse_larger
from workbench.methods.ranges import Temperature, Weight
from workbench.methods.response import ResponseMethod
from workbench.models.tracing import penultimate_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Progress, Reads


class WKDL(ResponseMethod):
    """Wasserstein distillation of logits.

    Args:
        temperature: Softens the wrong classes; 8 for ResNet32x4 to 8x4, 2 on ImageNet.
        transport_weight: Weight of the transport; 600 for that pair, 30 on ImageNet.
        sharpness: How fast the price rises with the distance of two classes; 1 in the authors' code.
        regularisation: Of the plan's entropy, in prices; 0.05 in the authors' code.
        iterations: Of Sinkhorn's algorithm; 10 in the authors' code.
        decay_from: Share of the run after which the transport fades; 150 of 240 epochs on CIFAR-100.
        label_weight: Weight of the labels; 1 in the authors' code.

    Terms: ``labels``, ``target_class`` and ``transport``, (B,) each.

    Example:
        >>> method, teacher = WKDL(), nn.Sequential(nn.Linear(2, 3))
        >>> method.build(nn.Identity(), teacher, Batch(torch.arange(2), torch.ones(2, 2)), Facts(2, 3, 9, 1))
        >>> method.distances.shape
        torch.Size([3, 3])
    """

    citation = Citation(
        "Wasserstein Distance Rivals Kullback-Leibler Divergence for Knowledge Distillation",
        "Lv, Yang, Li",
        "NeurIPS",
        2024,
        "2412.08139",
    )
    evidence = Evidence(
        "code",
        "JiamingLv/WKD (authors), mdistiller/distillers/WKD.py at 214cf8868c2b8e45781f238b8f0e47c2e4e38190 and "
        "configs/cifar100/wkd_l/res32x4_res8x4.yaml",
        "targets of samples without a label: the teacher's choice",
    )
    progress = Progress("transport")
    terms = ("labels", "target_class", "transport")
    needs = ("classifier",)
    reads = Reads("logits, and the weights of the teacher's last nn.Linear")
    cost = "low"
    aliases = ("wasserstein_logits",)

    def __init__(
        self,
        temperature: Temperature = 8.0,
        transport_weight: Annotated[float, Range(0.0, 1000.0, 10.0)] = 600.0,
        sharpness: Annotated[float, Range(0.1, 10.0, 0.1)] = 1.0,
        regularisation: Annotated[float, Range(0.01, 1.0, 0.01)] = 0.05,
        iterations: Annotated[int, Range(1, 100, 1)] = 10,
        decay_from: Annotated[float, Range(0.0, 1.0, 0.05)] = 150 / 240,
        label_weight: Weight = 1.0,
    ) -> None:
        super().__init__()
        self.temperature, self.transport_weight, self.sharpness = temperature, transport_weight, sharpness
        self.regularisation, self.iterations = regularisation, iterations
        self.decay_from, self.label_weight = decay_from, label_weight
        self._ramp = 1.0

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Compares the classes by the rows of the teacher's classifier.

        Raises:
            ValueError: the teacher does not end in an ``nn.Linear`` with a row for each class.
        """
        super().build(student_model, teacher_model, example, facts)
        name = penultimate_of(teacher_model).removesuffix(":input")
        rows = F.normalize(teacher_model.get_submodule(name).weight.detach(), dim=1)
        if len(rows) != facts.classes:
            raise ValueError(f"the teacher's last nn.Linear {name!r} has {len(rows)} rows for {facts.classes} classes")
        refuse_larger("distances of all classes", (len(rows), len(rows)), rows, FEWER_CLASSES)
        self.register_buffer("distances", (1 - rows @ rows.T).clamp(min=0))

    def schedule(self, progress: float) -> None:
        """The decay at the end."""
        done = (progress - self.decay_from) / (1 - self.decay_from) if self.decay_from < 1 else 0.0
        self._ramp = (1 + math.cos(math.pi * max(done, 0.0))) / 2

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The right class, and the transport among the others."""
        targets = target_classes(batch.labels, teacher_logits)[:, None]
        student_own = student_logits.log_softmax(1).gather(1, targets).squeeze(1)
        teacher_own = teacher_logits.softmax(1).gather(1, targets).squeeze(1)
        others = (z / self.temperature for z in (student_logits, teacher_logits))
        student, teacher = (z.scatter(1, targets, -torch.inf).softmax(1) for z in others)
        cost = 1 - torch.exp(-self.sharpness * self.distances)
        moved = sinkhorn(student, teacher, cost, self.regularisation, self.iterations)
        return {"target_class": -teacher_own * student_own, "transport": self._ramp * self.transport_weight * moved}


def sinkhorn(student: Tensor, teacher: Tensor, cost: Tensor, regularisation: float, iterations: int) -> Tensor:
    """Cost of the transport plan that balances cost and entropy, (B,); with no regularisation, Wasserstein's distance.

    Scales the rows and columns of ``exp(-cost / regularisation)`` in turn until both margins fit (Cuturi, NeurIPS 2013).
    The student's margin is met exactly, the teacher's the better the more iterations there are. All samples share one
    cost, so memory is B x C for each iteration.

    Args:
        student: (B, C) probabilities; classes of probability 0 take no part.
        teacher: (B, C) probabilities.
        cost: (C, C), from a class of the student to one of the teacher.
        regularisation: in units of the cost; small numbers need more iterations, and float64 below 1 % of the cost.
        iterations: one or more.
    """
    kernel, student, teacher = torch.exp(-cost / regularisation), student.to(cost), teacher.to(cost)
    rows = (student > 0).to(student)
    columns = rows
    with torch.autocast(student.device.type, enabled=False):  # margins do not fit in half precision
        for _ in range(iterations):
            columns = teacher / _positive(rows @ kernel)
            rows = student / _positive(columns @ kernel.T)
        return ((rows @ (kernel * cost)) * columns).sum(1)


def _positive(values: Tensor) -> Tensor:
    return values.clamp(min=torch.finfo(values.dtype).tiny)
