"""Outputs of two models on the same samples, checked once for every diagnostic that compares them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from workbench.records.run import Run

ROWS = 1024


def paired_logits(student_logits: ArrayLike, teacher_logits: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as finite (N, C), in the precision they came in.

    Raises:
        ValueError: shapes differ, there are no samples or fewer than two classes, or a value is not finite.
    """
    student, teacher = np.asarray(student_logits), np.asarray(teacher_logits)
    if student.shape != teacher.shape:
        raise ValueError(f"student logits {student.shape} and teacher logits {teacher.shape} differ in shape")
    if student.ndim != 2 or not len(student):
        raise ValueError(f"logits must be (N, C) with one sample or more, got {student.shape}")
    if student.shape[1] < 2:
        raise ValueError(f"logits {student.shape} have one class; two models always agree on it, two are needed")
    for party, logits in (("student", student), ("teacher", teacher)):
        bad = np.flatnonzero(~np.isfinite(logits).all(axis=1))
        if len(bad):
            raise ValueError(
                f"{party} logits hold NaN or infinite values in {len(bad)} rows, the first is row {bad[0]}"
            )
    return student, teacher


def classes_of(labels: ArrayLike, logits: np.ndarray) -> np.ndarray:
    """Labels as (N,) int64 that are columns of the (N, C) logits.

    Raises:
        ValueError: another number of them, or one that is not a class.
    """
    labels = np.asarray(labels)
    if labels.shape != logits.shape[:1]:
        raise ValueError(f"labels {labels.shape} do not go with logits {logits.shape}: one label per sample is needed")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= logits.shape[1]:
        shown = f"{labels.min()} to {labels.max()} ({labels.dtype})"
        raise ValueError(f"labels must be whole numbers from 0 to {logits.shape[1] - 1}, got {shown}")
    return labels.astype(np.int64)


def outputs_of(run: Run, party: str) -> np.ndarray:
    """A party's test outputs, one row for each id of the run.

    Raises:
        KeyError: the run has no such party.
        ValueError: there is not one row per test id.
    """
    if party not in run.predictions:
        raise KeyError(f"run {run.id} has no outputs of {party!r}; it has {', '.join(run.predictions) or 'none'}")
    outputs = run.predictions[party]
    if len(outputs) != len(run.test_ids):
        raise ValueError(f"run {run.id}: {len(outputs)} outputs of {party!r} for {len(run.test_ids)} test ids")
    return outputs


def forward_kl(student_logits: np.ndarray, teacher_logits: np.ndarray) -> np.ndarray:
    """KL(teacher || student) at temperature 1 per sample, in nats and float64: (N, C) twice -> (N,).

    A few rows at a time, so that large sets need no second copy in float64.
    """
    from scipy.special import log_softmax

    found = np.empty(len(student_logits))
    for start in range(0, len(found), ROWS):
        rows = slice(start, start + ROWS)
        student, teacher = (log_softmax(z[rows].astype(np.float64), axis=1) for z in (student_logits, teacher_logits))
        found[rows] = (np.exp(teacher) * (teacher - student)).sum(axis=1)
    return found
