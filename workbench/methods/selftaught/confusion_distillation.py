"""Which classes the student mixes up becomes its own soft label: its confusion matrix, kept as a moving average.

Segments of plain labels alternate with segments in which a class has a soft label, its row of the averaged matrix. It starts
as label smoothing, so that early soft segments are little else. Nothing is learnt besides the student.

Formula:
    segments 1, 3, 5:  L = mean_b CE(s_b, y_b)
    segments 2, 4:     L = soft_weight * T^2 * mean_b KL( S[y_b] || softmax(s_b / T) ) + label_weight * mean_b CE(s_b, y_b)
    S: at first 1 - epsilon + epsilon / C on the diagonal and epsilon / C elsewhere; from the end of the first segment on,
    after every epoch but the last, S <- momentum * S + (1 - momentum) * (row-normalised confusion counts, rows by label).
    s: student logits (B, C);  y: labels (B,).

Faithful to: Kang and Kim, ICPR 2026, and the authors' code for schedule, weights and averaging.
Departs from it: the released code counts on test data; counted are validation samples instead, or training samples as
answered in the epoch. ``test_as_released`` does as the code does; such a run is marked and no study takes it. Classes without
a sample keep their row.
Cost: memory for two tables of C^2 numbers.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.divergences import log_probabilities
from workbench.methods.method import Method
from workbench.methods.parts.memory import FEWER_CLASSES, refuse_larger
from workbench.methods.ranges import Temperature, Weight
from workbench.records.annotations import Range
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress
from workbench.records.trace import Trace


class ConfusionAverage(nn.Module):
    """Rows of probabilities by label; they start as smoothed labels.

    Args:
        classes: C.
        epsilon: what is shared out evenly at the start.

    Attributes:
        rows: (C, C), each row adds up to 1.
        counts: (C, C), what ``count`` has seen since it was last reset.
    """

    def __init__(self, classes: int, epsilon: float) -> None:
        super().__init__()
        refuse_larger("confusions of all classes", (classes, classes), torch.empty(0).double(), FEWER_CLASSES)
        identity = torch.eye(classes, dtype=torch.float64)
        self.register_buffer("rows", (1 - epsilon) * identity + epsilon / classes)
        self.register_buffer("counts", torch.zeros_like(identity))

    def count(self, labels: Tensor, choices: Tensor) -> None:
        """Note what samples of some labels were taken for, (B,) and (B,)."""
        self.counts.index_put_((labels, choices), self.counts.new_ones(()), accumulate=True)

    def move(self, counts: Tensor, momentum: float) -> None:
        """Draw the rows towards normalised counts, (C, C); classes without a count keep theirs."""
        counts = counts.to(self.rows)
        total = counts.sum(1, keepdim=True)
        seen = torch.where(total > 0, counts / total.clamp(min=1), self.rows)
        self.rows.mul_(momentum).add_((1 - momentum) * seen)


class ConfusionDistillation(Method):
    """Soft labels from one's own confusions.

    Args:
        temperature: Softens the student's answers; 2 in the authors' code.
        soft_weight: Weight of the soft labels; 0.7 in the authors' code.
        label_weight: Weight of the labels beside them; 0.3 in the authors' code.
        momentum: How much of the averaged matrix stays in an epoch; 0.9 in the authors' code.
        epsilon: Smoothing of the matrix at the start; 0.1 in the authors' code. Read when the method is built.
        segments: Relative lengths of the segments; the authors' for 300 epochs, and for 200.
        confusion_source: Whose confusions count: those of validation samples, of training samples, or of test samples
            as in the authors' code, which marks the run. Read when the method is built.

    Terms: ``labels`` and ``soft``, (B,) each.

    Example:
        >>> ConfusionDistillation().config()["segments"]
        '3:3:6:3:15'
    """

    citation = Citation(
        "What Do Students Learn? A Feature-Level Analysis of Dark Knowledge", "Kang, Kim", "ICPR", 2026, "2606.03052"
    )
    evidence = Evidence(
        "code",
        "KangWooya/What_Do_Students_Learn (authors), training/train_cd.py at dd267178b532faa08204dfb4b05deeddc56db4c0 and "
        "scripts/run_command.sh",
        "rows of classes without a sample, which are even there",
    )
    progress = Progress("labels")
    terms = ("labels", "soft")
    learns = Learns("nothing besides the student; keeps two C x C matrices")
    partner = "itself: soft"
    cost = "low"
    aliases = ("cd",)
    reads_teacher = False

    def __init__(
        self,
        temperature: Temperature = 2.0,
        soft_weight: Weight = 0.7,
        label_weight: Weight = 0.3,
        momentum: Annotated[float, Range(0.0, 1.0, 0.01)] = 0.9,
        epsilon: Annotated[float, Range(0.0, 1.0, 0.01)] = 0.1,
        segments: Literal["3:3:6:3:15", "3:3:3:3:8"] = "3:3:6:3:15",
        confusion_source: Literal["validation", "train", "test_as_released"] = "validation",
    ) -> None:
        super().__init__()
        self.temperature, self.soft_weight, self.label_weight = temperature, soft_weight, label_weight
        self.momentum, self.epsilon, self.segments = momentum, epsilon, segments
        self.confusion_source, self._source, self._epoch, self._epochs = confusion_source, "", 1, 1
        self._said: Tensor | None = None

    @property
    def leaks_test(self) -> bool:
        """Whether test samples are counted."""
        return (self._source or self.confusion_source) == "test_as_released"

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the matrices."""
        super().build(student_model, teacher_model, example, facts)
        self.average = ConfusionAverage(facts.classes, self.epsilon)
        self.register_buffer("epochs_done", torch.tensor(0))
        self._epochs, self._source = facts.epochs, self.confusion_source

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage on the labelled samples."""
        return (StagePlan(teacher=None, data="labelled"),)

    def schedule(self, progress: float) -> None:
        """The number of the epoch, from 1."""
        self._epoch = int(progress * self._epochs + 1e-6) + 1

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """Both terms; the soft one is 0 in a segment of plain labels."""
        labels = self.label_loss(student, batch)
        self._said = student.logits.detach().argmax(1)
        if batch.labels is None or not self._soft:
            return {"labels": labels, "soft": torch.zeros_like(labels)}
        targets = self.average.rows.to(student.logits)[batch.labels.clamp(min=0)]
        log_student = log_probabilities(student.logits, self.temperature)
        soft = F.kl_div(log_student, targets, reduction="none").sum(1) * (batch.labels != UNLABELLED)
        return {"labels": self.label_weight * labels, "soft": self.soft_weight * self.temperature**2 * soft}

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """Training samples are counted."""
        if batch.labels is not None:
            labelled = batch.labels != UNLABELLED
            self.average.count(batch.labels[labelled], self._said[labelled])

    def after_epoch(self, student: nn.Module, confusion: Tensor | None) -> None:
        """The average moves, once the first segment is over and unless the run is."""
        self.epochs_done += 1
        if self._ends()[0] <= int(self.epochs_done) < self._epochs:
            counts = self.average.counts if self._source == "train" else confusion
            self.average.move(counts, self.momentum)
        self.average.counts.zero_()

    @property
    def _soft(self) -> bool:
        """Whether the epoch belongs to a segment of an even number."""
        return sum(self._epoch - 0.5 > end for end in self._ends()) % 2 == 1

    def _ends(self) -> list[float]:
        """Epochs at which the segments end."""
        lengths = [int(length) for length in self.segments.split(":")]
        return [end * self._epochs / sum(lengths) for end in accumulate(lengths)]
