"""How often do student and teacher say the same, and is that more than their accuracies force?

How it is measured: both classify the same N held-out samples. ``top1`` is the share on which both pick the same class,
``forward_kl`` how far the student's probabilities are from the teacher's, and every sample falls into one of four
outcomes: both right, student only (progress), teacher only (regress), both wrong.

Formula:
    top1 = mean_n 1[argmax s_n = argmax t_n];  forward_kl = mean_n KL(softmax(t_n) || softmax(s_n)), temperature 1.
    With accuracies a and b:  max(0, a + b - 1) <= top1 <= 1 - |a - b|.
    phi = (top1 - independent) / (1 - |a - b| - independent), independent the share that two models with these
    confusions reach by knowing the label alone; kappa is Cohen's (see ``chance``).
    Shares carry Wilson's interval; everything else a percentile bootstrap over samples, from one table of counts.

Reading it: judge ``top1`` against its bounds, never alone: models of 75 % and 95 % must agree on 70 % of the samples.
``phi`` takes that out: 0 is what two unrelated models of these accuracies give, 1 all that is possible. What was taken
over shows where the teacher is wrong: there two unrelated models rarely pick the same wrong class.
When it misleads: few samples, or few teacher errors; hard samples make unrelated models err alike, so ``phi`` must be
read beside that of a student that never met the teacher. The intervals are over samples, not over seeds.
``mode="paper"``: a short last batch weighs as much in the divergence as a full one, as in the released code.
After: Stanton et al. 2021, section 3; bounds, outcomes, phi, intervals are ours. Cost: O(N C), 1,000 resamples; 0.5 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.agreement.measure_chance import Picks, bounds
from workbench.diagnostics.agreement.measure_distances import forward_kl
from workbench.diagnostics.outputs import classes_of, names_of, output_warnings, pair_of, paired_logits
from workbench.maths.intervals import proportion_interval, share_interval
from workbench.maths.resampling import interval_of, resampled
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, estimate
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import between, number, percent, plural

Mode = Literal["corrected", "paper"]
OUTCOMES = ("both_right", "student_only", "teacher_only", "both_wrong")
BATCH, FEW = 128, 30
PROVENANCE = {
    "paper": "Stanton et al.: Does Knowledge Distillation Really Work? NeurIPS 2021, arXiv:2106.05945",
    "fidelity": "corrected",
    "ours": "bounds, outcomes, phi and intervals",
}


@dataclass(frozen=True)
class Agreement(Result):
    """What student and teacher have in common on N samples of C classes; shares are in [0, 1].

    Attributes:
        top1: share on which both pick the same class.
        lowest, highest: what the two accuracies allow.
        phi: the part of the possible agreement beyond what the labels explain; 1 is all; NaN where there is no room.
        kappa, weighted_kappa: Cohen's, without and with credit for near misses; NaN where both always pick one class.
        independent: the share that knowing the label alone would give.
        forward_kl: mean KL(teacher || student) in nats.
        top1_teacher_wrong: share of the same class where the teacher is wrong; NaN where it never is.
        both_right, student_only, teacher_only, both_wrong: numbers of samples, adding up to n.
        student_accuracy, teacher_accuracy: share of labels met.
        picked: (P, 3) whole numbers: the teacher's class, the student's, and how many samples, where there are any.
        n: samples; seed: of the bootstrap.
        class_names: C names.
        warnings: what weakens the numbers; provenance: the paper, and what is ours.
        runs: that were compared, for a panel; not saved.
    """

    top1: Interval
    lowest: float
    highest: float
    phi: Interval
    kappa: Interval
    weighted_kappa: Interval
    independent: float
    forward_kl: Interval
    top1_teacher_wrong: Interval
    both_right: int
    student_only: int
    teacher_only: int
    both_wrong: int
    student_accuracy: Interval
    teacher_accuracy: Interval
    picked: np.ndarray
    n: int
    seed: int
    class_names: tuple[str, ...]
    warnings: tuple[str, ...]
    provenance: dict[str, str]
    runs: tuple[Run, ...] = field(default=(), compare=False, repr=False)

    def save(self, path: str | Path) -> Path:
        """Write all numbers to one ``.npz`` file; the runs are in the store."""
        return replace(self, runs=()).save(path) if self.runs else super().save(path)

    def rows(self) -> list[dict[str, Any]]:
        """The numbers; the weighted kappa only where a credit was given."""
        return [row for row in super().rows() if row["quantity"] != "weighted_kappa" or row["value"] == row["value"]]

    @property
    def confusion(self) -> np.ndarray:
        """Samples by the teacher's class (row) and the student's (column), (C, C)."""
        table = np.zeros((len(self.class_names),) * 2, np.int64)
        table[self.picked[:, 0], self.picked[:, 1]] = self.picked[:, 2]
        return table

    @property
    def shares(self) -> dict[str, Interval]:
        """The four outcomes as shares of all samples, each with its interval."""
        return {name: proportion_interval(getattr(self, name), self.n) for name in OUTCOMES}

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        text = (
            f"Student and teacher pick the same class on {estimate(self.top1, percent)} of {plural(self.n, 'sample')}. With "
            f"their accuracies ({percent(self.student_accuracy.mean)} and {percent(self.teacher_accuracy.mean)}) "
            f"{between(self.lowest, self.highest, percent)} are possible. The student is right where the teacher is "
            f"wrong on {plural(self.student_only, 'sample')}, and wrong where the teacher is right on {self.teacher_only:,}."
        )
        if np.isfinite(self.phi.mean):
            text += (
                f" Two models that share nothing but the labels would agree on {percent(self.independent)}; phi, 0 at that "
                f"agreement and 1 at the highest possible one, is {estimate(self.phi)}."
            )
        if (wrong := self.top1_teacher_wrong).n:
            text += (
                f" Where the teacher is wrong ({plural(wrong.n, 'sample')}), the student picks the same class on "
                f"{estimate(wrong, percent)}."
            )
        if np.isfinite(self.weighted_kappa.mean):
            text += (
                f" Kappa is {number(self.kappa.mean)}, with credit for near misses {number(self.weighted_kappa.mean)}."
            )
        return f"{text} The mean divergence KL(teacher, student) of their probabilities is {number(self.forward_kl.mean)} nats."


@checked_arguments
def agreement(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    labels: ArrayLike,
    *,
    class_names: Sequence[str] = (),
    credit: ArrayLike | None = None,
    mode: Mode = "corrected",
    seed: Seed = 0,
) -> Agreement:
    """Compare two models on the same samples.

    Args:
        student_logits: (N, C).
        teacher_logits: (N, C), same samples in the same order; or (K, N, C), an ensemble of K.
        labels: (N,) classes.
        class_names: C names; the numbers by default.
        credit: (C, C) how much a pair of classes counts as agreement in ``weighted_kappa``; see ``chance.credit_of``.
        mode: ``paper`` averages the divergence as the authors' code does.
        seed: of the bootstrap.

    Raises:
        ValueError: shapes differ, fewer than two classes, values that are not finite, labels that are not classes, or
            another number of names.
    """
    student_logits, teacher_logits = paired_logits(student_logits, teacher_logits)
    labels, classes = classes_of(labels, student_logits), student_logits.shape[1]
    picks = Picks(student_logits.argmax(axis=1), teacher_logits.argmax(axis=1), labels, classes, credit)
    apart, n = forward_kl(student_logits, teacher_logits), len(labels)

    def measures(counts: np.ndarray) -> np.ndarray:
        return np.column_stack([counts @ apart / n, picks.measures(counts)[:, 1:]])

    drawn, points = resampled(n, measures, seed=seed).T, measures(np.ones((1, n)))[0]
    intervals = [interval_of(*each, n) for each in zip(drawn, points, strict=True)]
    found = assembled(picks, np.ones(n), intervals, names_of(class_names, classes), seed)
    found = replace(found, warnings=found.warnings + output_warnings(student=student_logits, teacher=teacher_logits))
    return found if mode == "corrected" else _as_released(found, apart)


@checked_arguments
def agreement_of(
    run: Run, against: Run | None = None, *, credit: ArrayLike | None = None, mode: Mode = "corrected"
) -> Agreement:
    """The agreement of a run's student with its teacher, or with another run's student, on the test samples.

    Args:
        run: a finished run of a classification.
        against: a run on the same test samples whose student takes the teacher's place, such as the control's.
        credit: as in ``agreement``.
        mode: likewise.

    Raises:
        KeyError: the run has no outputs of a teacher.
        ValueError: the runs were tested on different samples, or as ``agreement``.
    """
    pair = pair_of(run, against)
    given = {"class_names": pair.class_names, "credit": credit, "mode": mode}
    found = agreement(pair.student, pair.teacher, pair.labels, **given)
    return replace(found, runs=(run,) if against is None else (run, against))


def assembled(
    picks: Picks, counts: np.ndarray, intervals: Sequence[Interval], class_names: tuple[str, ...], seed: int
) -> Agreement:
    """All that follows from how often each combination of label and two classes occurred.

    Args:
        picks: the combinations; one per sample, or each that occurs once.
        counts: how often each occurred.
        intervals: of ``forward_kl``, ``phi``, ``kappa`` and ``weighted_kappa``, which do not follow from these.
        class_names: C names.
        seed: of the bootstrap.
    """
    right, taught = (classes == picks.labels for classes in (picks.student, picks.teacher))
    cases = (right & taught, right & ~taught, ~right & taught, ~(right | taught))

    def among(hits: np.ndarray, where: np.ndarray | slice = slice(None)) -> Interval:
        return share_interval(counts[where] @ hits[where], counts[where].sum())

    accuracy, known = among(right), among(taught)
    lowest, highest = bounds(accuracy.mean, known.mean, picks.classes)
    pairs, places = np.unique(picks.teacher * picks.classes + picks.student, return_inverse=True)
    met = np.bincount(places, counts).round()
    return Agreement(
        top1=among(picks.same),
        lowest=lowest,
        highest=highest,
        **dict(zip(("forward_kl", "phi", "kappa", "weighted_kappa"), intervals, strict=True)),
        independent=float(picks.measures(counts[None])[0, 0]),
        top1_teacher_wrong=among(picks.same, ~taught),
        **{name: int(counts @ hits) for name, hits in zip(OUTCOMES, cases, strict=True)},
        student_accuracy=accuracy,
        teacher_accuracy=known,
        picked=np.column_stack([*divmod(pairs, picks.classes), met]).astype(np.int64),
        n=int(counts.sum()),
        seed=seed,
        class_names=class_names,
        warnings=_warnings(picks, counts, int(counts @ ~taught), intervals[1]),
        provenance=dict(PROVENANCE),
    )


def _as_released(found: Agreement, apart: np.ndarray) -> Agreement:
    batches = [apart[start : start + BATCH].mean() for start in range(0, len(apart), BATCH)]
    divergence = Interval(float(np.mean(batches)), np.nan, np.nan, len(apart), "none")
    return replace(found, forward_kl=divergence, provenance={**PROVENANCE, "fidelity": "paper"})


def _warnings(picks: Picks, counts: np.ndarray, wrong: int, phi: Interval) -> tuple[str, ...]:
    found = [f"only {plural(n, 'sample')}: the intervals are wide"] if (n := int(counts.sum())) < FEW else []
    if len(np.unique(picks.labels)) == 1:
        found.append("all samples have the same label")
    if wrong == 0:
        found.append("the teacher is right on every sample: whether the student shares its errors is not known")
    elif wrong < FEW:
        found.append(
            f"the teacher is wrong on only {plural(wrong, 'sample')}: what the student does there is uncertain"
        )
    if np.isnan(phi.mean):
        found.append("the accuracies leave no room for agreement beyond them: phi is undefined")
    return tuple(found)


def _percent(share: Interval) -> str:
    return f"{share.mean:.1%} ({100 * share.level:g} % interval {share.low:.1%} to {share.high:.1%})"
