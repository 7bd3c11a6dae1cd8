"""How often do two students of the same recipe contradict each other, and is that as often as they err?

How it is measured: students of several seeds classify the same N samples. For every pair: the share on which they pick
different classes, and the mean of their errors.

Formula:
    disagreement = mean over pairs i < j of mean_n 1[argmax z_i = argmax z_j differs];  error = mean over the same pairs;
    gap = disagreement - error. Intervals: Student's t with the jackknife variance over seeds, each left out with all its
    pairs, and the variance over resampled samples, which all seeds share (``workbench.maths.crossed``).

Reading it: where the ensemble of the seeds is calibrated within each class, the expected disagreement equals the
expected error, so that unlabelled data tell the error (generalisation disagreement equality). A gap below 0 says that
the seeds err alike: distilled from one teacher, they may share its errors. It is also the yardstick for ``flips``:
another seed flips that many samples.
When it misleads: the equality fails for data unlike the training set and for uncalibrated ensembles.
After: Jiang et al. 2022 (the equality); intervals are ours. Cost: O(S N C + S^2 N).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import plain
from workbench.diagnostics.outputs import check_classification, checked_logits, classes_of, outputs_of
from workbench.diagnostics.study_runs import arm_of, runs_of
from workbench.maths.crossed import crossed_interval
from workbench.maths.intervals import FEWEST
from workbench.maths.resampling import bootstrap_means
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, bounds
from workbench.records.result import Result
from workbench.records.study import Study
from workbench.records.wording import percent, plural, points

PROVENANCE = {
    "paper": "Jiang et al.: Assessing Generalization of SGD via Disagreement, ICLR 2022, arXiv:2106.13799",
    "fidelity": "corrected",
    "ours": "intervals over seeds and samples",
}


@dataclass(frozen=True)
class SeedDisagreement(Result):
    """S students of one recipe on N samples.

    Attributes:
        disagreement: share of samples on which a pair picks different classes.
        error: share of samples that a student gets wrong.
        gap: disagreement minus error.
        pairs: (P, 2) seeds.
        by_pair: (P, 2) disagreement and mean error of each pair.
        errors: (S,) error of each seed.
        seeds: S of them.
        arm: what they are seeds of.
        n: samples.
        seed: of the bootstrap.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
        study: whose arm it is, for a panel; not saved.
    """

    disagreement: Interval
    error: Interval
    gap: Interval
    pairs: np.ndarray
    by_pair: np.ndarray
    errors: np.ndarray
    seeds: tuple[int, ...]
    arm: str
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]
    study: Study | None = field(default=None, compare=False, repr=False)

    def save(self, path: str | Path) -> Path:
        """Write all numbers to one ``.npz`` file; the study has its own."""
        return replace(self, study=None).save(path) if self.study is not None else super().save(path)

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        gap = self.gap
        said = (
            ""
            if not gap.excludes(0)
            else " Two seeds differ " + ("less" if gap.high < 0 else "more") + " often than they err."
        )
        return (
            f"Two seeds of {self.arm.replace('_', ' ')} pick different classes on {percent(self.disagreement.mean)} of "
            f"{plural(self.n, 'sample')} and are wrong on {percent(self.error.mean)}, means over {plural(len(self.seeds), 'seed')}: "
            f"a difference of {points(gap.mean)} points ({bounds(gap, points)}).{said}"
        )


@checked_arguments
def seed_disagreement(
    logits: ArrayLike, labels: ArrayLike, *, seeds: Sequence[int] = (), arm: str = "the recipe", seed: Seed = 0
) -> SeedDisagreement:
    """Compare students of several seeds with each other.

    Args:
        logits: (S, N, C).
        labels: (N,) classes.
        seeds: S of them; counted from 0 by default.
        arm: what they are seeds of.
        seed: of the bootstrap.

    Raises:
        ValueError: fewer than two seeds, or as ``agreement``.
    """
    logits = plain(logits, "logits")
    if logits.ndim != 3 or len(logits) < 2:
        raise ValueError(f"logits of shape {logits.shape}: (S, N, C) of two seeds or more are needed")
    known = classes_of(labels, checked_logits(logits[0], "seed 0"))
    said = np.stack([checked_logits(each, f"seed {s}").argmax(axis=1) for s, each in enumerate(logits)])
    return _compared(said, known, tuple(seeds) or tuple(range(len(said))), arm, seed)


@checked_arguments
def seed_disagreement_of(study: Study, arm: str | None = None) -> SeedDisagreement:
    """The same for the students of one arm of a study.

    Args:
        study: that knows its store.
        arm: its name; the first method if None.

    Raises:
        KeyError: no such arm.
        ValueError: fewer than two finished seeds, or runs that cannot be compared.
    """
    arm, said, labels, seeds = arm_of(study, arm), [], np.zeros(0, np.int64), []
    for number, run in runs_of(study, arm):
        check_classification(run)
        said.append(outputs_of(run, "student"))
        labels, seeds = run.test_labels, [*seeds, number]
    if len(said) < 2:
        raise ValueError(f"arm {arm!r} has {len(said)} finished seed: two or more are needed to disagree")
    return replace(seed_disagreement(np.stack(said), labels, seeds=seeds, arm=arm), study=study)


def _compared(said: np.ndarray, labels: np.ndarray, seeds: tuple[int, ...], arm: str, seed: int) -> SeedDisagreement:
    first, second = np.triu_indices(len(said), 1)
    wrong = (said != labels).astype(np.float64)
    table = np.stack([said[first] != said[second], (wrong[first] + wrong[second]) / 2]).astype(np.float64)  # (2, P, N)
    by_pair, n = table.mean(axis=2).T, len(labels)
    disagreement, error, gap = _intervals(table, np.stack([first, second]), len(said), seed)
    return SeedDisagreement(
        disagreement=disagreement,
        error=error,
        gap=gap,
        pairs=np.column_stack([np.take(seeds, first), np.take(seeds, second)]),
        by_pair=by_pair,
        errors=wrong.mean(axis=1),
        seeds=tuple(map(int, seeds)),
        arm=arm,
        n=n,
        seed=seed,
        warnings=(f"only {plural(len(seeds), 'seed')}: no interval below {FEWEST}",) if len(seeds) < FEWEST else (),
        provenance=dict(PROVENANCE),
    )


def _intervals(table: np.ndarray, pairs: np.ndarray, seeds: int, seed: int) -> list[Interval]:
    """Of disagreement, error and their difference, over samples and seeds; without bounds below ``FEWEST`` seeds."""
    table = np.concatenate([table, table[:1] - table[1:]])  # (3, P, N)
    n, by_pair, values = table.shape[2], table.mean(axis=2), table.mean(axis=(1, 2))
    if seeds < FEWEST:
        return [Interval(float(value), np.nan, np.nan, seeds, "none") for value in values]
    drawn = bootstrap_means(table.mean(axis=1).T, seed=seed)
    without = np.stack([by_pair[:, (pairs != s).all(axis=0)].mean(axis=1) for s in range(seeds)])
    pseudo = seeds * values - (seeds - 1) * without
    found = [crossed_interval(*each, n) for each in zip(values, pseudo.T, drawn.T, strict=True)]
    return [each.clipped(low, 1.0) for each, low in zip(found, (0.0, 0.0, -1.0), strict=True)]
