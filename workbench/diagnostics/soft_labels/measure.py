"""What do student and teacher say about one sample, beyond its class?

How it is measured: both models' probabilities at a temperature. Formula: ``softmax(logits / temperature)``.
Reading it: a higher temperature shows more of the small probabilities, in which the dark knowledge lies.
When it misleads: at a high temperature everything looks alike; the same temperature means different things for logits
of different scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import numbers
from workbench.diagnostics.outputs import classes_of, outputs_of, paired_logits
from workbench.records.arguments import checked_arguments
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import number, percent


@dataclass(frozen=True)
class SoftLabels(Result):
    """Both models' probabilities for one sample.

    Attributes:
        student, teacher: (C,) probabilities.
        label: the true class.
        temperature: that softened both.
        class_names: C names.
        id: of the sample, -1 if it has none.
    """

    student: np.ndarray
    teacher: np.ndarray
    label: int
    temperature: float
    class_names: tuple[str, ...]
    id: int = -1

    def explain(self) -> str:
        """What both say about the sample, in one paragraph."""
        names = {party: int(np.argmax(getattr(self, party))) for party in ("teacher", "student")}
        said = [
            f"the {party} gives {self.class_names[k]} {percent(getattr(self, party)[k])}" for party, k in names.items()
        ]
        at = f"the label, {self.class_names[self.label]}, has {percent(self.teacher[self.label])} and {percent(self.student[self.label])}"
        return f"At temperature {number(self.temperature)} {' and '.join(said)}; {at}."


@checked_arguments
def soft_labels(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    label: int,
    *,
    temperature: float = 1.0,
    class_names: Sequence[str] = (),
    id: int = -1,
) -> SoftLabels:
    """Soften the (C,) logits of both models for one sample.

    Raises:
        ValueError: shapes differ, a value is not finite, the label is not a class, the temperature is not positive, or
            another number of names.
    """
    from scipy.special import softmax

    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature = {temperature} must be positive")
    student, teacher = paired_logits(
        *(_row(*each) for each in ((student_logits, "student"), (teacher_logits, "teacher")))
    )
    (label,) = classes_of([label], student)
    if class_names and len(class_names) != student.shape[1]:
        raise ValueError(f"{len(class_names)} class names for {student.shape[1]} classes")
    names = tuple(map(str, class_names or range(student.shape[1])))
    softened = [softmax(logits[0].astype(np.float64) / temperature) for logits in (student, teacher)]
    return SoftLabels(*softened, int(label), float(temperature), names, int(id))


def _row(logits: ArrayLike, party: str) -> np.ndarray:
    """(1, C) of one sample."""
    return numbers(logits, f"{party} logits", shape="(C,) of one sample", ndim=1)[None]


@checked_arguments
def soft_labels_of(run: Run, id: int, *, temperature: float = 1.0) -> SoftLabels:
    """The same for a test sample of a run.

    Raises:
        KeyError: no test sample has that id, or the run has no outputs of a teacher.
        ValueError: as ``soft_labels``.
    """
    rows = np.flatnonzero(run.test_ids == id)
    if not len(rows):
        raise KeyError(f"run {run.id} has no test sample {id}; it has {len(run.test_ids)}, such as {run.test_ids[:3]}")
    row, names = rows[0], run.facts.get("class_names") or ()
    student, teacher = outputs_of(run, "student")[row], outputs_of(run, "teacher")[row]
    return soft_labels(student, teacher, run.test_labels[row], temperature=temperature, class_names=names, id=id)
