"""Does a student mix up the classes that its teacher finds alike: is confusion the teacher's dark knowledge?

How it is measured: the teacher's mean probabilities on the samples of each class, and how often the student takes that
class for another one; both without the diagonal. They are compared with what shuffling the student's errors within each
row would give, and with how well both tables of one half of the samples repeat on the other half.

Formula:
    A[j] = mean over samples of class j of softmax(t);  B[j] = share of these samples that the student gives to each class.
    ``corrected``: rows without diagonal are divided by their sum, B after adding one error spread over the wrong classes;
    classes without samples or without errors are left out. ``paper``: as they are, with 1e-8 added to the counts.
    Pearson and Spearman over all entries; cosine, soft IoU (sum of minima / sum of maxima) and overlap of the largest
    three as means over classes. Intervals resample the samples; the median of the resamples is moved to the estimate,
    since a resampled confusion is noisier than the confusion, which lowers every similarity, and they are widened (by 1.15
    to 1.5) until they cover. They are of what other N samples would show, not of endless ones, which would show more: few
    errors make every similarity smaller, as they make the ceiling smaller.
    Coverage in simulation (nominal 95 %; 3 mixtures of equal and unequal structure, N of 300 to 2,000, C of 4 and 10):
    0.92 to 1; without the widening 0.81 to 1.
    B's one error spread is the mean under a Dirichlet prior of 1 / (C - 1) per wrong class, for classes with few errors.
    ceiling: each number's mean for students that make as many errors in each class, drawn from the teacher's soft labels:
    what equal structures show with so few errors. Soft IoU of equal structures was 0.57 on average at N = 400 and C = 10.
    teachers: the same numbers between the soft labels of two teachers, the other way to see how high they can be.
Reading it: above the null, the student errs towards what the teacher finds alike; at the ceiling, as much as so few
errors can show. A student trained on labels only can be alike too: then the data are, not the teaching.
When it misleads: few errors; Pearson follows a few large entries; in the paper's form hard classes are large in both
tables, which correlates without any shared structure. Both tables come from the same samples, and an odd sample counts in
both: ``disjoint`` takes one half for each.
After: Kang and Kim, ICPR 2026, section 4.1, and their code; null, ceiling, overlap and intervals are ours.
Cost: O(R (N C + C^2 log C)) for R resamples; about a second for N = 1,000 and C = 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import numbers
from workbench.diagnostics.confusion.measure_numbers import (
    against_chance,
    between_teachers,
    by_class,
    compared,
    intervals,
    named,
    repeatability,
)
from workbench.diagnostics.confusion.measure_similarity import NAMES
from workbench.diagnostics.confusion.measure_tables import Mode, Samples, Tables, off_diagonals, tables
from workbench.diagnostics.outputs import (
    check_alike,
    check_classification,
    classes_of,
    names_of,
    outputs_of,
    paired_logits,
)
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, estimate
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import between, number, plural

FEW = 30

PROVENANCE = {
    "paper": "Kang and Kim: What Do Students Learn? A Feature-Level Analysis of Dark Knowledge, ICPR 2026",
    "ours": "permutation null, ceiling, overlap, smoothing, intervals",
    "coverage": "in simulation 95 % intervals held what other samples of this size show in 92 to 100 % of the cases",
}

BETWEEN_ROWS = ("cosine", "soft_iou")
"""Means over classes whose standard deviation is told."""


@dataclass(frozen=True)
class Confusion(Result):
    """A student's confusion beside its teacher's soft labels, on n samples of C classes.

    Attributes:
        mode: ``corrected`` or ``paper``.
        pearson, spearman: correlation over all pairs of different classes.
        cosine, soft_iou, top_overlap: means over classes.
        cosine_sd, soft_iou_sd: their standard deviations over classes.
        cosine_by_class, soft_iou_by_class: (C,); NaN for classes left out.
        null: by number, mean and middle 95 % when errors are shuffled within rows.
        p: by number, share of shuffles that reach it.
        ceiling: by number, what a student would show whose errors are drawn from the teacher's soft labels, as many per
            class; NaN where it is not defined.
        repeatability: by number, the student's confusion on one half of the samples against the other half.
        disjoint: by number, the soft labels of one half against the confusion of the other half.
        teachers: by number, the soft labels of another teacher against this one's; empty without another.
        other: by number, the same in the other mode.
        soft, counts: (C, C) by label: the teacher's mean probabilities, and samples by the student's class.
        errors: samples the student gets wrong.
        n: samples.
        seed: of shuffles and resamples.
        class_names: C names.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    mode: str
    pearson: Interval
    spearman: Interval
    cosine: Interval
    soft_iou: Interval
    top_overlap: Interval
    cosine_sd: float
    soft_iou_sd: float
    cosine_by_class: np.ndarray
    soft_iou_by_class: np.ndarray
    null: dict[str, Interval]
    p: dict[str, float]
    ceiling: dict[str, float]
    repeatability: dict[str, float]
    disjoint: dict[str, float]
    teachers: dict[str, float]
    other: dict[str, float]
    soft: np.ndarray
    counts: np.ndarray
    errors: int
    n: int
    seed: int
    class_names: tuple[str, ...]
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def off_diagonals(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows that are compared, (C, C - 1): the teacher's, the student's, and which (C,) of them count."""
        return off_diagonals(Tables(self.soft, self.counts, self.counts.sum(axis=1)), self.mode)

    def rows(self) -> list[dict[str, Any]]:
        """A row per number with everything it is compared with: chance, halves, the other form, and a second teacher."""
        return rows_of(self)

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        if np.isnan(self.pearson.mean):
            return (
                f"On {plural(self.n, 'sample')} with {plural(self.errors, 'error')} the correlation of confusion and dark knowledge is not "
                "defined: one of the two tables is flat."
            )
        by_chance, most = self.null["pearson"], self.ceiling
        second = (
            f" Two teachers' soft labels correlate at {number(self.teachers['pearson'])} with each other."
            if self.teachers
            else ""
        )
        return (
            f"Over all pairs of different classes, the student's confusion correlates with the teacher's mean soft labels "
            f"at {estimate(self.pearson)}; errors shuffled within each class: {between(by_chance.low, by_chance.high)}; a "
            f"student of the teacher's very structure with {plural(self.errors, 'error')}: {number(most['pearson'])}. With "
            "soft labels of one half of the samples and errors of the other it is "
            f"{number(self.disjoint['pearson'])}. Per class, cosine {number(self.cosine.mean)} (ceiling "
            f"{number(most['cosine'])}) and soft IoU {number(self.soft_iou.mean)} (ceiling {number(most['soft_iou'])}). "
            f"In the other form ({'paper' if self.mode == 'corrected' else 'corrected'}) the correlation is "
            f"{number(self.other['pearson'])}.{second}"
        )


@checked_arguments
def confusion(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    labels: ArrayLike,
    *,
    second_teacher: ArrayLike | None = None,
    mode: Mode = "corrected",
    class_names: Sequence[str] = (),
    seed: Seed = 0,
) -> Confusion:
    """Compare a student's confusion with a teacher's soft labels.

    Args:
        student_logits: (N, C).
        teacher_logits: (N, C), same samples in the same order.
        labels: (N,) classes.
        second_teacher: (N, C) of another teacher, to see how alike two teachers are.
        mode: the mended comparison, or the released one with its quirks.
        class_names: C names; the numbers by default.
        seed: of shuffles and resamples.

    Raises:
        ValueError: shapes differ, fewer than three classes, values that are not finite, or labels that are not classes.
    """
    student, teacher = paired_logits(student_logits, teacher_logits)
    labels, classes = classes_of(labels, student), student.shape[1]
    if classes < 3:
        raise ValueError("two classes have one wrong class each, so there is nothing to mix up; three are needed")
    names = names_of(class_names, classes)
    if second_teacher is not None:
        second_teacher = numbers(second_teacher, "outputs of the second teacher", shape="(N, C)", ndim=2)
    of = Samples.of(student, teacher, labels)
    found, values = tables(of), compared(of, mode)
    errors = int(len(labels) - np.trace(found.counts))
    return Confusion(
        mode=mode,
        **by_class(found, mode),
        **intervals(of, mode, values, seed),
        **against_chance(found, mode, values, seed),
        **repeatability(of, found, mode, seed),
        teachers={} if second_teacher is None else between_teachers(teacher, second_teacher, labels, mode),
        other=named(compared(of, "paper" if mode == "corrected" else "corrected")),
        soft=found.soft,
        counts=found.counts.astype(np.int64),
        errors=errors,
        n=len(labels),
        seed=seed,
        class_names=names,
        warnings=_warnings(found, errors, values),
        provenance=PROVENANCE | {"fidelity": mode},
    )


@checked_arguments
def confusion_of(
    run: Run, taught: Run | None = None, second: Run | None = None, *, mode: Mode = "corrected", seed: Seed = 0
) -> Confusion:
    """The same for a run's student and its teacher on the test samples.

    Args:
        run: a finished run of a classification.
        taught: a run whose teacher is compared with, for a student that had none.
        second: a run whose teacher is compared with that teacher, to see how alike two teachers are.
        mode: the mended comparison, or the released one with its quirks.
        seed: of shuffles and resamples.

    Raises:
        KeyError: there are no outputs of a teacher.
        ValueError: not a classification, the runs were tested on different samples or classes, or as ``confusion``.
    """
    check_classification(run)
    other = run if taught is None else taught
    for each in (other, second or other):
        check_alike(run, each)
    names = run.facts.get("class_names") or ()
    student, teacher = outputs_of(run, "student"), outputs_of(other, "teacher")
    further = None if second is None else outputs_of(second, "teacher")
    return confusion(student, teacher, run.test_labels, second_teacher=further, mode=mode, class_names=names, seed=seed)


def _warnings(found: Tables, errors: int, values: np.ndarray) -> tuple[str, ...]:
    notes, wrong = [], found.counts.sum(axis=1) - np.diag(found.counts)
    if errors < FEW:
        notes.append(f"the student makes only {plural(errors, 'error')}: its confusion is hardly known")
    if empty := int((found.samples == 0).sum()):
        notes.append(f"{empty} classes have no samples and are left out")
    if never := int(((wrong == 0) & (found.samples > 0)).sum()):
        notes.append(f"{never} classes are never mistaken; the corrected form leaves them out")
    if missing := [what for what, value in zip(NAMES, values, strict=True) if np.isnan(value)]:
        notes.append(f"not defined, since one of the tables is flat or empty: {', '.join(missing)}")
    return tuple(notes)


def rows_of(found: Confusion) -> list[dict[str, Any]]:
    """One row per number; what is not known is NaN."""
    rows = []
    for name in NAMES:
        here, by_chance = getattr(found, name), found.null[name]
        row: dict[str, Any] = {"quantity": name, "value": here.mean, "low": here.low, "high": here.high}
        row["sd over classes"] = float(getattr(found, f"{name}_sd")) if name in BETWEEN_ROWS else np.nan
        row |= {"shuffled low": by_chance.low, "shuffled high": by_chance.high, "p": found.p[name]}
        row |= {"disjoint halves": found.disjoint[name], "student's halves": found.repeatability[name]}
        row |= {"ceiling": found.ceiling.get(name, np.nan), "two teachers": found.teachers.get(name, np.nan)}
        rows.append(row | {f"{other_of(found)} form": found.other[name]})
    return rows


def other_of(found: Confusion) -> str:
    """The mode that ``other`` is of."""
    return "paper" if found.mode == "corrected" else "corrected"
