"""Which samples does one model win and which does it lose against another?

How it is measured: both classify the same N labelled samples. Against a baseline (a student trained on labels only, an
older model, or the teacher) every sample is progress (only the model is right), regress (only the baseline is), or
common (both right, or both wrong).

Formula:
    positive_flips = progress / N;  negative_flips = regress / N;  churn = share of samples with another class;
    net = positive_flips - negative_flips, the difference of the accuracies, with a paired bootstrap interval;
    relative_negative = negative_flips / (baseline's accuracy x model's error): 1 if the model's errors did not care
    what the baseline knew, 0 if nothing is lost.
    McNemar's test on progress and regress, exact, mid-p and with chi2 (see ``mcnemar``).

Reading it: two models of equal accuracy may still contradict each other on many samples; whoever replaces one by the
other pays for each regress. A net gain counts only if the test and the interval say so.
When it misleads: the test speaks of these two models, not of their recipes: another seed of the same recipe flips
samples too (compare with ``seed_disagreement``). A teacher in the baseline's place makes regress what was not learnt.
After: McNemar 1947; Yan et al. 2021 (negative flips); Milani Fard et al. 2016 (churn). Cost: O(N C).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.outputs import classes_of, names_of, output_warnings, outputs_of, pair_of, paired_logits
from workbench.maths.intervals import share_interval
from workbench.maths.resampling import bootstrap_means, interval_of
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, bounds
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import number, percent, plural, points


class McNemar(NamedTuple):
    """Three versions of McNemar's test on the samples where only one of two models is right.

    With n01 and n10 samples on which only the first, only the second is right, n = n01 + n10, X ~ Binomial(n, 1/2):
    exact = min(1, 2 P(X <= min(n01, n10))); mid-p = exact - P(X = min(n01, n10));
    chi2 = (|n01 - n10| - 1)^2 / n against one degree of freedom.
    The exact test is conservative for few discordant samples; mid-p is nearer to its level. Both are about this test set
    and these two models, not about other seeds. McNemar 1947; Edwards 1948 (correction); Fagerland et al. 2013 (mid-p).

    Attributes:
        exact: two-sided p of the binomial test.
        mid_p: the same with half the weight of what was observed.
        chi2: statistic with continuity correction; 0 without discordant samples.
        chi2_p: its p.
    """

    exact: float
    mid_p: float
    chi2: float
    chi2_p: float


def mcnemar(only_first: int, only_second: int) -> McNemar:
    """The test for two discordant counts; p is 1 where there are none.

    Raises:
        ValueError: a negative count.

    Example:
        >>> found = mcnemar(10, 2)
        >>> f"{found.exact:.5f} {found.chi2:.3f}"
        '0.03857 4.083'
    """
    from scipy.stats import binom, chi2

    if only_first < 0 or only_second < 0:
        raise ValueError(f"{only_first} and {only_second} discordant samples: counts are 0 or more")
    few, n = min(only_first, only_second), only_first + only_second
    if n == 0:
        return McNemar(1.0, 1.0, 0.0, 1.0)
    tail, point = float(binom.cdf(few, n, 0.5)), float(binom.pmf(few, n, 0.5))
    statistic = max(abs(only_first - only_second) - 1, 0) ** 2 / n
    return McNemar(min(1.0, 2 * tail), min(1.0, 2 * tail - point), float(statistic), float(chi2.sf(statistic, 1)))


FLIPS = ("common_right", "progress", "regress", "common_wrong")
FEW = 10
PROVENANCE = {
    "paper": "Yan et al.: Positive-Congruent Training, CVPR 2021, arXiv:2011.09161",
    "fidelity": "corrected",
    "ours": "intervals, tests and what the teacher says about the flips",
}


@dataclass(frozen=True)
class Flips(Result):
    """One model against a baseline on N samples of C classes.

    Attributes:
        common_right, progress, regress, common_wrong: numbers of samples, adding up to n.
        wrong_alike: of ``common_wrong``, those with the same wrong class.
        accuracy: of the model.
        baseline_accuracy: of the baseline.
        positive_flips: share of progress.
        negative_flips: share of regress.
        net: the difference of the accuracies.
        churn: share of samples with another class.
        relative_negative: regress over what unrelated errors would give; NaN where the model makes none.
        p_exact: McNemar's exact p.
        p_mid: its mid-p.
        chi2: statistic with continuity correction.
        p_chi2: its p.
        progress_taught: of ``progress``, the share where the teacher is right too; NaN without a teacher.
        regress_taught: of ``regress``, the share where the teacher makes the model's error; likewise.
        progress_by_class: (C,) numbers by label.
        regress_by_class: (C,) likewise.
        against: what the baseline is called.
        n: samples.
        seed: of the bootstrap.
        class_names: C names.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    common_right: int
    progress: int
    regress: int
    common_wrong: int
    wrong_alike: int
    accuracy: Interval
    baseline_accuracy: Interval
    positive_flips: Interval
    negative_flips: Interval
    net: Interval
    churn: Interval
    relative_negative: Interval
    p_exact: float
    p_mid: float
    chi2: float
    p_chi2: float
    progress_taught: Interval
    regress_taught: Interval
    progress_by_class: np.ndarray
    regress_by_class: np.ndarray
    against: str
    n: int
    seed: int
    class_names: tuple[str, ...]
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        text = (
            f"Compared with {self.against} on {plural(self.n, 'sample')}, the student is newly right on {self.progress:,} and "
            f"newly wrong on {self.regress:,}: a net change of {points(self.net.mean)} points ({bounds(self.net, points)}; "
            f"McNemar's exact p = {number(self.p_exact)}). The two pick different classes on {percent(self.churn.mean)} of "
            "them."
        )
        if self.progress_taught.n:
            text += f" The teacher is right on {percent(self.progress_taught.mean)} of those newly right."
        if (lost := self.regress_taught).n:
            text += f" The teacher makes the same error on {percent(lost.mean)} of those newly wrong."
        return text


