"""Outputs of two models on the same samples, checked once for every diagnostic that compares them.

Ties: where two classes have the same largest logit, the first one is picked, as ``argmax`` does, by every model alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import indices, numbers, plain
from workbench.records.run import Run
from workbench.records.wording import plural


class Pair(NamedTuple):
    """What two models say about the same test samples.

    Attributes:
        student, teacher: (N, C) logits.
        labels: (N,) classes.
        ids: (N,) sample ids.
        class_names: C names; empty if there are none.
    """

    student: np.ndarray
    teacher: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    class_names: tuple[str, ...]


def pair_of(run: Run, against: Run | None = None) -> Pair:
    """The test outputs of a run's student and its teacher, or of the student of another run on the same samples.

    Raises:
        KeyError: the run has no outputs of a teacher.
        ValueError: it is no classification, or the runs were tested on different samples or know other classes.
    """
    other, party = (run, "teacher") if against is None else (against, "student")
    check_classification(run)
    check_alike(run, other)
    student, teacher = outputs_of(run, "student"), outputs_of(other, party)
    return Pair(student, teacher, run.test_labels, run.test_ids, _names(run))


def check_classification(run: Run) -> None:
    """Raise ``ValueError`` for a run whose outputs are not one row of class logits per sample."""
    task = run.setting.get("task", "classification")
    if task != "classification":
        raise ValueError(f"run {run.id} is of task {task!r}; one class per sample is needed, as in a classification")


def check_alike(run: Run, other: Run) -> None:
    """Raise ``ValueError`` for runs that were tested on different samples, or know other classes."""
    if not np.array_equal(run.test_ids, other.test_ids):
        raise ValueError(f"runs {run.id} and {other.id} were tested on different samples: their ids differ")
    names, others = _names(run), _names(other)
    if not np.array_equal(run.test_labels, other.test_labels) or (names and others and names != others):
        raise ValueError(f"runs {run.id} and {other.id} have other classes, or the same in another order")


def _names(run: Run) -> tuple[str, ...]:
    return tuple(map(str, run.facts.get("class_names") or ()))


def paired_logits(
    student_logits: ArrayLike, teacher_logits: ArrayLike, parties: tuple[str, str] = ("student", "teacher")
) -> tuple[np.ndarray, np.ndarray]:
    """Both as finite (N, C), in the precision they came in; a teacher of (K, N, C) is an ensemble of K.

    Args:
        student_logits: (N, C).
        teacher_logits: (N, C) or (K, N, C).
        parties: what the two are called in a message.

    Raises:
        TypeError: they are no real numbers.
        ValueError: shapes differ, there are no samples or fewer than two classes, or a value is not finite.
    """
    student, teacher = checked_logits(student_logits, parties[0]), joined(teacher_logits, parties[1])
    if student.shape != teacher.shape:
        wrong = "numbers of samples" if len(student) != len(teacher) else "numbers of classes"
        raise ValueError(
            f"{parties[0]} logits {student.shape} and {parties[1]} logits {plain(teacher_logits, parties[1]).shape} differ in "
            f"shape: {wrong} must be the same"
        )
    return student, teacher


def joined(logits: ArrayLike, party: str) -> np.ndarray:
    """Finite (N, C) of one model, or of an ensemble of K from (K, N, C).

    Raises:
        TypeError: as ``checked_logits``.
        ValueError: likewise.
    """
    array = plain(logits, f"{party} logits")
    if array.ndim == 3 and array.size:
        return ensembled(checked_logits(array.reshape(-1, array.shape[-1]), party).reshape(array.shape))
    return checked_logits(array, party)


def checked_logits(logits: ArrayLike, party: str) -> np.ndarray:
    """Finite (N, C), in the precision they came in; the message uses the party's name.

    Raises:
        TypeError: they are no real numbers.
        ValueError: there are no samples or fewer than two classes, or a value is not finite.
    """
    array = plain(logits, f"{party} logits")
    if array.ndim != 2 or not len(array):
        raise ValueError(f"{party} logits must be (N, C) with one sample or more, got {array.shape}")
    if array.shape[1] < 2:
        raise ValueError(f"{party} logits {array.shape} have one class; all models agree on it, two are needed")
    return numbers(array, f"{party} logits")


def ensembled(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities (N, C) of the mean of K models' probabilities: (K, N, C) float64 inside.

    Formula: ``log sum_k p_k - log K`` with ``p_k = softmax(z_k)``, summed as logarithms.
    """
    from scipy.special import log_softmax, logsumexp

    return logsumexp(log_softmax(np.asarray(logits, np.float64), axis=-1), axis=0) - np.log(len(logits))


def classes_of(labels: ArrayLike, logits: np.ndarray) -> np.ndarray:
    """Labels as (N,) int64 that are columns of the (N, C) logits.

    Raises:
        TypeError: they are no whole numbers.
        ValueError: another shape, another number of them, or one that is not a class.
    """
    found = indices(labels, "labels")
    if found.shape != logits.shape[:1]:
        raise ValueError(f"labels {found.shape} do not go with logits {logits.shape}: one label per sample is needed")
    if found.min() < 0 or found.max() >= logits.shape[1]:
        shown = f"{found.min()} to {found.max()}"
        raise ValueError(f"labels must be whole numbers from 0 to {logits.shape[1] - 1}, got {shown}")
    return found


def names_of(class_names: Sequence[str], classes: int) -> tuple[str, ...]:
    """C names; the numbers if none are given.

    Raises:
        ValueError: another number of names.
    """
    if class_names and len(class_names) != classes:
        raise ValueError(f"{len(class_names)} class names for {classes} classes")
    return tuple(map(str, class_names or range(classes)))


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


def tied(logits: np.ndarray) -> int:
    """In how many rows the largest logit is not the only one of its size."""
    return int(((logits == logits.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())


def output_warnings(**logits: np.ndarray) -> tuple[str, ...]:
    """A warning for each party whose outputs are probabilities, or whose class was decided by the tie rule somewhere."""
    found = [
        f"{party}: every row is a probability distribution; it is read as logits: give the logits, or log-probabilities"
        for party, values in logits.items()
        if probabilities(values)
    ]
    counts = {party: tied(values) for party, values in logits.items()}
    return (
        *found,
        *(
            f"{party}: {plural(count, 'sample')} have several classes with the largest logit; the first of them counts"
            for party, count in counts.items()
            if count
        ),
    )


def probabilities(outputs: np.ndarray) -> bool:
    """Whether all rows (N, C) are distributions: not negative, and each with a sum of 1."""
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(axis=1, dtype=np.float64), 1, atol=1e-3))
