"""Where the teacher is wrong, does the student follow it, more than a student that never met it?

How it is measured: agreement with the teacher's class separately on the samples where the teacher is wrong and where it
is right, for the student and for reference students that did not learn from this teacher: one trained on labels only
(independent), one whose soft targets were given to the wrong samples or are noise (random control).

Formula (A(M | W) the share of the samples W on which M picks the teacher's class; S student, B reference):
    same_error   share of the same wrong class where both the teacher and M are wrong;
                 by chance 1 / (C - 1), or, from the confusions, sum_y w_y sum_k P_T(k | y, wrong) P_M(k | y, wrong).
    gain_wrong   A(S | T wrong) - A(B | T wrong): what following the teacher added to its errors;
    gain_right   A(S | T right) - A(B | T right): what it added to its knowledge;
    asymmetry    gain_wrong - gain_right: positive where errors are handed on more readily than knowledge.
    Shares carry Wilson's interval, differences a paired percentile bootstrap over samples.

Reading it: without a reference none of this shows a transfer. Hard samples mislead all models, so ``same_error`` far
above chance is usual even for models that never met; a difference to the reference is what the teacher did.
When it misleads: the teacher's errors are few, so ``gain_wrong`` has a wide interval; a reference that is near perfect
where the teacher is right leaves ``gain_right`` no room, which alone makes the asymmetry positive; another seed gives
another student: a claim about methods needs several (see the finding ``random_control``).
After: Mason-Williams et al. 2025 (independent and random-control students, asymmetry of what is handed on); this form
of the asymmetry, the chance levels and the intervals are ours. Cost: O(N C) and 1,000 resamples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.outputs import classes_of, pair_of, paired_logits
from workbench.maths.intervals import share_interval
from workbench.maths.resampling import bootstrap_means, interval_of
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, bounds, compared
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import percent, plural, points

STUDENT = "student"
FEW = 30
PROVENANCE = {
    "paper": "Mason-Williams et al.: A Functional Perspective on Knowledge Distillation, arXiv:2510.12615",
    "fidelity": "proposed",
    "ours": "conditional shares, chance levels, this form of the asymmetry and intervals",
}


@dataclass(frozen=True)
class InheritedErrors(Result):
    """Agreement with a teacher of N samples, where it is wrong and where it is right.

    Attributes:
        models: ``student`` and the names of the references.
        when_wrong: by model, share of the teacher's class where the teacher is wrong.
        when_right: by model, the same where it is right.
        same_error: by model, share of the same class where both are wrong.
        chance: by model, what ``same_error`` would be if its wrong classes did not depend on the teacher's.
        uniform_chance: 1 / (C - 1).
        gain_wrong: by reference, student minus reference where the teacher is wrong.
        gain_right: by reference, the same where it is right.
        asymmetry: by reference, the first of these minus the second.
        teacher_wrong: number of samples on which the teacher is wrong.
        n: samples.
        seed: of the bootstrap.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
        runs: of the models, for a panel; not saved.
    """

    models: tuple[str, ...]
    when_wrong: dict[str, Interval]
    when_right: dict[str, Interval]
    same_error: dict[str, Interval]
    chance: dict[str, float]
    uniform_chance: float
    gain_wrong: dict[str, Interval]
    gain_right: dict[str, Interval]
    asymmetry: dict[str, Interval]
    teacher_wrong: int
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str] = field(default_factory=lambda: dict(PROVENANCE))
    runs: tuple[Run, ...] = field(default=(), compare=False, repr=False)

    def save(self, path: str | Path) -> Path:
        """Write all numbers to one ``.npz`` file; the runs are in the store."""
        return replace(self, runs=()).save(path) if self.runs else super().save(path)

    def rows(self) -> list[dict[str, Any]]:
        """A row per quantity and model."""
        names = ("when_wrong", "when_right", "same_error", "gain_wrong", "gain_right", "asymmetry")
        found = [
            {"quantity": f"{name}, {model}", "value": each.mean, "low": each.low, "high": each.high}
            for name in names
            for model, each in getattr(self, name).items()
        ]
        return super().rows() + found

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        wrong, right, same = self.when_wrong[STUDENT], self.when_right[STUDENT], self.same_error[STUDENT]
        if not wrong.n:
            return f"The teacher is right on all {plural(self.n, 'sample')}: there is no error of it that a student could share."
        text = (
            f"The teacher is wrong on {self.teacher_wrong:,} of {plural(self.n, 'sample')}; the student picks its class on "
            f"{percent(wrong.mean)} of them"
        )
        text += f" and on {percent(right.mean)} of the others." if right.n else "."
        if same.n:
            text += (
                f" Where both are wrong ({plural(same.n, 'sample')}), {percent(same.mean)} are the same error; independent "
                f"wrong answers would coincide in {percent(self.chance[STUDENT])}."
            )
        text += "".join(self._against(name) for name in self.asymmetry)
        return text if self.asymmetry else f"{text} Without a reference student this is no evidence of a transfer."

    def _against(self, name: str) -> str:
        """What a reference student adds."""
        words = ("points", "more often", "less often")
        wrong, right = (
            compared(found[name], *words, equal="equally often", write=points)
            for found in (self.gain_wrong, self.gain_right)
        )
        if not self.when_right[STUDENT].n:
            return f" Compared with {name}, the student picks the teacher's class {wrong} where the teacher is wrong."
        found = self.asymmetry[name]
        return (
            f" Compared with {name}, the student picks the teacher's class {wrong} where the teacher is wrong and {right} "
            f"where it is right. Asymmetry, the first difference minus the second: {points(found.mean)} points "
            f"({bounds(found, points)})."
        )


@checked_arguments
def inherited_errors(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    labels: ArrayLike,
    references: Mapping[str, ArrayLike] | None = None,
    *,
    seed: Seed = 0,
) -> InheritedErrors:
    """Compare a student and reference students with a teacher's errors.

    Args:
        student_logits: (N, C).
        teacher_logits: (N, C), same samples in the same order; or (K, N, C), an ensemble of K.
        labels: (N,) classes.
        references: (N, C) logits of students that did not learn from this teacher, by name.
        seed: of the bootstrap.

    Raises:
        ValueError: as ``agreement``, or a reference is called ``student``.
    """
    student, teacher = paired_logits(student_logits, teacher_logits)
    labels, classes = classes_of(labels, student), student.shape[1]
    references = references or {}
    if STUDENT in references:
        raise ValueError(f"a reference is called {STUDENT!r}; that is the name of the student itself")
    picks = {STUDENT: student.argmax(axis=1)}
    picks |= {name: paired_logits(logits, teacher)[0].argmax(axis=1) for name, logits in references.items()}
    taught = teacher.argmax(axis=1)
    wrong = taught != labels
    same = {name: chosen == taught for name, chosen in picks.items()}
    both = {name: wrong & (chosen != labels) for name, chosen in picks.items()}
    gains = {name: _gains(same[STUDENT], same[name], wrong, seed) for name in references}
    return InheritedErrors(
        models=tuple(picks),
        when_wrong={name: _share(hits[wrong]) for name, hits in same.items()},
        when_right={name: _share(hits[~wrong]) for name, hits in same.items()},
        same_error={name: _share(same[name][both[name]]) for name in picks},
        chance={name: coincidence(labels[at], picks[name][at], taught[at], classes) for name, at in both.items()},
        uniform_chance=1 / (classes - 1),
        gain_wrong={name: found[0] for name, found in gains.items()},
        gain_right={name: found[1] for name, found in gains.items()},
        asymmetry={name: found[2] for name, found in gains.items()},
        teacher_wrong=int(wrong.sum()),
        n=len(labels),
        seed=seed,
        warnings=_warnings(wrong, same, references),
    )


@checked_arguments
def inherited_errors_of(run: Run, references: Mapping[str, Run] | None = None) -> InheritedErrors:
    """The same for a run's student and teacher, with the students of other runs on the same test samples.

    Args:
        run: a finished run of a classification.
        references: runs by name, such as ``{"labels only": ..., "permuted targets": ...}``.

    Raises:
        KeyError: the run has no outputs of a teacher.
        ValueError: a run was tested on other samples, or as ``inherited_errors``.
    """
    pair = pair_of(run)
    references = references or {}
    others = {name: pair_of(run, other).teacher for name, other in references.items()}
    found = inherited_errors(pair.student, pair.teacher, pair.labels, others)
    return replace(found, runs=(run, *references.values()))


def coincidence(labels: np.ndarray, student: np.ndarray, teacher: np.ndarray, classes: int) -> float:
    """Share of equal classes if, within each label, those of the student were dealt anew among its samples: (n,) thrice.

    NaN without samples.
    """
    if not len(labels):
        return np.nan
    tables = [np.zeros((classes, classes)) for _ in range(2)]
    for table, chosen in zip(tables, (student, teacher), strict=True):
        np.add.at(table, (labels, chosen), 1)
    met = np.maximum(np.bincount(labels, minlength=classes), 1)
    return float(((tables[0] * tables[1]).sum(axis=1) / met).sum() / len(labels))


def asymmetry(student: np.ndarray, reference: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """``gain_wrong``, ``gain_right`` and their difference from means over (weighted) samples: three (..., 2) to (..., 3).

    Args:
        student: means of agreement with the teacher on the samples where it is wrong, and where it is right.
        reference: the same of the reference.
        wrong: share of samples where the teacher is wrong, and where it is right.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        gains = (student - reference) / wrong
    return np.concatenate([gains, gains[..., :1] - gains[..., 1:]], axis=-1)


