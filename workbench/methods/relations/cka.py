"""Align Gram matrices: which samples the logits take for alike, and which classes.

Centred kernel alignment is the cosine of the angle between two Gram matrices, so only the pattern of similarity
counts, neither scale nor rotation. It is asked for among the samples of a batch and, with the table turned, among the
classes. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + sample_weight * (1 - A(S, T)) + class_weight * (1 - A(S', T'))
    A(X, Y) = <G(X), G(Y)> / (|G(X)| |G(Y)|),   G(X)_ij = x_i . x_j / |x_i|;  S, T: logits (B, C);  y: labels (B,).

Faithful to: Zhou et al., IJCAI 2024, its alignment of logits, and the first author's code.
Departs from it: 1 is added to each alignment's loss, so that 0 is the best; both are one number for a batch, given to
each of its samples. As there, the Gram matrices are not centred in spite of the name.
Cost: memory for B^2 and C^2 numbers a side.
Setting: digits. On it we expect: the alignment loss among samples falls below that of a student that does not learn.

Both alignments are the same for logits of the other sign, and the labels have a thirtieth of their weight: a student
that starts on the wrong side may stay there. On digits one seed of three stayed below 50 %.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from workbench.maths.similarities import kernel_alignment
from workbench.methods.parts.memory import FEWER_CLASSES, SMALLER_BATCHES, refuse_larger
from workbench.methods.ranges import Weight
from workbench.methods.response import ResponseMethod
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress


class CKA(ResponseMethod):
    """Relation-centred kernel alignment.

    Args:
        sample_weight: Weight of the alignment among samples; 15 in the author's code.
        class_weight: Weight of the alignment among classes; 15 in the author's code, which has it as an option.
        label_weight: Weight of the labels; 1 in the author's code.

    Terms: ``labels``, ``samples`` and ``classes``, (B,) each.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[1.0, 2.0, 4.0], [3.0, 0.0, 1.0]])
        >>> CKA().match(5 * logits, logits, None)["samples"].abs() < 1e-4
        tensor([True, True])
    """

    citation = Citation(
        "Rethinking Centered Kernel Alignment in Knowledge Distillation",
        "Zhou, Shen, Shao, Gong, Lin",
        "IJCAI",
        2024,
        "2401.11824",
    )
    evidence = Evidence(
        "code",
        "Klayand/Distill_Knowledge (first author), distiller/CKA.py at 8f55e18991b83a432459f9ccb26412b6b967795a",
    )
    progress = Progress("samples")
    terms = ("labels", "samples", "classes")
    cost = "low"
    aliases = ("rcka", "kernel_alignment")
    relates_samples = True

    def __init__(
        self,
        sample_weight: Annotated[float, Range(0.0, 100.0, 0.5)] = 15.0,
        class_weight: Annotated[float, Range(0.0, 100.0, 0.5)] = 15.0,
        label_weight: Weight = 1.0,
    ) -> None:
        super().__init__()
        self.sample_weight, self.class_weight, self.label_weight = sample_weight, class_weight, label_weight

    def match(self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Both alignments."""
        samples, classes = student_logits.shape
        refuse_larger("similarities of all samples", (samples, samples), student_logits, SMALLER_BATCHES)
        refuse_larger("similarities of all classes", (classes, classes), student_logits, FEWER_CLASSES)
        among_samples = 1 - kernel_alignment(student_logits, teacher_logits)
        among_classes = 1 - kernel_alignment(student_logits.T, teacher_logits.T)
        return {
            "samples": (self.sample_weight * among_samples).expand(samples),
            "classes": (self.class_weight * among_classes).expand(samples),
        }
