"""On which samples do student and teacher agree less: which classes, how sure the teacher, how hard the sample?

How it is measured: the samples are put into groups by one property, and any measure per sample is averaged in each.

Formula:
    class        the label; confidence: the teacher's largest probability, in bins of equal width from 1 / C to 1;
    difficulty   one minus the probability that a reference (a baseline student, else the teacher) gives to the label,
                 in bins with equally many samples.
    Shares carry Wilson's interval, other means a t interval over the samples of the group.

Reading it: agreement rises with the teacher's confidence for any two models that learnt the same labels; look for groups
that lie off the trend, and at their size. A difficulty taken from the teacher makes it err in the last bins by
construction, one from a baseline does not.
When it misleads: many groups are tried at once, so some look special by luck; intervals are for each group alone.
After: ours. Cost: O(N C); 50 ms for N = 10,000 and C = 100.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import indices, numbers
from workbench.diagnostics.outputs import pair_of
from workbench.diagnostics.strata.measure_samples import SHARES, By, Samples, grouped
from workbench.maths.intervals import critical, wilson_bounds
from workbench.records.arguments import checked_arguments
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import number, plural

FEW = 10
PROVENANCE = {"paper": "", "fidelity": "proposed", "ours": "all of it"}


@dataclass(frozen=True)
class Strata(Result):
    """Means of M measures in G groups of samples.

    Attributes:
        by: what the groups are made by.
        groups: G names, in order.
        counts: (G,) samples.
        measures: M names.
        means: (M, G); NaN in an empty group.
        lows: (M, G) lower bounds; NaN where there are none.
        highs: (M, G) upper bounds.
        overall: (M,) means over all samples.
        temperature: of the distances.
        n: samples.
        warnings: what weakens the numbers.
        provenance: what is ours.
    """

    by: str
    groups: tuple[str, ...]
    counts: np.ndarray
    measures: tuple[str, ...]
    means: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    overall: np.ndarray
    temperature: float
    n: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """A row per group and measure."""
        cells = [(m, g) for m in range(len(self.measures)) for g in range(len(self.groups))]
        return [
            {
                "quantity": f"{self.measures[m]}, {self.by} {self.groups[g]}",
                "value": float(self.means[m, g]),
                "low": float(self.lows[m, g]),
                "high": float(self.highs[m, g]),
                "n": int(self.counts[g]),
            }
            for m, g in cells
        ]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        first, name = self.means[0], self.measures[0].replace("_", " ")
        known = np.flatnonzero((self.counts >= FEW) & np.isfinite(first))
        if not len(known):
            return f"No {self.by} has {FEW} samples or more with a known {name}."
        low, high = known[np.argmin(first[known])], known[np.argmax(first[known])]
        text = f"Over {self.counts.sum():,} samples the {name} is {number(self.overall[0])}."
        if low == high:
            return f"{text} In the one {self.by} with {FEW} samples or more ({self.groups[low]}) it is {number(first[low])}."
        return (
            f"{text} By {self.by} it runs from {number(first[low])} ({self.groups[low]}, {plural(self.counts[low], 'sample')}) to "
            f"{number(first[high])} ({self.groups[high]}, {plural(self.counts[high], 'sample')}), of the groups with {FEW} "
            "samples or more."
        )


@checked_arguments
def strata(
    values: Mapping[str, ArrayLike],
    group: ArrayLike,
    groups: Sequence[str],
    *,
    by: str = "group",
    temperature: float = 1.0,
) -> Strata:
    """Average measures in groups.

    Args:
        values: (N,) measures by name; those of zeros and ones are shares.
        group: (N,) index into ``groups``.
        groups: G names.
        by: what the groups are made by.
        temperature: to be remembered with distances.

    Raises:
        ValueError: no measure, lengths differ, a value is not finite, or an index without a name.
    """
    group = indices(group, "groups")
    rows = {name: numbers(each, name, shape="(N,)", ndim=1).astype(np.float64) for name, each in values.items()}
    if not rows or {len(each) for each in rows.values()} != {len(group)}:
        shapes = ", ".join(f"{name} {each.shape}" for name, each in rows.items())
        raise ValueError(f"{len(values)} measures ({shapes or 'none'}) for groups {group.shape}: one per sample")
    table = np.array(list(rows.values()))
    if group.min() < 0 or group.max() >= len(groups):
        raise ValueError(f"groups run from {group.min()} to {group.max()}; there are {len(groups)} names")
    counts = np.bincount(group, minlength=len(groups))
    sums, squares = (np.array([np.bincount(group, v, len(groups)) for v in each]) for each in (table, table**2))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / counts
        shares = ((table == 0) | (table == 1)).all(axis=1)[:, None]
        lows, highs = np.where(shares, wilson_bounds(means, counts), _t(means, squares / counts, counts))
    empty = [str(name) for name, count in zip(groups, counts, strict=True) if 0 < count < FEW]
    few = (f"fewer than {FEW} samples in {len(empty)} of {len(groups)} groups: {', '.join(empty[:5])}",)
    return Strata(
        by=by,
        groups=tuple(map(str, groups)),
        counts=counts,
        measures=tuple(values),
        means=means,
        lows=lows,
        highs=highs,
        overall=table.mean(axis=1),
        temperature=float(temperature),
        n=len(group),
        warnings=few if empty else (),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def strata_of(
    run: Run,
    by: By = "confidence",
    measures: Sequence[str] = (*SHARES, "forward_kl"),
    *,
    baseline: Run | None = None,
    temperature: float = 1.0,
    bins: int = 10,
) -> Strata:
    """Student and teacher of a run, in groups of its test samples.

    Args:
        run: a finished run of a classification.
        by: what the groups are made by.
        measures: of ``HARD`` and the distances.
        baseline: whose student says how hard a sample is; the teacher if None.
        temperature: of the distances.
        bins: of confidence or difficulty.

    Raises:
        KeyError: the run has no outputs of a teacher, or there is no such measure.
        ValueError: as ``agreement``, or there is no such property.
    """
    return Stratified(run, baseline, bins).strata(by, measures, temperature)


class Stratified:
    """A run's test samples, grouped once by each property, so that measure and temperature may change quickly.

    Args:
        run: as in ``strata_of``.
        baseline: likewise.
        bins: likewise.
    """

    def __init__(self, run: Run, baseline: Run | None = None, bins: int = 10) -> None:
        """Checks the outputs; groups are made when they are asked for."""
        self._pair, self._bins = pair_of(run), bins
        self._reference = self._pair.teacher if baseline is None else pair_of(run, baseline).teacher
        self._samples = Samples(self._pair)
        self._groups: dict[By, tuple[np.ndarray, tuple[str, ...]]] = {}

    def strata(self, by: By, measures: Sequence[str], temperature: float = 1.0) -> Strata:
        """As ``strata_of``."""
        if by not in self._groups:
            self._groups[by] = grouped(self._pair, by, self._reference, self._bins)
        values = self._samples.measures(measures, temperature)
        return strata(values, *self._groups[by], by=by, temperature=temperature)


def _t(means: np.ndarray, squares: np.ndarray, counts: np.ndarray) -> np.ndarray:
    variance = np.maximum(squares - means**2, 0) * counts / (counts - 1)
    half = critical(np.where(counts > 1, counts, np.nan), 0.95) * np.sqrt(variance / counts)
    return np.array([means - half, means + half])
