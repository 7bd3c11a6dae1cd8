"""The agreement of two models on more samples than fit in memory.

How it is measured: samples come in pieces of any size. Kept is how often each combination of label, teacher's class
and student's class occurred, and count, mean and squared deviations of the divergence; everything else is thrown away.

Formula: as in ``agreement``. Running moments after Chan, Golub and LeVeque (1983). Intervals of ``phi`` and the kappas:
a Poisson bootstrap of the combinations' counts, which is what resampling the samples themselves would give; the
divergence has a t interval, which at these sizes is that of the bootstrap.
When it misleads: the same sample given twice counts twice; only ids could tell, and they are not kept.
Cost: memory of the combinations that occur, at most min(N, C^3), however many samples there are; O(N C).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.agreement.measure import Agreement, assembled
from workbench.diagnostics.agreement.measure_chance import Picks, checked_credit
from workbench.diagnostics.agreement.measure_distances import forward_kl
from workbench.diagnostics.outputs import classes_of, names_of, paired_logits, tied
from workbench.maths.intervals import critical
from workbench.maths.resampling import CHUNK, interval_of
from workbench.records.interval import Interval

RESAMPLES, FEWEST, DRAWS = 1000, 200, 20_000_000
"""Resamples; fewer of very many combinations, where the intervals are narrow and the draws slow."""


class AgreementStream:
    """Takes samples piece by piece; ``result()`` may be asked for at any time.

    Args:
        class_names: C names; the numbers by default.
        seed: of the bootstrap.
        credit: (C, C) as in ``agreement``.

    Example:
        >>> stream = AgreementStream()
        >>> for _ in range(3):
        ...     stream.update([[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [3.0, 0.0]], [0, 1])
        >>> found = stream.result()
        >>> found.n, found.top1.mean
        (6, 0.5)
    """

    def __init__(self, class_names: Sequence[str] = (), seed: int = 0, *, credit: ArrayLike | None = None) -> None:
        """Nothing has been seen."""
        self.class_names, self.seed, self.classes, self.credit = tuple(class_names), seed, 0, credit
        self._codes, self._counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._n, self._mean, self._squares, self._ties = 0, 0.0, 0.0, 0

    def update(
        self,
        student_logits: ArrayLike,
        teacher_logits: ArrayLike,
        labels: ArrayLike,
        *,
        ids: ArrayLike | None = None,
        teacher_ids: ArrayLike | None = None,
    ) -> None:
        """Add some samples.

        Args:
            student_logits: (n, C).
            teacher_logits: (n, C), or (K, n, C) of an ensemble.
            labels: (n,) classes.
            ids: (n,) of the student's samples.
            teacher_ids: (n,) of the teacher's; they must be the same in the same order.

        Raises:
            ValueError: shapes differ, also from those of earlier pieces; ids differ; or as ``agreement``. What was
                added before is kept.
        """
        student, teacher = paired_logits(student_logits, teacher_logits)
        labels, classes = classes_of(labels, student), student.shape[1]
        _check_ids(ids, teacher_ids, len(labels))
        if self.classes and classes != self.classes:
            raise ValueError(f"logits of {classes} classes after {self._n:,} samples of {self.classes}")
        names_of(self.class_names, classes)
        if self.credit is not None:
            checked_credit(self.credit, classes)
        codes = (labels * classes + teacher.argmax(axis=1)) * classes + student.argmax(axis=1)
        self.classes = classes
        self._add(codes)
        self._moments(forward_kl(student, teacher))
        self._ties += tied(student) + tied(teacher)

    def result(self) -> Agreement:
        """The agreement on all samples so far.

        Raises:
            ValueError: there were none.
        """
        if not self._n:
            raise ValueError("no samples yet: call update(student_logits, teacher_logits, labels) first")
        pairs, student = np.divmod(self._codes, self.classes)
        labels, teacher = np.divmod(pairs, self.classes)
        picks, counts = Picks(student, teacher, labels, self.classes, self.credit), self._counts.astype(np.float64)
        drawn = np.concatenate([picks.measures(weights)[:, 1:] for weights in self._resamples()])
        points = picks.measures(counts[None])[0, 1:]
        intervals = [self._divergence(), *(interval_of(*each, self._n) for each in zip(drawn.T, points, strict=True))]
        found = assembled(picks, counts, intervals, names_of(self.class_names, self.classes), self.seed)
        ties = f"{self._ties:,} times several classes had the largest logit; the first of them counted"
        return replace(found, warnings=(*found.warnings, ties)) if self._ties else found

    @property
    def held(self) -> int:
        """Bytes of what is kept of the samples so far."""
        return self._codes.nbytes + self._counts.nbytes

    def _add(self, codes: np.ndarray) -> None:
        new, counts = np.unique(codes, return_counts=True)
        merged, places = np.unique(np.concatenate([self._codes, new]), return_inverse=True)
        totals = np.zeros(len(merged), np.int64)
        np.add.at(totals, places, np.concatenate([self._counts, counts]))
        self._codes, self._counts = merged, totals

    def _moments(self, values: np.ndarray) -> None:
        n, mean = len(values), float(values.mean())
        both, apart = self._n + n, mean - self._mean
        self._squares += float(np.square(values - mean).sum()) + apart**2 * self._n * n / both
        self._mean += apart * n / both
        self._n = both

    def _divergence(self) -> Interval:
        if self._n == 1:
            return Interval(self._mean, np.nan, np.nan, 1, "none")
        half = float(critical(self._n, 0.95)) * (self._squares / (self._n - 1) / self._n) ** 0.5
        return Interval(self._mean, self._mean - half, self._mean + half, self._n, "t")

    def _resamples(self) -> Iterator[np.ndarray]:
        """Chunks (r, G) of Poisson counts around those of the G combinations."""
        size, generator = len(self._counts), np.random.default_rng(self.seed)
        rows, resamples = max(1, CHUNK // size), min(RESAMPLES, max(FEWEST, DRAWS // size))
        for start in range(0, resamples, rows):
            shape = (min(rows, resamples - start), size)
            drawn = generator.poisson(self._counts, shape).astype(np.float64)
            yield np.where(drawn.any(axis=1, keepdims=True), drawn, self._counts)


def _check_ids(ids: ArrayLike | None, teacher_ids: ArrayLike | None, count: int) -> None:
    given = {name: np.asarray(each) for name, each in (("ids", ids), ("teacher_ids", teacher_ids)) if each is not None}
    for name, values in given.items():
        if values.shape != (count,):
            raise ValueError(f"{name} of shape {values.shape} for {count} samples: one id per sample is needed")
    if len(given) == 2:
        differ = np.flatnonzero(given["ids"] != given["teacher_ids"])
        if len(differ):
            first, (mine, other) = differ[0], (values[differ[0]] for values in given.values())
            raise ValueError(
                f"ids differ in {len(differ)} of {count} rows, first in row {first}: {mine} of the student, {other} of "
                "the teacher; both must have seen the same samples in the same order"
            )
