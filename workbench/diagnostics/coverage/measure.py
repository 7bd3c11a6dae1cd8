"""Which combinations of feature values was the student shown, and does it follow its teacher where it was not?

How it is measured: each feature is cut into K bins that hold equally many of the evaluated samples. For every pair of
features the K x K cells that the transfer set reaches are counted; each evaluated sample is then told how many of its own
cells were reached, and agreement is compared between samples that lie in known and in unknown territory.

Formula:
    coverage = sum over pairs i < j of #{(a, b): count_ij(a, b) >= threshold} / (F (F - 1) / 2 * K^2)
    massed: the same over cells that hold at least one evaluated sample; seen of a sample: share of its F (F - 1) / 2
    cells that were reached; the counts of all pairs are one matrix product of one-hot bins.

Reading it: a full factorial plan covers 1, a single input 1 / K^2. ``massed`` is the one to judge by: cells that no sample
ever falls into need not be known. A rank correlation of ``seen`` with agreement above 0 says that the student departs from
its teacher where its transfer set has holes.
When it misleads: samples in unreached cells are also far from the data, rare and hard; coverage and closeness to the data
go together. Bins follow the evaluated samples, not the teacher's decisions. With many features every set covers little.
After: Pereira, Khadka, Lei 2026 (TabKD, pairwise interaction coverage of learned bins; abstract and specification read).
Quantile bins, cells with mass, ``seen`` and the correlation are ours.   Cost: O((M + N) F^2 K^2); 20 ms for 8 features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import numbers, sample_ids, truths
from workbench.diagnostics.coverage.measure_cells import (
    bins_of,
    correlation,
    counts_of,
    covered,
    cumulative,
    edges_of,
    over_pairs,
    seen_of,
    thirds,
)
from workbench.diagnostics.outputs import outputs_of
from workbench.maths.intervals import proportion_interval
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, estimate
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.records.wording import percent, plural

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

MOST_FEATURES, SEED = 128, 0
PARTS = ("least seen", "middle", "most seen")
PROVENANCE = {
    "paper": "Pereira, Khadka, Lei: TabKD, 2026, arXiv:2603.15481",
    "fidelity": "proposed",
    "ours": "quantile bins, cells with mass, agreement by how much of a sample was seen",
}


@dataclass(frozen=True)
class Coverage(Result):
    """Coverage of F features in K bins each by M transfer inputs, and agreement on n evaluated samples.

    Attributes:
        coverage: share of all cells of all pairs that were reached.
        massed: share of the cells with an evaluated sample in them that were reached.
        agreement: share of samples on which student and teacher pick the same class.
        agreement_by_seen: the same by thirds of ``seen``, least to most; samples that are equal in it stay together.
        seen_and_agreement: rank correlation of ``seen`` with agreeing.
        per_pair: (F, F) coverage of each pair of features.
        per_pair_massed: (F, F) the same over cells with mass.
        cumulative: (P, 2) transfer inputs, and coverage by so many of them.
        seen: (n,) share of each sample's cells that were reached.
        agrees: (n,) whether student and teacher pick the same class.
        ids: (n,) of the samples.
        cells: (n, F) bin of each sample's features.
        reached: (F, K, F, K) transfer inputs in each cell.
        features: F names.
        bins: K.
        threshold: transfer inputs that a cell must hold to be reached.
        transfer: M.
        n: evaluated samples.
        seed: of the bootstrap.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    coverage: float
    massed: float
    agreement: Interval
    agreement_by_seen: tuple[Interval, ...]
    seen_and_agreement: Interval
    per_pair: np.ndarray
    per_pair_massed: np.ndarray
    cumulative: np.ndarray
    seen: np.ndarray
    agrees: np.ndarray
    ids: np.ndarray
    cells: np.ndarray
    reached: np.ndarray
    features: tuple[str, ...]
    bins: int
    threshold: int
    transfer: int
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """The numbers, agreement by thirds among them."""
        thirds = zip(PARTS, self.agreement_by_seen, strict=True)
        return super().rows() + [
            {"quantity": f"agreement, {name}", "value": each.mean, "low": each.low, "high": each.high}
            for name, each in thirds
        ]

    def pair(self, first: int, second: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of two features: transfer inputs, evaluated samples, and those of them that agree, per cell: (K, K) each."""
        where = self.cells[:, first].astype(int) * self.bins + self.cells[:, second]
        samples, agreeing = (
            np.bincount(where, weights=weights, minlength=self.bins**2).reshape(self.bins, self.bins)
            for weights in (np.ones(self.n), self.agrees.astype(float))
        )
        return self.reached[first, :, second], samples, agreeing

    def cell(self, first: int, second: int, a: int, b: int) -> Selection:
        """The evaluated samples in one cell of two features."""
        inside = (self.cells[:, first] == a) & (self.cells[:, second] == b)
        words = f"{self.features[first]} in bin {a + 1}, {self.features[second]} in bin {b + 1}"
        return Selection(self.ids[inside], words)

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        text = (
            f"{plural(self.transfer, 'transfer input')} reach {percent(self.coverage)} of the cells of all pairs of "
            f"{plural(len(self.features), 'feature')}, and {percent(self.massed)} of the cells that hold one of the {self.n:,} evaluated "
            f"samples. Student and teacher agree on {estimate(self.agreement, percent)} of these."
        )
        groups = [each for each in self.agreement_by_seen if each.n]
        if len(groups) > 1:
            low, *_, high = groups
            text += (
                f" They agree on {percent(low.mean)} of the {plural(low.n, 'sample')} whose cells were reached least and on "
                f"{percent(high.mean)} of the {high.n:,} whose cells were reached most."
            )
        if np.isfinite(self.seen_and_agreement.mean):
            text += f" Rank correlation of reach and agreement: {estimate(self.seen_and_agreement)}."
        return text


@checked_arguments
def coverage(
    transfer_inputs: ArrayLike,
    inputs: ArrayLike,
    agrees: ArrayLike,
    *,
    bins: int = 8,
    threshold: int = 1,
    features: Sequence[str] = (),
    ids: ArrayLike | None = None,
) -> Coverage:
    """Coverage of a transfer set, and agreement where it reaches and where not.

    Args:
        transfer_inputs: (M, F) what the student was shown, in the order it was.
        inputs: (n, F) evaluated samples.
        agrees: (n,) whether student and teacher pick the same class.
        bins: K per feature.
        threshold: transfer inputs that a cell must hold to be reached.
        features: F names; the numbers by default.
        ids: (n,) of the evaluated samples; the row numbers by default.

    Raises:
        ValueError: shapes do not fit, fewer than two features or more than 128, fewer than two bins, or values that are not
            finite.
    """
    transfer, evaluated = _tables(transfer_inputs, inputs, bins, threshold)
    agrees = truths(agrees, "agreements", shape="(N,)", ndim=1)
    if agrees.shape != evaluated.shape[:1]:
        raise ValueError(f"{len(evaluated)} inputs, {agrees.shape} agreements: one row per sample everywhere")
    named = np.arange(len(evaluated)) if ids is None else sample_ids(ids, len(evaluated))
    edges = edges_of(evaluated, bins)
    shown, cells = bins_of(transfer, edges), bins_of(evaluated, edges)
    reached, mass = counts_of(shown, bins), counts_of(cells, bins)
    known, held, met = covered(reached, threshold), covered(mass, 1), covered(reached * (mass > 0), threshold)
    seen = seen_of(cells, reached >= threshold)
    return Coverage(
        coverage=over_pairs(known, np.full_like(known, bins**2)),
        massed=over_pairs(met, held),
        agreement=proportion_interval(int(agrees.sum()), len(agrees)),
        agreement_by_seen=thirds(seen, agrees),
        seen_and_agreement=correlation(seen, agrees, SEED),
        per_pair=known / bins**2,
        per_pair_massed=met / held,
        cumulative=cumulative(shown, bins, threshold),
        seen=seen,
        agrees=agrees,
        ids=named,
        cells=cells,
        reached=reached,
        features=tuple(map(str, features or range(evaluated.shape[1]))),
        bins=bins,
        threshold=threshold,
        transfer=len(transfer),
        n=len(agrees),
        seed=SEED,
        warnings=_warnings(seen, agrees),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def coverage_of(run: Run, setting: Setting | None = None, *, bins: int = 8, threshold: int = 1) -> Coverage:
    """The coverage of a run's transfer set, and its student's agreement with its teacher on the test samples.

    Raises:
        KeyError: the run has no outputs of a teacher.
        ValueError: the inputs are not a table of up to 128 numbers per sample; or as ``Run.revive`` and ``coverage``.
    """
    from torch import Tensor

    student, teacher = outputs_of(run, "student"), outputs_of(run, "teacher")
    if student.ndim != 2:
        raise ValueError("coverage needs one class per sample to compare")
    given = run.revive(setting).setting
    sides = (given.train.in_memory().inputs, given.test.in_memory().inputs)
    if not all(isinstance(side, Tensor) and side.is_floating_point() for side in sides):
        raise ValueError("coverage needs a table of numbers; this setting's inputs are texts, or several per sample")
    transfer, inputs = (side.flatten(1).numpy() for side in sides)
    names, agrees = given.train.encoding.names, student.argmax(1) == teacher.argmax(1)
    features = names if len(names) == inputs.shape[1] else ()
    return coverage(transfer, inputs, agrees, bins=bins, threshold=threshold, features=features, ids=run.test_ids)


def _tables(transfer_inputs: ArrayLike, inputs: ArrayLike, bins: int, threshold: int) -> tuple[np.ndarray, np.ndarray]:
    transfer, evaluated = (
        numbers(each, name, shape="(N, F)", ndim=2).astype(np.float64)
        for each, name in ((transfer_inputs, "transfer inputs"), (inputs, "inputs"))
    )
    if transfer.ndim != 2 or evaluated.ndim != 2 or transfer.shape[1] != evaluated.shape[1] or not len(transfer):
        raise ValueError(f"transfer inputs {transfer.shape} and inputs {evaluated.shape} must be (M, F) and (N, F)")
    if not 2 <= evaluated.shape[1] <= MOST_FEATURES:
        raise ValueError(f"coverage of pairs is for tables of 2 to {MOST_FEATURES} features, not {evaluated.shape[1]}")
    if bins < 2 or threshold < 1:
        raise ValueError(f"{bins} bins and a threshold of {threshold}: 2 bins and a threshold of 1 are the least")
    return transfer, evaluated


def _warnings(seen: np.ndarray, agrees: np.ndarray) -> tuple[str, ...]:
    found = []
    if len(np.unique(seen)) == 1:
        found.append("every sample's cells were reached equally often: nothing can go with it")
    if agrees.all():
        found.append("student and teacher agree on every sample")
    elif (~agrees).sum() < 10:
        found.append(f"they disagree on only {plural(int((~agrees).sum()), 'sample')}: where they do is uncertain")
    return tuple(found)
