"""How much worse is a net on new samples than on those it learnt from, in a loss that cannot exceed one?

How it is measured: the mean loss on test samples minus that on training samples. Both losses lie in [0, 1]: the share of
wrong classes, and half the Brier score.

Formula: gap = L_test - L_train;  0-1: 1[argmax z != y];  Brier: 1/2 |softmax(z) - onehot(y)|^2.
Reading it: zero is a net that does as well on new samples; bounds on the gap need a bounded loss.
When it misleads: teacher and student may have learnt from different samples; a test set of a few hundred makes the 0-1
gap a coarse number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.outputs import classes_of
from workbench.records.batch import UNLABELLED

LOSSES = ("0-1", "brier")


class Gaps(NamedTuple):
    """Gaps of m students and of their k different teachers, in both ``LOSSES``.

    Attributes:
        students: (m, 2).
        teachers: (k, 2).
        taught_by: (m,) which of the teachers taught each student.
    """

    students: np.ndarray
    teachers: np.ndarray
    taught_by: np.ndarray


def bounded_losses(logits: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Mean of both ``LOSSES`` over the labelled samples, (2,).

    Args:
        logits: (N, C).
        labels: (N,) classes, ``UNLABELLED`` where there is none.

    Raises:
        ValueError: no sample has a label, or the shapes differ.
    """
    from scipy.special import softmax

    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    known = labels != UNLABELLED
    if labels.shape != logits.shape[:1] or not known.any():
        raise ValueError(f"labels {labels.shape} of logits {logits.shape}: {known.sum()} known; one or more are needed")
    logits = logits[known]
    labels = classes_of(labels[known], logits)
    apart = softmax(logits, axis=1) - np.eye(logits.shape[1])[labels]
    return np.array([(logits.argmax(1) != labels).mean(), np.square(apart).sum(1).mean() / 2])


def generalization_gaps(
    train_logits: ArrayLike, train_labels: ArrayLike, test_logits: ArrayLike, test_labels: ArrayLike
) -> np.ndarray:
    """Test loss minus training loss for both ``LOSSES``, (2,).

    Args:
        train_logits: (N, C) of the samples it learnt from.
        train_labels: (N,).
        test_logits: (K, C) of others.
        test_labels: (K,).

    Raises:
        ValueError: as ``bounded_losses``.
    """
    return bounded_losses(test_logits, test_labels) - bounded_losses(train_logits, train_labels)