@checked_arguments
def flips(
    logits: ArrayLike,
    baseline_logits: ArrayLike,
    labels: ArrayLike,
    *,
    teacher_logits: ArrayLike | None = None,
    against: str = "the baseline",
    class_names: Sequence[str] = (),
    seed: Seed = 0,
) -> Flips:
    """Compare a model with a baseline, sample by sample.

    Args:
        logits: (N, C) of the model.
        baseline_logits: (N, C), same samples in the same order.
        labels: (N,) classes.
        teacher_logits: (N, C) of the model's teacher, to see where flips come from.
        against: what the baseline is called.
        class_names: C names; the numbers by default.
        seed: of the bootstrap.

    Raises:
        ValueError: as ``agreement``.
    """
    model, baseline = paired_logits(logits, baseline_logits)
    labels, names = classes_of(labels, model), names_of(class_names, model.shape[1])
    said, before = model.argmax(axis=1), baseline.argmax(axis=1)
    right, known = said == labels, before == labels
    won, lost, wrong = right & ~known, ~right & known, ~(right | known)
    taught = None if teacher_logits is None else paired_logits(model, teacher_logits)[1].argmax(axis=1)
    net, relative = _differences(right, known, seed)
    test = mcnemar(int(won.sum()), int(lost.sum()))
    return Flips(
        common_right=int((right & known).sum()),
        progress=int(won.sum()),
        regress=int(lost.sum()),
        common_wrong=int(wrong.sum()),
        wrong_alike=int((said == before)[wrong].sum()),
        accuracy=_share(right),
        baseline_accuracy=_share(known),
        positive_flips=_share(won),
        negative_flips=_share(lost),
        net=net,
        churn=_share(said != before),
        relative_negative=relative,
        p_exact=test.exact,
        p_mid=test.mid_p,
        chi2=test.chi2,
        p_chi2=test.chi2_p,
        progress_taught=_share((taught == labels)[won]) if taught is not None else _share(won[:0]),
        regress_taught=_share((taught == said)[lost]) if taught is not None else _share(won[:0]),
        progress_by_class=np.bincount(labels[won], minlength=len(names)),
        regress_by_class=np.bincount(labels[lost], minlength=len(names)),
        against=against,
        n=len(labels),
        seed=seed,
        class_names=names,
        warnings=_warnings(won, lost) + output_warnings(model=model, baseline=baseline),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def flips_of(run: Run, against: Run | None = None) -> Flips:
    """A run's student against another run's student, or against its own teacher, on the test samples.

    Args:
        run: a finished run of a classification.
        against: the baseline's run on the same test samples; the teacher if None.

    Raises:
        KeyError: the run has no outputs of a teacher.
        ValueError: the runs were tested on different samples, or as ``flips``.
    """
    pair, names = pair_of(run, against), {}
    if against is None:
        names = {"against": "its teacher"}
    elif "teacher" in run.predictions:
        names = {"against": against.method["name"].replace("_", " "), "teacher_logits": outputs_of(run, "teacher")}
    return flips(pair.student, pair.teacher, pair.labels, class_names=pair.class_names, **names)


def codes_of(logits: np.ndarray, baseline_logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,) index into ``FLIPS`` for each sample."""
    right, known = logits.argmax(axis=1) == labels, baseline_logits.argmax(axis=1) == labels
    return np.select([right & known, right, known], [0, 1, 2], 3)


def _differences(right: np.ndarray, known: np.ndarray, seed: int) -> tuple[Interval, Interval]:
    """``net`` and ``relative_negative``."""
    table = np.column_stack([right, known, known & ~right]).astype(np.float64)
    drawn, (accuracy, before, lost) = bootstrap_means(table, seed=seed).T, table.mean(axis=0)

    def relative(accuracy: np.ndarray, before: np.ndarray, lost: np.ndarray) -> np.ndarray:
        unrelated = before * (1 - accuracy)
        return lost / np.where(unrelated > 0, unrelated, np.nan)

    return (
        interval_of(drawn[0] - drawn[1], accuracy - before, len(table)),
        interval_of(relative(*drawn), float(relative(accuracy, before, lost)), len(table)),
    )


def _share(hits: np.ndarray) -> Interval:
    return share_interval(hits.sum(), len(hits))


def _warnings(won: np.ndarray, lost: np.ndarray) -> tuple[str, ...]:
    flipped = int((won | lost).sum())
    if flipped < FEW:
        return (f"only {plural(flipped, 'sample')} flip: no test can tell the two models apart",)
    return ()
