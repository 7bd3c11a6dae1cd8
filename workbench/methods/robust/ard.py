"""Hand on a teacher's robustness: under attack, say what the teacher says of the picture that was not attacked.

Distillation on clean inputs yields a student that is as easily fooled as any. Here each input is first moved, within a
small box, to where the student of the moment errs most, and there it must still give the teacher's answer to the
unmoved input. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = soft_weight * T^2 * mean_b KL( p(t(x_b)) || p(s(x_b + d_b)) ) + label_weight * mean_b CE(s(x_b), y_b)
    d_b: steps of step_size up the sign of the gradient of CE(s(x_b + d_b), y_b), from a random start;  |d_b| <= radius;
    p(z) = softmax(z / T);  s, t: logits (B, C);  x: inputs (B, ...);  y: labels;  T: temperature.

Faithful to: Goldblum et al., AAAI 2020, and the authors' code for the attack.
Departs from it: the divergence is summed over classes as the paper writes it, where the authors' code averages it over them,
too; while attacked, the student is in evaluation mode, so that attacks leave no trace in batch norm; moved inputs stay within
the values of their batch, as inputs may be standardised; what has no label is attacked away from what the student says of it.
Cost: 5 to 10 times a step of ``kd``: every one of the ``steps`` of the attack is a pass of the student there and back.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.decoupling import target_classes
from workbench.maths.divergences import forward_kl
from workbench.maths.tasks import cross_entropy
from workbench.methods.parts.floating import floating
from workbench.methods.ranges import Weight
from workbench.methods.response import ResponseMethod
from workbench.models.layers import evaluating
from workbench.models.tracing import Tracer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace

CLEAN = "clean_logits"


class ARD(ResponseMethod):
    """Adversarially robust distillation.

    Args:
        temperature: Softens both distributions; 30 in the authors' code.
        soft_weight: Weight of the answers under attack; 1 in the authors' code.
        label_weight: Weight of the labels, on inputs that are not attacked; 0 by default in the authors' code.
        radius: Of the box, in units of the inputs; 8 / 255 of the range of a pixel in the paper.
        step_size: Of the attack, in the same units; 2 / 255 in the paper.
        steps: Of the attack; 10 in the paper.

    Terms: ``labels`` if they have a weight, and ``soft``, (B,) each; a sample without a label takes part in the latter.

    Example:
        >>> ARD(steps=7).config()["steps"]
        7
    """

    citation = Citation(
        "Adversarially Robust Distillation", "Goldblum, Fowl, Feizi, Goldstein", "AAAI", 2020, "1905.09747"
    )
    evidence = Evidence(
        "code",
        "goldblum/AdversariallyRobustDistillation (authors), main.py at 8860f70aabcd70578cea4044f28a7d55ed0c82d1",
        "range of the inputs; samples without a label",
    )
    progress = Progress("soft")
    terms = ("labels", "soft")
    reads = Reads("logits only; the student's inputs must be one floating-point tensor")
    cost = "high"
    aliases = ("adversarially_robust",)

    def __init__(
        self,
        temperature: Annotated[float, Range(0.5, 100.0, 0.5)] = 30.0,
        soft_weight: Weight = 1.0,
        label_weight: Weight = 0.0,
        radius: Annotated[float, Range(0.0, 1.0, 0.001)] = 8 / 255,
        step_size: Annotated[float, Range(0.0, 1.0, 0.001)] = 2 / 255,
        steps: Annotated[int, Range(1, 100, 1)] = 10,
    ) -> None:
        super().__init__()
        self.temperature, self.soft_weight, self.label_weight = temperature, soft_weight, label_weight
        self.radius, self.step_size, self.steps = radius, step_size, steps

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """The student sees attacked inputs, the teacher what it always sees.

        Raises:
            TypeError: the student's inputs are not one floating-point tensor.
        """
        clean = floating(batch.student_inputs, f"{self.name} takes gradients with respect to")
        student = next(iter(students.values()))
        said = Tracer(student)(clean).logits if self.label_weight > 0 else None
        extras = {**batch.extras} if said is None else {**batch.extras, CLEAN: said}
        attacked = self.attacked(clean, batch.labels, student)
        return batch.but(student_inputs=attacked, teacher_inputs=batch.for_teacher, extras=extras)

    def attacked(self, inputs: Tensor, labels: Tensor | None, student: nn.Module) -> Tensor:
        """Inputs on which the student errs, (B, ...), without a graph."""
        tracer, bounds = Tracer(student), (inputs.min(), inputs.max())
        with evaluating(student):
            with torch.no_grad():
                targets = target_classes(labels, tracer(inputs).logits)
            attack = self.radius, self.step_size, self.steps, bounds
            return projected_gradient(lambda moved: cross_entropy(tracer(moved).logits, targets), inputs, *attack)

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The soft term."""
        divergence = forward_kl(student_logits, teacher_logits, self.temperature)
        return {"soft": self.soft_weight * self.temperature**2 * divergence}

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The answers under attack and, if they have a weight, the labels of the inputs as they were."""
        terms = self.match(self.transformed(student.logits), self.transformed(teacher.logits.detach()), batch)
        if self.label_weight > 0:
            terms["labels"] = self.label_weight * self.label_loss(Trace(batch.extras[CLEAN]), batch)
        return terms


def projected_gradient(
    loss: Callable[[Tensor], Tensor],
    inputs: Tensor,
    radius: float,
    step_size: float,
    steps: int,
    bounds: tuple[Tensor, Tensor],
) -> Tensor:
    """Climb a loss within a box around the inputs, from a random place in it (Madry et al., ICLR 2018, section 2.1).

    Args:
        loss: (B, ...) -> (B,), each from its own row.
        inputs: (B, ...), floating-point.
        radius: half a side of the box, in units of the inputs.
        step_size: how far each entry goes in a step, in the direction of its gradient's sign.
        steps: one or more.
        bounds: smallest and largest value that an input may have.

    Returns:
        (B, ...), without a graph.
    """
    low, high = (inputs - radius).clamp(min=bounds[0]), (inputs + radius).clamp(max=bounds[1])
    moved = inputs + radius * (2 * torch.rand_like(inputs) - 1)
    for _ in range(steps):
        moved = moved.detach().requires_grad_()
        with torch.enable_grad():
            slope = torch.autograd.grad(loss(moved).sum(), moved)[0]
        moved = torch.clamp(moved.detach() + step_size * slope.sign(), low, high)
    return moved
