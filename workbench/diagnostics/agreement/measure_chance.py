"""How much of an agreement do chance and the two accuracies account for?

Formula (A the share of samples on which both pick the same class, a and b their accuracies, C classes):
    bounds        max(0, a + b - 1) <= A <= 1 - |a - b|; with two classes |a + b - 1| <= A, since two wrong models agree.
    independent   A_ind = sum_y pi_y sum_k P_T(k | y) P_S(k | y): what two models with these confusions would reach if,
                  given the label, they did not know of each other.
    phi           (A - A_ind) / (A_max - A_ind) with A_max = 1 - |a - b|: 0 where nothing but the labels is shared, 1
                  where they agree as often as their accuracies allow. A kappa within each label.
    kappa         Cohen's (A - sum_k p_T(k) p_S(k)) / (1 - ...), which does not know the labels; with ``credit`` (C, C),
                  1 on its diagonal, near misses count in part (Cohen 1968); ``credit_of`` makes it of superclasses.

Each is also computed for weighted samples, so that the bootstrap's counts can be given for them.
After: kappa Cohen 1960 and 1968; the bounds are arithmetic (their example is Stanton et al. 2021); phi is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import numbers

NO_ROOM = 1e-12


def bounds(student_accuracy: float, teacher_accuracy: float, classes: int | None = None) -> tuple[float, float]:
    """The least and the largest share of samples on which models of these accuracies can pick the same class.

    Args:
        student_accuracy: share of labels met.
        teacher_accuracy: likewise.
        classes: with 2, two wrong models always agree, which raises the lower bound.

    Example:
        >>> low, high = bounds(0.55, 0.95)
        >>> f"{low:.2f} {high:.2f}"
        '0.50 0.60'
    """
    both = float(student_accuracy + teacher_accuracy - 1)
    return abs(both) if classes == 2 else max(0.0, both), 1 - float(abs(student_accuracy - teacher_accuracy))


def credit_of(*levels: Sequence[object]) -> np.ndarray:
    """Credit for near misses from a hierarchy: how deep two classes share their groups, over the depth of a class, (C, C).

    Args:
        levels: the group of each of the C classes, the coarsest level first; the classes are one level more.

    Raises:
        ValueError: levels of different lengths.

    Example:
        >>> credit_of(["animal", "animal", "vehicle"], ["pet", "bird", "car"]).round(2).tolist()
        [[1.0, 0.33, 0.0], [0.33, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if len(set(map(len, levels))) != 1:
        raise ValueError(f"levels of {', '.join(str(len(each)) for each in levels) or 'no'} classes; all need the same")
    same = [[[one == other for other in level] for one in level] for level in levels]
    shared = np.cumprod(np.array(same), axis=0).sum(axis=0) / (len(levels) + 1)
    np.fill_diagonal(shared, 1)
    return shared


class Picks:
    """The classes that two models pick for labelled samples, ready to be counted under many weightings.

    Every measure takes counts (r, N), how often each sample counts in each of r weightings, and returns (r,).

    Args:
        student: (N,) classes.
        teacher: (N,) classes.
        labels: (N,) classes.
        classes: C.
        credit: (C, C) how much a pair of classes counts as agreement, teacher's by row; None for no near misses.

    Raises:
        ValueError: the credit is not (C, C) within [0, 1] with ones on the diagonal.
    """

    def __init__(
        self,
        student: np.ndarray,
        teacher: np.ndarray,
        labels: np.ndarray,
        classes: int,
        credit: ArrayLike | None = None,
    ) -> None:
        """Finds out which classes and which pairs of label and class occur, since few of the C^2 do."""
        self.student, self.teacher, self.labels, self.classes = student, teacher, labels, classes
        self.credit = None if credit is None else checked_credit(credit, classes)
        self.same = student == teacher
        self._hits = np.array([self.same, student == labels, teacher == labels], np.float64)
        pairs, (said, taught) = _codes(labels * classes + student, labels * classes + teacher)
        self._met, (met,) = _codes(labels)
        self._label = np.searchsorted(self._met, pairs // classes)
        self._picked, (first, second) = _codes(student, teacher)
        sizes = (len(pairs),) * 2 + (len(self._met),) + (len(self._picked),) * 2
        self._ends = np.cumsum(sizes)[:-1]
        self._counter = _counter(list(zip((said, taught, met, first, second), sizes, strict=True)))

    def measures(self, counts: np.ndarray) -> np.ndarray:
        """``independent``, ``phi``, ``kappa`` and ``weighted_kappa``: (r, N) -> (r, 4).

        ``phi`` is NaN where the accuracies leave no room above ``independent``; a kappa where both always pick the
        same class, and ``weighted_kappa`` without a credit.
        """
        total = counts.sum(axis=1)
        agreed, right, known = self._hits @ counts.T / total
        said, taught, labelled, student, teacher = self._tables(counts)
        met = labelled[:, self._label]
        independent = (said * taught / np.where(met > 0, met, 1)).sum(axis=1) / total
        phi = _beyond(agreed, independent, 1 - np.abs(right - known))
        student, teacher = student / total[:, None], teacher / total[:, None]
        kappa, weighted = _beyond(agreed, (teacher * student).sum(axis=1)), np.full(len(counts), np.nan)
        if self.credit is not None:
            credited = counts @ self.credit[self.teacher, self.student] / total
            among = self.credit[np.ix_(self._picked, self._picked)]
            weighted = _beyond(credited, ((teacher @ among) * student).sum(axis=1))
        return np.column_stack([independent, phi, kappa, weighted])

    def _tables(self, counts: np.ndarray) -> list[np.ndarray]:
        """How often each pair of label and class, each label and each class that occurs was met: (r, ...) each."""
        return np.split((self._counter @ counts.T).T, self._ends, axis=1)


def _codes(*values: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The different ones among several (N,) values, and the place of each of the values in them."""
    found, places = np.unique(np.concatenate(values), return_inverse=True)
    return found, np.split(places, len(values))


def _counter(codes: list[tuple[np.ndarray, int]]) -> Any:
    """A sparse matrix of zeros and ones that counts several codes of the same samples at once."""
    from scipy.sparse import csr_array, vstack

    ones, rows = np.ones(len(codes[0][0])), np.arange(len(codes[0][0]))
    return vstack([csr_array((ones, (code, rows)), shape=(size, len(rows))) for code, size in codes], format="csr")


def _beyond(agreed: np.ndarray, chance: np.ndarray, most: np.ndarray | float = 1.0) -> np.ndarray:
    """The part of the room between chance and what is possible that is used; NaN where there is none."""
    room = most - chance
    return (agreed - chance) / np.where(room > NO_ROOM, room, np.nan)


def checked_credit(credit: ArrayLike, classes: int) -> np.ndarray:
    """As (C, C) float64.

    Raises:
        ValueError: another shape, values outside [0, 1], or others than 1 on the diagonal.
    """
    credit = numbers(credit, "credit").astype(np.float64)
    if credit.shape != (classes, classes):
        raise ValueError(f"credit of shape {credit.shape}; {classes} classes need ({classes}, {classes})")
    if not ((credit >= 0) & (credit <= 1)).all() or (np.diag(credit) != 1).any():
        raise ValueError("credit must lie in [0, 1] with 1 on its diagonal: how much a pair counts as agreement")
    return credit
