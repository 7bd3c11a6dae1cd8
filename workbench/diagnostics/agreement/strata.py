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
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.agreement.distances import SOFT, row_blocks, soft_distances
from workbench.diagnostics.outputs import Pair, classes_of, names_of, pair_of, paired_logits
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.statistics.intervals import critical, wilson_bounds

By = Literal["class", "confidence", "difficulty"]
SHARES = ("agreement", "student_accuracy", "teacher_accuracy")
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
        known = np.flatnonzero(self.counts >= FEW)
        if not len(known):
            return f"No {self.by} has {FEW} samples or more."
        first, name = self.means[0], self.measures[0].replace("_", " ")
        low, high = known[np.argmin(first[known])], known[np.argmax(first[known])]
        return (
            f"Over {self.counts.sum():,} samples the {name} is {self.overall[0]:.3g}. By {self.by} it runs from "
            f"{first[low]:.3g} ({self.groups[low]}, {self.counts[low]:,} samples) to {first[high]:.3g} "
            f"({self.groups[high]}, {self.counts[high]:,} samples), of the groups with {FEW} samples or more."
        )


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
    group = np.asarray(group)
    table = np.array([np.asarray(each, np.float64) for each in values.values()])
    if table.ndim != 2 or table.shape[1:] != group.shape or not group.size:
        raise ValueError(f"{len(values)} measures of shape {table.shape[1:]} for groups {group.shape}: one per sample")
    if not np.isfinite(table).all():
        raise ValueError("a measure holds NaN or infinite values")
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
        measures: of ``SHARES`` and the distances.
        baseline: whose student says how hard a sample is; the teacher if None.
        temperature: of the distances.
        bins: of confidence or difficulty.

    Raises:
        KeyError: the run has no outputs of a teacher, or there is no such measure.
        ValueError: as ``agreement``, or there is no such property.
    """
    pair = pair_of(run)
    reference = pair.teacher if baseline is None else pair_of(run, baseline).teacher
    group, names = grouped(pair, by, reference, bins)
    return strata(per_sample(pair, measures, temperature), group, names, by=by, temperature=temperature)


def grouped(pair: Pair, by: By, reference: np.ndarray, bins: int = 10) -> tuple[np.ndarray, tuple[str, ...]]:
    """(N,) group of each sample, and the names of the groups.

    Raises:
        ValueError: there is no such property.
    """
    classes = pair.student.shape[1]
    if by == "class":
        return classes_of(pair.labels, pair.student), names_of(pair.class_names, classes)
    if by == "confidence":
        edges = np.linspace(1 / classes, 1, bins + 1)
        sure = _probability(pair.teacher, pair.teacher.argmax(axis=1))
        return np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1), _between(edges)
    if by == "difficulty":
        hard = 1 - _probability(reference, classes_of(pair.labels, reference))
        bins = min(bins, len(hard))
        order = np.argsort(np.argsort(hard, kind="stable"), kind="stable") * bins // len(hard)
        return order, tuple(f"up to {hard[order == k].max():.2g}" for k in range(bins))
    raise ValueError(f"no property {by!r}; there are class, confidence, difficulty")


def per_sample(pair: Pair, measures: Sequence[str], temperature: float = 1.0) -> dict[str, np.ndarray]:
    """(N,) of each measure by name.

    Raises:
        KeyError: no such measure.
        ValueError: the logits cannot be compared, or the temperature is not positive.
    """
    student, teacher = paired_logits(pair.student, pair.teacher)
    if unknown := [name for name in measures if name not in (*SHARES, *SOFT)]:
        raise KeyError(f"no measure {unknown[0]!r}; there are {', '.join((*SHARES, *SOFT))}")
    said, taught, labels = student.argmax(axis=1), teacher.argmax(axis=1), classes_of(pair.labels, student)
    shares = {"agreement": said == taught, "student_accuracy": said == labels, "teacher_accuracy": taught == labels}
    soft = [name for name in measures if name in SOFT]
    distances = dict(zip(soft, soft_distances(student, teacher, soft, temperature).T, strict=True)) if soft else {}
    return {name: shares[name] if name in shares else distances[name] for name in measures}


def _probability(logits: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(N,) probability of one class per sample."""
    from scipy.special import softmax

    found = np.empty(len(logits))
    for rows in row_blocks(logits):
        picked = softmax(logits[rows].astype(np.float64), axis=1)
        found[rows] = np.take_along_axis(picked, chosen[rows][:, None], axis=1)[:, 0]
    return found


def _between(edges: np.ndarray) -> tuple[str, ...]:
    return tuple(f"{low:.2g} to {high:.2g}" for low, high in pairwise(edges))


def _t(means: np.ndarray, squares: np.ndarray, counts: np.ndarray) -> np.ndarray:
    variance = np.maximum(squares - means**2, 0) * counts / (counts - 1)
    half = critical(np.where(counts > 1, counts, np.nan), 0.95) * np.sqrt(variance / counts)
    return np.array([means - half, means + half])
