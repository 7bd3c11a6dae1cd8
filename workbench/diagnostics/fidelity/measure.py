"""How faithfully does the student repeat what its teacher says, beyond the class it picks?

How it is measured: distances between both models' probabilities at several temperatures, in both directions, and how
alike they rank the classes.

Formula: see ``distances``. Intervals: percentile bootstrap over samples, all from one table of counts, so that measures
may be compared with each other.

Reading it: ``forward_kl`` punishes a student that rules out what the teacher thinks possible, ``reverse_kl`` one that
thinks possible what the teacher rules out; total variation, Hellinger and Jensen-Shannon distances are bounded. A high
temperature shows the order of the small probabilities, in which dark knowledge lies; so do ``kendall``, ``top_k`` and
``non_target`` (does it find the same second best), which need no temperature. Two unrelated models of C classes have
``kendall`` 0, ``top_k`` k / C and ``non_target`` 1 / (C - 1), but models that learnt the same labels exceed that: read
them beside a student trained on labels only.
When it misleads: at a temperature far above the logits' scale everything is close, so distances of different
temperatures are not comparable (multiply a divergence by T^2 to see how a loss weighs it); one very sure and wrong
student dominates an unbounded divergence; a student that is faithful need not be accurate.
After: Stanton et al. 2021 (predictive KL, teacher first, temperature 1); Mason-Williams et al. 2025 (activation and
Jensen-Shannon distance); the rest is ours.
Cost: O(K N C) for K temperatures and O(N C^2) for the ranks; 1.5 s for N = 10,000 and C = 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.agreement.measure_distances import (
    SOFT,
    kendall,
    non_target_match,
    soft_distances,
    top_k_overlap,
)
from workbench.diagnostics.outputs import classes_of, pair_of, paired_logits
from workbench.maths.resampling import bootstrap_means, percentile_interval
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, estimate
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import number, percent, plural

TEMPERATURES = (1.0, 2.0, 4.0, 8.0)
MOST_PAIRS = 500_000_000
"""Pairs of classes that are compared for ``kendall``; of more samples an even share is taken."""
PROVENANCE = {
    "paper": "Stanton et al.: Does Knowledge Distillation Really Work? NeurIPS 2021, arXiv:2106.05945",
    "fidelity": "corrected",
    "ours": "further temperatures and distances, ranks and intervals",
}


@dataclass(frozen=True)
class Fidelity(Result):
    """Distances between two models' outputs on N samples of C classes.

    Attributes:
        temperatures: (K,).
        measures: M names of distances.
        means: (M, K) mean distance.
        lows: (M, K) lower bounds, in nats for the divergences.
        highs: (M, K) upper bounds.
        kendall: mean tau-b of the classes' order, in [-1, 1]; NaN where a model knows no order.
        top_k: mean share of the k first classes that both have.
        k: for it.
        non_target: share with the same first class among those that are not the label.
        n: samples.
        seed: of the bootstrap.
        warnings: what weakens the numbers.
        provenance: the papers, and what is ours.
    """

    temperatures: np.ndarray
    measures: tuple[str, ...]
    means: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    kendall: Interval
    top_k: Interval
    k: int
    non_target: Interval
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def distance(self, measure: str, temperature: float = 1.0) -> Interval:
        """One distance at one temperature.

        Raises:
            KeyError: it was not measured; the message lists what was.
        """
        columns = np.flatnonzero(np.isclose(self.temperatures, temperature))
        if measure not in self.measures or not len(columns):
            known = f"{', '.join(self.measures)} at {', '.join(f'{t:g}' for t in self.temperatures)}"
            raise KeyError(f"no {measure!r} at temperature {temperature:g}; measured: {known}")
        at = self.measures.index(measure), columns[0]
        return Interval(float(self.means[at]), float(self.lows[at]), float(self.highs[at]), self.n, "percentile")

    def rows(self) -> list[dict[str, Any]]:
        """The ranks, then a row per distance and temperature."""
        found = [
            {"quantity": f"{m} at temperature {t:g}", "value": each.mean, "low": each.low, "high": each.high}
            for m in self.measures
            for t in self.temperatures.tolist()
            for each in [self.distance(m, t)]
        ]
        return super().rows() + found

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        first = float(self.temperatures[0])
        forward, reverse = (self.distance(name, first) for name in ("forward_kl", "reverse_kl"))
        text = (
            f"At temperature {number(first)} the divergence KL(teacher, student) is {estimate(forward)} nats and "
            f"KL(student, teacher) {estimate(reverse)} nats, means over {plural(self.n, 'sample')}{_leaning(forward, reverse)}."
        )
        if np.isfinite(self.kendall.mean):
            text += f" Kendall's tau of the two orders of the classes is {estimate(self.kendall)}."
        else:
            text += " The orders of the classes could not be compared: there are too few classes, or ties only."
        return (
            f"{text} Of the first {self.k} classes {estimate(self.top_k, percent)} are the same; the best class beside the "
            f"label is the same on {estimate(self.non_target, percent)} of the samples."
        )


@checked_arguments
def fidelity(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    labels: ArrayLike,
    *,
    temperatures: Sequence[float] = TEMPERATURES,
    k: int = 5,
    seed: Seed = 0,
) -> Fidelity:
    """Measure all distances.

    Args:
        student_logits: (N, C).
        teacher_logits: (N, C), same samples in the same order; or (K, N, C), an ensemble of K.
        labels: (N,) classes.
        temperatures: that soften both.
        k: first classes that are compared, at most C - 1.
        seed: of the bootstrap.

    Raises:
        ValueError: as ``agreement``, or no temperature, one that is not positive, or k below 1.
    """
    student, teacher = paired_logits(student_logits, teacher_logits)
    labels, n, classes = classes_of(labels, student), len(student), student.shape[1]
    if not len(temperatures) or k < 1:
        raise ValueError(f"{len(temperatures)} temperatures and k = {k}: one temperature and k = 1 or more are needed")
    k = min(k, classes - 1)
    columns = [soft_distances(student, teacher, tuple(SOFT), temperature) for temperature in temperatures]
    table = np.column_stack(
        [*columns, top_k_overlap(student, teacher, k), non_target_match(student, teacher, labels)],
    )
    means, tails = table.mean(axis=0), np.quantile(bootstrap_means(table, seed=seed), [0.025, 0.975], axis=0)
    soft = [each[:-2].reshape(len(temperatures), len(SOFT)).T.copy() for each in (means, *tails)]
    rank, shares = _ranks(student, teacher, seed), zip(means[-2:], *tails[:, -2:], strict=True)
    overlap, non_target = (Interval(*map(float, each), n, "percentile") for each in shares)
    return Fidelity(
        temperatures=np.asarray(temperatures, np.float64),
        measures=tuple(SOFT),
        means=soft[0],
        lows=soft[1],
        highs=soft[2],
        kendall=rank,
        top_k=overlap,
        k=k,
        non_target=non_target,
        n=n,
        seed=seed,
        warnings=_warnings(n, classes, rank),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def fidelity_of(run: Run, against: Run | None = None, *, temperatures: Sequence[float] = TEMPERATURES) -> Fidelity:
    """The same for the student of a run and its teacher, or another run's student, on the test samples.

    Raises:
        KeyError: the run has no outputs of a teacher.
        ValueError: as ``agreement_of`` and ``fidelity``.
    """
    pair = pair_of(run, against)
    return fidelity(pair.student, pair.teacher, pair.labels, temperatures=temperatures)


def _leaning(forward: Interval, reverse: Interval) -> str:
    """Which of the two divergences is larger, where their intervals do not overlap."""
    if forward.low > reverse.high:
        return "; the first is the larger one, as where the student excludes classes that its teacher allows"
    if reverse.low > forward.high:
        return "; the second is the larger one, as where the student allows classes that its teacher excludes"
    return ""


def _ranks(student: np.ndarray, teacher: np.ndarray, seed: int) -> Interval:
    """Kendall's tau on as many samples as ``MOST_PAIRS`` allows, evenly taken."""
    pairs = student.shape[1] * (student.shape[1] - 1) // 2
    every = max(1, -(-len(student) * pairs // MOST_PAIRS))
    values = kendall(student[::every], teacher[::every])
    known = values[np.isfinite(values)]
    if not len(known):
        return Interval(np.nan, np.nan, np.nan, 0, "none")
    return percentile_interval(bootstrap_means(known, seed=seed), known.mean(), len(known))


def _warnings(n: int, classes: int, rank: Interval) -> tuple[str, ...]:
    found = []
    if n < 30:
        found.append(f"only {plural(n, 'sample')}: the intervals are wide")
    if classes == 2:
        found.append(
            "with two classes there is one class beside the label: its agreement and the first class's say it all"
        )
    if rank.n < n:
        found.append(f"the order of the classes was compared on {rank.n:,} of {plural(n, 'sample')}")
    return tuple(found)
