"""What strata are made of: the group of every sample, and its measures; prepared once, asked at any temperature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from workbench.diagnostics.agreement.measure_distances import (
    SOFT,
    kendall,
    non_target_match,
    row_blocks,
    soft_distances,
    top_k_overlap,
)
from workbench.diagnostics.outputs import Pair, classes_of, names_of, paired_logits

By = Literal["class", "confidence", "difficulty"]
SHARES = ("agreement", "student_accuracy", "teacher_accuracy")
ALONE = ("student_only", "teacher_only")
RANKS = ("non_target", "top_k", "kendall")
HARD = (*SHARES, *ALONE, *RANKS)
"""Measures without a temperature: shares, who alone is right, and how alike the classes are ranked (see ``fidelity``)."""
FIRST = 5


class Samples:
    """Two models on the same samples, checked; what does not depend on the temperature is computed once.

    Args:
        pair: their outputs.

    Raises:
        ValueError: the logits cannot be compared.
    """

    def __init__(self, pair: Pair) -> None:
        """Finds the classes that both pick."""
        self.student, self.teacher = paired_logits(pair.student, pair.teacher)
        self.labels = classes_of(pair.labels, self.student)
        right, taught = (z.argmax(axis=1) == self.labels for z in (self.student, self.teacher))
        same = self.student.argmax(axis=1) == self.teacher.argmax(axis=1)
        outcomes = (same, right, taught, right & ~taught, ~right & taught)
        self._known: dict[str, np.ndarray] = dict(zip((*SHARES, *ALONE), outcomes, strict=True))

    def measures(self, names: Sequence[str], temperature: float = 1.0) -> dict[str, np.ndarray]:
        """(N,) of each measure by name; the temperature softens the distances alone.

        Raises:
            KeyError: no such measure.
            ValueError: the temperature is not positive.
        """
        if unknown := [name for name in names if name not in (*HARD, *SOFT)]:
            raise KeyError(f"no measure {unknown[0]!r}; there are {', '.join((*HARD, *SOFT))}")
        soft = [name for name in names if name in SOFT]
        columns = soft_distances(self.student, self.teacher, soft, temperature).T if soft else ()
        distances = dict(zip(soft, columns, strict=True))
        return {name: distances[name] if name in SOFT else self._hard(name) for name in names}

    def _hard(self, name: str) -> np.ndarray:
        if name not in self._known:
            ranks: dict[str, Callable[[], np.ndarray]] = {
                "non_target": lambda: non_target_match(self.student, self.teacher, self.labels),
                "top_k": lambda: top_k_overlap(self.student, self.teacher, min(FIRST, self.student.shape[1] - 1)),
                "kendall": lambda: kendall(self.student, self.teacher),
            }
            self._known[name] = ranks[name]()
        return self._known[name]


def grouped(pair: Pair, by: By, reference: np.ndarray, bins: int = 10) -> tuple[np.ndarray, tuple[str, ...]]:
    """(N,) group of each sample, and the names of the groups.

    Raises:
        ValueError: there is no such property.
    """
    classes = pair.student.shape[1]
    if by == "class":
        return classes_of(pair.labels, pair.student), names_of(pair.class_names, classes)
    if by == "confidence":
        edges = np.linspace(1 / classes, 1, bins + 1)
        sure = _probability(pair.teacher, pair.teacher.argmax(axis=1))
        return np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1), _between(edges)
    if by == "difficulty":
        hard = 1 - _probability(reference, classes_of(pair.labels, reference))
        bins = min(bins, len(hard))
        order = np.argsort(np.argsort(hard, kind="stable"), kind="stable") * bins // len(hard)
        return order, tuple(f"up to {hard[order == k].max():.2g}" for k in range(bins))
    raise ValueError(f"no property {by!r}; there are class, confidence, difficulty")


def _probability(logits: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(N,) probability of one class per sample."""
    from scipy.special import softmax

    found = np.empty(len(logits))
    for rows in row_blocks(logits):
        picked = softmax(logits[rows].astype(np.float64), axis=1)
        found[rows] = np.take_along_axis(picked, chosen[rows][:, None], axis=1)[:, 0]
    return found


def _between(edges: np.ndarray) -> tuple[str, ...]:
    return tuple(f"{low:.2g} to {high:.2g}" for low, high in pairwise(edges))
