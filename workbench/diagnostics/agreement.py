"""How often do student and teacher say the same, and is that more than their accuracies force?

How it is measured: both classify the same N held-out samples. ``top1`` is the share on which both pick the same class,
``forward_kl`` how far the student's probabilities are from the teacher's, and every sample falls into one of four
outcomes: both right, student only (progress), teacher only (regress), both wrong.

Formula:
    top1 = mean_n 1[argmax s_n = argmax t_n];  forward_kl = mean_n KL(softmax(t_n) || softmax(s_n)), temperature 1.
    With accuracies a and b:  max(0, a + b - 1) <= top1 <= 1 - |a - b|.
    Shares carry Wilson's interval; the divergence carries a percentile bootstrap over samples.

Reading it: judge ``top1`` against its bounds, never alone. Two good models must agree on most samples: 75 % and 95 %
accurate ones on at least 70 %. What the student took over from its teacher shows where the teacher is wrong: there
two unrelated models rarely pick the same wrong class.
When it misleads: few samples, or few teacher errors; ties count for the first class. One run says nothing about other
seeds: the intervals are over samples only.
After: Stanton et al. 2021, section 3 (top-1 agreement and predictive KL); bounds, outcomes and intervals are ours.
Cost: O(N C) and 1,000 resamples of N numbers; 0.2 s for N = 10,000 and C = 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.outputs import classes_of, forward_kl, outputs_of, paired_logits
from workbench.records.interval import Interval
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.statistics.intervals import proportion_interval
from workbench.statistics.resampling import bootstrap_means, percentile_interval

OUTCOMES = ("both_right", "student_only", "teacher_only", "both_wrong")
FEW = 30
PROVENANCE = {
    "paper": "Stanton et al.: Does Knowledge Distillation Really Work? NeurIPS 2021, arXiv:2106.05945",
    "fidelity": "paper",
    "ours": "bounds, outcomes and intervals",
}


@dataclass(frozen=True)
class Agreement(Result):
    """What student and teacher have in common on N samples of C classes; shares are in [0, 1].

    Attributes:
        top1: share on which both pick the same class.
        lowest: the least share that the two accuracies allow.
        highest: the largest one.
        forward_kl: mean KL(teacher || student) in nats.
        top1_teacher_wrong: share of the same class where the teacher is wrong; NaN where it never is.
        both_right, student_only, teacher_only, both_wrong: numbers of samples, adding up to n.
        student_accuracy, teacher_accuracy: share of labels met.
        confusion: (C, C) samples by the teacher's class (row) and the student's (column).
        n: samples.
        seed: of the bootstrap.
        class_names: C names.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    top1: Interval
    lowest: float
    highest: float
    forward_kl: Interval
    top1_teacher_wrong: Interval
    both_right: int
    student_only: int
    teacher_only: int
    both_wrong: int
    student_accuracy: Interval
    teacher_accuracy: Interval
    confusion: np.ndarray
    n: int
    seed: int
    class_names: tuple[str, ...]
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    @property
    def shares(self) -> dict[str, Interval]:
        """The four outcomes as shares of all samples, each with its interval."""
        return {name: proportion_interval(getattr(self, name), self.n) for name in OUTCOMES}

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        text = (
            f"Student and teacher pick the same class on {_percent(self.top1)} of {self.n:,} samples. Their accuracies "
            f"({self.student_accuracy.mean:.1%} and {self.teacher_accuracy.mean:.1%}) allow {self.lowest:.1%} to "
            f"{self.highest:.1%}. The student is right where its teacher is not on {self.student_only:,} samples and "
            f"wrong where it is right on {self.teacher_only:,}."
        )
        wrong = self.top1_teacher_wrong
        if wrong.n:
            text += f" Where the teacher is wrong ({wrong.n:,} samples), the student follows it on {_percent(wrong)}."
        return f"{text} Their probabilities are {self.forward_kl.mean:.3g} nats apart."


