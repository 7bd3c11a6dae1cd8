"""Does a student that diverges more from its teacher also generalise worse than it?

How it is measured: over a sweep (arms of a study, or temperatures, weights, widths and amounts of data), for each point
and seed, the divergence of the student's probabilities from its teacher's on test samples, and how much larger the
student's generalization gap is than its teacher's. Seed by seed, the two are correlated over the points by their ranks.
Other estimates than that of the probabilities, the other loss, and one factor alone: ``narrowed``.

Formula: rho_s = Spearman correlation over P points of K_hat and gap_student - gap_teacher; the interval is over seeds.
    The bound says gap_student - gap_teacher <= sqrt(2 sigma^2 K) with sigma = 1; ``within`` is the share of points below.
Reading it: this is the honest use of the divergence: not as a certificate but as something that moves with the gap, or
does not. Look at the points: a correlation that one factor alone makes is a statement about that factor.
When it misleads: a handful of points; points that differ in the data they learnt from differ in the gap by that alone.
A student of a few labels and one of permuted targets are far away for different reasons.
After: the sweep asked for by the theory of Li & He 2026; the estimator is ours: a reconstruction, not their theorem.
Cost: two passes of each net per run; 0.1 s per run on digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import numbers
from workbench.diagnostics.bounds.measure import LARGEST
from workbench.diagnostics.divergence.measure import divergence, runs_of
from workbench.diagnostics.divergence.measure_gaps import LOSSES
from workbench.diagnostics.divergence.measure_models import collected
from workbench.diagnostics.divergence.measure_predictive import pred_seed
from workbench.diagnostics.divergence.measure_source import provenance
from workbench.maths.intervals import mean_interval
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, estimate
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.records.wording import percent, plural

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

Tell = Callable[[float, str], object]
FEWEST = 3
Named = ArrayLike | Mapping[str, ArrayLike]


@dataclass(frozen=True)
class DivergenceSweep(Result):
    """Divergence and gap difference at P points over S seeds.

    Attributes:
        points: their P names.
        factors: what is varied at each of them, P names.
        divergences: (S, P) in nats, as ``estimator`` says.
        differences: (S, P) the student's gap minus its teacher's, in ``loss``.
        spearman: rank correlation over the points, mean over seeds.
        by_seed: (S,) the correlations.
        within: share of all points at which the bound holds with this estimate.
        vacuous: share at which it allows more than there is, so that it says nothing.
        estimator: of the divergences.
        loss: of the gaps.
        estimators: the one of the divergences first, and the others that every point has.
        estimates: (E, S, P) by each of them.
        losses: the one of the differences first.
        excesses: (L, S, P) differences in each of them.
        seeds: which.
        n: points times seeds.
        warnings: what weakens the numbers.
        provenance: that it is a reconstruction.
    """

    points: tuple[str, ...]
    factors: tuple[str, ...]
    divergences: np.ndarray
    differences: np.ndarray
    spearman: Interval
    by_seed: np.ndarray
    within: float
    vacuous: float
    estimator: str
    loss: str
    estimators: tuple[str, ...]
    estimates: np.ndarray
    losses: tuple[str, ...]
    excesses: np.ndarray
    seeds: tuple[int, ...]
    n: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """The correlation, then both means of every point."""
        found: list[dict[str, Any]] = [
            {
                "quantity": "Spearman correlation",
                "value": self.spearman.mean,
                "low": self.spearman.low,
                "high": self.spearman.high,
            },
            {"quantity": "share within the bound", "value": self.within},
            {"quantity": "share where the bound is vacuous", "value": self.vacuous},
        ]
        for name, k, gap in zip(self.points, self.divergences.mean(0), self.differences.mean(0), strict=True):
            found.append({"quantity": f"{name}: divergence", "value": float(k)})
            found.append({"quantity": f"{name}: gap difference", "value": float(gap)})
        return found

    def explain(self) -> str:
        """Whether the two go together, in one paragraph."""
        return (
            f"Over {plural(len(self.points), 'point')} and {plural(len(self.seeds), 'seed')}, the rank correlation of the "
            f"divergence ({self.estimator}) and the excess of the student's gap ({self.loss}) is {estimate(self.spearman)}. "
            f"With this estimate the measured gap lies within the bound at {percent(self.within)} of the points, and the bound "
            f"is vacuous at {percent(self.vacuous)}. ({self.provenance['ours']}.)"
        )


@checked_arguments
def divergence_sweep(
    divergences: Named,
    differences: Named,
    points: Sequence[str],
    *,
    factors: Sequence[str] = (),
    seeds: Sequence[int] = (),
    loss: str = "brier",
    warnings: Sequence[str] = (),
) -> DivergenceSweep:
    """Correlate divergences with gap differences over the points of a sweep.

    Args:
        divergences: (S, P) by seed and point; several by the names of their estimators, of which the first is shown.
        differences: (S, P) likewise; several by the names of their losses.
        points: P names.
        factors: what is varied at each point; nothing if not given.
        seeds: S numbers; counted from zero if not given.
        loss: of the differences, where these have no names.
        warnings: to be passed on.

    Raises:
        ValueError: the shapes differ, there are fewer than three points, or a value is not finite.
    """
    from scipy.stats import rankdata

    estimates, excesses = _named(divergences, "pred_seed"), _named(differences, loss)
    (estimator, k), (loss, gaps) = (next(iter(each.items())) for each in (estimates, excesses))
    every, fitting = [*estimates.values(), *excesses.values()], (len(k), len(points))
    if {each.shape for each in every} != {fitting} or len(points) < FEWEST or not np.isfinite(every).all():
        raise ValueError(
            f"divergences {k.shape} and differences {gaps.shape} for {len(points)} points: needed are (seeds, points) "
            f"for each of them, {FEWEST} points or more, all finite"
        )
    allowed = np.sqrt(2 * np.maximum(k, 0))
    ranks = [rankdata(each, axis=1) for each in (k, gaps)]
    found = np.array([_correlation(a, b) for a, b in zip(*ranks, strict=True)])
    known = found[np.isfinite(found)]
    nothing = Interval(np.nan, np.nan, np.nan, 0, "none")
    flat = () if len(known) == len(found) else ("at some seeds all points are alike: they have no correlation",)
    return DivergenceSweep(
        points=tuple(points),
        factors=tuple(factors) or ("",) * len(points),
        divergences=k,
        differences=gaps,
        spearman=_clipped(mean_interval(known)) if len(known) else nothing,
        by_seed=found,
        within=float((gaps <= allowed).mean()),
        vacuous=float((allowed >= LARGEST).mean()),
        estimator=estimator,
        loss=loss,
        estimators=tuple(estimates),
        estimates=np.stack([*estimates.values()]),
        losses=tuple(excesses),
        excesses=np.stack([*excesses.values()]),
        seeds=tuple(seeds) or tuple(range(len(k))),
        n=k.size,
        warnings=tuple(dict.fromkeys((*warnings, *flat))),
        provenance=provenance("the correlation of an estimate with measured gaps"),
    )


@checked_arguments
def divergence_sweep_of(
    study: Study, setting: Setting | None = None, *, loss: str = "brier", tell: Tell | None = None
) -> DivergenceSweep:
    """The sweep over the arms of a study, controls included, at the seeds that all of them have finished.

    Args:
        study: that knows its store.
        setting: of its runs; made again from the catalogue if None.
        loss: ``0-1`` or ``brier``.
        tell: called with the share done in [0, 1] and a message; seeds that are done are kept when it raises ``StopIteration``.

    Raises:
        ValueError: no seed is finished in all arms, there are too few arms, or the runs cannot be revived.
        KeyError: there is no such loss.
    """
    if loss not in LOSSES:
        raise KeyError(f"no loss {loss!r}; there are {', '.join(LOSSES)}")
    runs = {arm: {run.seed: run for run in runs_of(study, arm)} for arm in study.arms}
    seeds = [seed for seed in study.seeds if all(seed in each for each in runs.values())]
    if not seeds:
        raise ValueError("no seed is finished in every arm")
    done, warnings, tell = [], [], tell or (lambda share, words: None)
    try:
        for position, seed in enumerate(seeds):
            tell(position / len(seeds), f"seed {seed}")
            done.append([_asked(each[seed], setting) for each in runs.values()])
    except (KeyboardInterrupt, StopIteration):
        if not done:
            raise
        warnings.append(f"stopped after {len(done)} of {plural(len(seeds), 'seed')}")
    every = [name for name in done[0][0][0] if all(name in values for row in done for values, _ in row)]
    estimates = {name: [[values[name] for values, _ in row] for row in done] for name in every}
    excesses = {name: [[gaps[name] for _, gaps in row] for row in done] for name in (loss, *LOSSES)}
    factors = [each.role.replace("_", " ") for each in study.arms.values()]
    return divergence_sweep(estimates, excesses, [*runs], factors=factors, seeds=seeds[: len(done)], warnings=warnings)


def point(run: Run, setting: Setting | None = None, loss: str = "brier") -> tuple[float, float]:
    """The divergence of a run's probabilities, and how much larger its student's gap is than its teacher's.

    Raises:
        ValueError: the run cannot be revived, has no teacher, or is no classification.
    """
    found, column = collected([run], setting), LOSSES.index(loss)
    estimate = pred_seed(found.student_logits.astype(float), found.teacher_logits.astype(float))
    return estimate.value.mean, float(found.gaps.students[0, column] - found.gaps.teachers[0, column])


def _asked(run: Run, setting: Setting | None) -> tuple[dict[str, float], dict[str, float]]:
    """Every finite estimate that one pair has besides that of the probabilities, and the excess of the gap in both losses."""
    found = collected([run], setting)
    logits = found.student_logits, found.teacher_logits
    made = divergence(*logits, gaps=found.gaps, heads=found.heads, spaces=found.spaces)
    values = {name: each.mean for name, each in made.values.items() if np.isfinite(each.mean) or name == "pred_seed"}
    values.pop("pred_pairs", None)  # of one pair it is pred_seed
    return values, dict(zip(LOSSES, (found.gaps.students - found.gaps.teachers)[0].tolist(), strict=True))


def _named(given: Named, name: str) -> dict[str, np.ndarray]:
    named = given if isinstance(given, Mapping) else {name: given}
    return {each: np.atleast_2d(numbers(values, each).astype(np.float64)) for each, values in named.items()}


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if not (np.ptp(first) > 0 and np.ptp(second) > 0):
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _clipped(interval: Interval) -> Interval:
    """No correlation lies beyond one."""
    return replace(interval, low=max(interval.low, -1.0), high=min(interval.high, 1.0)) if interval.n > 1 else interval
