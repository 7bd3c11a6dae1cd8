"""On which samples does the student depart from its teacher, and where most?

How it is measured: the samples on which the two pick different classes, ordered by how far they are apart.

Formula:
    forward_kl: KL(softmax(t) || softmax(s)) at temperature 1;
    margin: (p_i - p_j) + (q_j - q_i) with p, q the teacher's and the student's probabilities, i and j their classes.

Reading it: a large margin is a firm contradiction, a small one a near tie. The divergence also counts classes that
neither picks.
When it misleads: the margin is bounded by 2, the divergence is not: one very sure student tops the list.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.agreement.measure_distances import forward_kl
from workbench.diagnostics.outputs import pair_of, paired_logits
from workbench.records.run import Run
from workbench.records.selection import Selection

Order = Literal["forward_kl", "margin"]


def disagreement(
    student_logits: ArrayLike, teacher_logits: ArrayLike, ids: ArrayLike, *, by: Order = "forward_kl"
) -> Selection:
    """Ids of the samples on which they pick different classes, those furthest apart first.

    Args:
        student_logits: (N, C).
        teacher_logits: (N, C), same samples in the same order.
        ids: (N,) sample ids.
        by: how far apart they are is measured.

    Raises:
        ValueError: shapes differ, a value is not finite, or another order is asked for.
    """
    student, teacher = paired_logits(student_logits, teacher_logits)
    ids = np.asarray(ids)
    if ids.shape != student.shape[:1]:
        raise ValueError(f"ids {ids.shape} do not go with logits {student.shape}: one id per sample is needed")
    measures = {"forward_kl": forward_kl, "margin": contradiction}
    if by not in measures:
        raise ValueError(f"no order {by!r}; there are {', '.join(measures)}")
    rows = np.flatnonzero(student.argmax(axis=1) != teacher.argmax(axis=1))
    apart = measures[by](student[rows], teacher[rows])
    return Selection(ids[rows[np.argsort(-apart, kind="stable")]], "disagreement")


def disagreement_of(run: Run, against: Run | None = None, *, by: Order = "forward_kl") -> Selection:
    """The same for a run's student and its teacher, or another run's student, on the test samples.

    Raises:
        KeyError: the run has no outputs of a teacher.
        ValueError: the runs were tested on different samples, or as ``disagreement``.
    """
    pair = pair_of(run, against)
    return disagreement(pair.student, pair.teacher, pair.ids, by=by)


def contradiction(student_logits: np.ndarray, teacher_logits: np.ndarray) -> np.ndarray:
    """How firmly each model puts its own class before the other's, summed over both: (N, C) twice -> (N,) in [0, 2]."""
    from scipy.special import softmax

    student, teacher = (softmax(np.asarray(z, np.float64), axis=1) for z in (student_logits, teacher_logits))
    rows, chosen, taught = np.arange(len(student)), student.argmax(axis=1), teacher.argmax(axis=1)
    return teacher[rows, taught] - teacher[rows, chosen] + student[rows, chosen] - student[rows, taught]