def agreement(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    labels: ArrayLike,
    *,
    class_names: Sequence[str] = (),
    seed: int = 0,
) -> Agreement:
    """Compare two models on the same samples.

    Args:
        student_logits: (N, C).
        teacher_logits: (N, C), same samples in the same order.
        labels: (N,) classes.
        class_names: C names; the numbers by default.
        seed: of the bootstrap.

    Raises:
        ValueError: shapes differ, fewer than two classes, values that are not finite, labels that are not classes, or
            another number of names.
    """
    student_logits, teacher_logits = paired_logits(student_logits, teacher_logits)
    labels, classes = classes_of(labels, student_logits), student_logits.shape[1]
    if class_names and len(class_names) != classes:
        raise ValueError(f"{len(class_names)} class names for {classes} classes")
    student, teacher = student_logits.argmax(axis=1), teacher_logits.argmax(axis=1)
    right, taught = student == labels, teacher == labels
    lowest, highest = bounds(right.mean(), taught.mean())
    return Agreement(
        top1=_share(student == teacher),
        lowest=lowest,
        highest=highest,
        forward_kl=_mean(forward_kl(student_logits, teacher_logits), seed),
        top1_teacher_wrong=_share((student == teacher)[~taught]),
        both_right=int((right & taught).sum()),
        student_only=int((right & ~taught).sum()),
        teacher_only=int((~right & taught).sum()),
        both_wrong=int((~right & ~taught).sum()),
        student_accuracy=_share(right),
        teacher_accuracy=_share(taught),
        confusion=np.bincount(teacher * classes + student, minlength=classes**2).reshape(classes, classes),
        n=len(labels),
        seed=seed,
        class_names=tuple(map(str, class_names or range(classes))),
        warnings=_warnings(labels, taught),
        provenance=dict(PROVENANCE),
    )


def agreement_of(run: Run, against: Run | None = None) -> Agreement:
    """The agreement of a run's student with its teacher, or with another run's student, on the test samples.

    Args:
        run: a finished run of a classification.
        against: a run on the same test samples whose student takes the teacher's place, such as the control's.

    Raises:
        KeyError: the run has no outputs of a teacher.
        ValueError: the runs were tested on different samples, or as ``agreement``.
    """
    other, party = (run, "teacher") if against is None else (against, "student")
    if not np.array_equal(run.test_ids, other.test_ids):
        raise ValueError(f"runs {run.id} and {other.id} were tested on different samples: their ids differ")
    names = run.facts.get("class_names") or ()
    return agreement(outputs_of(run, "student"), outputs_of(other, party), run.test_labels, class_names=names)


def bounds(student_accuracy: float, teacher_accuracy: float) -> tuple[float, float]:
    """The least and the largest share of samples on which models of these accuracies can pick the same class.

    Example:
        >>> low, high = bounds(0.55, 0.95)
        >>> f"{low:.2f} {high:.2f}"
        '0.50 0.60'
    """
    return max(0.0, float(student_accuracy + teacher_accuracy - 1)), 1 - float(abs(student_accuracy - teacher_accuracy))


def _share(hits: np.ndarray) -> Interval:
    if not len(hits):
        return Interval(np.nan, np.nan, np.nan, 0, "none")
    return proportion_interval(int(hits.sum()), len(hits))


def _mean(values: np.ndarray, seed: int) -> Interval:
    return percentile_interval(bootstrap_means(values, seed=seed), values.mean(), len(values))


def _warnings(labels: np.ndarray, taught: np.ndarray) -> tuple[str, ...]:
    found, wrong = [], int((~taught).sum())
    if len(labels) < FEW:
        found.append(f"only {len(labels)} samples: the intervals are wide")
    if len(np.unique(labels)) == 1:
        found.append("all samples have the same label")
    if wrong == 0:
        found.append("the teacher is right on every sample, so nothing shows whether the student takes its errors over")
    elif wrong < FEW:
        found.append(f"the teacher is wrong on only {wrong} samples: what the student does there is uncertain")
    return tuple(found)


def _percent(share: Interval) -> str:
    return f"{share.mean:.1%} ({100 * share.level:g} % interval {share.low:.1%} to {share.high:.1%})"
