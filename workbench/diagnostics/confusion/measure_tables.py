"""The two tables behind a confusion, and what chance, resampling and repetition would give for the same samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.diagnostics.confusion.measure_similarity import off_diagonal, similarity
from workbench.maths.resampling import bootstrap_counts

Mode = Literal["corrected", "paper"]
TINY = 1e-8
"""What the released code adds to every count."""

HALVES = 50
ENTRIES = 500_000
"""Entries of resampled tables at a time."""


@dataclass(frozen=True)
class Samples:
    """N samples, those of one class next to each other.

    Attributes:
        probabilities: (N, C) of the teacher.
        chosen: (N,) class the student picks.
        labels: (N,) ascending.
        classes: C.
    """

    probabilities: np.ndarray
    chosen: np.ndarray
    labels: np.ndarray
    classes: int

    @classmethod
    def of(cls, student_logits: np.ndarray, teacher_logits: np.ndarray, labels: np.ndarray) -> Samples:
        """From (N, C) logits twice and (N,) labels."""
        from scipy.special import softmax

        order = np.argsort(labels, kind="stable")
        soft = softmax(teacher_logits[order].astype(np.float64), axis=1)
        return cls(soft, student_logits[order].argmax(axis=1), labels[order], student_logits.shape[1])


@dataclass(frozen=True)
class Tables:
    """By class of the label: (..., C, C), with leading axes where there are several.

    Attributes:
        soft: the teacher's mean probabilities; NaN for classes without samples.
        counts: samples by the class the student picks.
        samples: (..., C) of each class.
    """

    soft: np.ndarray
    counts: np.ndarray
    samples: np.ndarray


def tables(of: Samples, weights: np.ndarray | None = None) -> Tables:
    """Both tables, each sample counted as often as its (..., N) weight says."""
    w = np.ones(len(of.labels)) if weights is None else weights
    shape = (*w.shape[:-1], of.classes, of.classes)
    soft, counts, choices = np.full(shape, np.nan), np.zeros(shape), np.eye(of.classes)
    for label in np.unique(of.labels):
        rows = slice(*np.searchsorted(of.labels, [label, label + 1]))
        part = w[..., rows]
        total = part.sum(axis=-1)[..., None]
        sums = part @ of.probabilities[rows]
        soft[..., label, :] = np.where(total > 0, sums / np.where(total > 0, total, 1), np.nan)
        counts[..., label, :] = part @ choices[of.chosen[rows]]
    return Tables(soft, counts, counts.sum(axis=-1))


def off_diagonals(found: Tables, mode: Mode) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The teacher's and the student's rows without diagonal, (..., C, C - 1) each, and which (..., C) of them count.

    Rows that do not count hold zeros.
    """
    soft, errors = np.nan_to_num(off_diagonal(found.soft)), off_diagonal(found.counts)
    if mode == "paper":
        used = found.samples > 0
        return soft, np.where(used[..., None], (errors + TINY) / _divisor(found.samples), 0.0), used
    used = errors.sum(axis=-1) > 0
    smoothed = np.where(used[..., None], errors + 1 / errors.shape[-1], 0.0)
    soft = np.where(used[..., None], soft, 0.0)
    return soft / _divisor(soft.sum(axis=-1)), smoothed / _divisor(smoothed.sum(axis=-1)), used


def null(found: Tables, mode: Mode, resamples: int, seed: int) -> np.ndarray:
    """(R, 5) similarities when the student's errors are shuffled within each row."""
    soft, hard, used = off_diagonals(found, mode)
    generator, pieces = np.random.default_rng([seed, 1]), []
    for count in _counts(resamples, soft.size):
        shuffled = generator.permuted(np.broadcast_to(hard, (count, *hard.shape)), axis=-1)
        every = np.broadcast_to(soft, shuffled.shape)
        pieces.append(similarity(every, shuffled, np.broadcast_to(used, (count, *used.shape))))
    return np.concatenate(pieces)


def resampled(of: Samples, mode: Mode, resamples: int, seed: int) -> np.ndarray:
    """(R, 5) similarities of resampled samples."""
    pieces = []
    for drawn in bootstrap_counts(len(of.labels), resamples=resamples, seed=seed):
        for weights in np.split(drawn, np.cumsum(_counts(len(drawn), of.classes**2))[:-1]):
            pieces.append(similarity(*off_diagonals(tables(of, weights), mode)))
    return np.concatenate(pieces)


def repeated(of: Samples, mode: Mode, seed: int) -> np.ndarray:
    """(3, 5) mean similarity of one half of the samples with the other.

    First the teacher's table on both, then the student's on both, then the teacher's on one and the student's on the other.
    Each class is halved; the halves are drawn anew several times.
    """
    generator = np.random.default_rng([seed, 2])
    first = np.zeros((HALVES, len(of.labels)))
    for half in first:
        half[np.lexsort((generator.random(len(half)), of.labels))[::2]] = 1
    soft, hard, used = off_diagonals(tables(of, first), mode)
    other_soft, other_hard, also = off_diagonals(tables(of, 1 - first), mode)
    pairs = ((soft, other_soft), (hard, other_hard), (soft, other_hard))
    return np.array([_means(similarity(*pair, used & also)) for pair in pairs])


def of_equal_structure(found: Tables, mode: Mode, resamples: int, seed: int) -> np.ndarray:
    """(R, 5) similarities of a student that errs as often in each class, exactly as the teacher's soft labels say."""
    soft = np.nan_to_num(off_diagonal(found.soft))
    errors = off_diagonal(found.counts).sum(axis=-1).astype(np.int64)
    total = soft.sum(axis=-1, keepdims=True)
    chance = np.where(total > 0, soft / np.where(total > 0, total, 1), 1 / soft.shape[-1])
    generator, pieces = np.random.default_rng([seed, 3]), []
    for count in _counts(resamples, soft.size):
        counts = np.zeros((count, *found.counts.shape))
        counts[..., ~np.eye(len(errors), dtype=bool)] = generator.multinomial(
            errors, chance, size=(count, len(errors))
        ).reshape(count, -1)
        counts += np.eye(len(errors)) * (found.samples - errors)
        drawn = Tables(np.broadcast_to(found.soft, counts.shape), counts, counts.sum(axis=-1))
        pieces.append(similarity(*off_diagonals(drawn, mode)))
    return np.concatenate(pieces)


def _divisor(totals: np.ndarray) -> np.ndarray:
    return np.where(totals > 0, totals, 1.0)[..., None]


def _counts(resamples: int, entries: int) -> list[int]:
    """How many resamples at a time."""
    most = max(1, ENTRIES // entries)
    return [min(most, resamples - start) for start in range(0, resamples, most)]


def _means(values: np.ndarray) -> np.ndarray:
    """(R, 5) -> (5,) over what is defined."""
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