def _gains(student: np.ndarray, reference: np.ndarray, wrong: np.ndarray, seed: int) -> list[Interval]:
    where = np.stack([wrong, ~wrong], axis=1).astype(np.float64)
    table = np.concatenate([where * student[:, None], where * reference[:, None], where], axis=1)
    drawn, point = bootstrap_means(table, seed=seed), table.mean(axis=0)
    found, estimates = (asymmetry(each[..., :2], each[..., 2:4], each[..., 4:]) for each in (drawn, point))
    counts = (int(wrong.sum()), int((~wrong).sum()), len(wrong))
    return [interval_of(column, mean, n) for column, mean, n in zip(found.T, estimates, counts, strict=True)]


def _share(hits: np.ndarray) -> Interval:
    return share_interval(hits.sum(), len(hits))


def _warnings(wrong: np.ndarray, same: Mapping[str, np.ndarray], references: Mapping[str, Any]) -> tuple[str, ...]:
    found, errors = [], int(wrong.sum())
    if errors == 0:
        found.append("the teacher is right on every sample: there is no error to take over")
    elif errors < FEW:
        found.append(f"the teacher is wrong on only {plural(errors, 'sample')}: what happens there is uncertain")
    if not references:
        found.append("no reference student: agreement on errors alone does not show that they came from the teacher")
    for name in references:
        if (~wrong).any() and same[name][~wrong].mean() > 0.99:
            found.append(f"{name} agrees with the teacher wherever it is right: the asymmetry cannot be negative there")
    return tuple(found)
