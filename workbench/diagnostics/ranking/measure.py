"""Does our small-scale ranking of methods agree with the published one, more than luck and noise would make it?

How it is measured: the methods that both have are ranked, ours by their mean over seeds, the published ones by their
score in one column of a table. Kendall's tau-b counts the pairs on which both orders agree against those on which they
differ. Its interval is the middle 95 % over draws of both sides. Ours: means are drawn from Student's t
with S - 1 degrees of freedom, with the covariance of the methods over seeds, since these are paired; the middle 95 % of
a mean is its t interval. Published: where a method was seen more than once on this pair, one of these sightings is
drawn, normal where it has a plus-minus, uniform where it is a range; all other published scores are taken as they are.

Formula:
    tau-b = (agreeing - differing pairs) / sqrt(pairs not tied in ours * pairs not tied in the published)
    rank of a method: 1 + methods above it, ties by half; its interval is over the same draws
    chance: share of 9,999 random orders that agree with the published one at least as well
Reading it: 1 is the same order, 0 none, -1 the reverse. ``chance`` tells what few methods cannot: of four, even the
same order comes up by luck once in 24. Wide ranks mean that the seeds do not order our methods.
When it misleads: another data set, net and budget may rank methods differently and rightly so; published scores are
mostly those of the best epoch on test data. Where no second sighting is known, the interval is too narrow. Redrawing
adds noise to noise, so the interval leans towards 0: it may end below an estimate of 1.
After: Kendall, Biometrika 1938 and 1945; the draws are ours. Cost: 0.3 s for 20 methods.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.data.reference import reference, references, sightings_of, table_of
from workbench.diagnostics.ranking.measure_draws import (
    chance_of,
    ends_of,
    kendall_interval,
    middle,
    our_draws,
    published_draws,
    reversals,
)
from workbench.maths.checks import finite
from workbench.maths.intervals import FEWEST
from workbench.maths.ranks import kendall, ranks
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.arm import Arm
from workbench.records.interval import Interval, estimate
from workbench.records.published import Sighting, Table, matches
from workbench.records.result import Result
from workbench.records.study import Study
from workbench.records.wording import between, listed, percent, plural

FEW_METHODS, FEW_SEEDS, OFTEN = 5, 5, 0.05

DRAWS = 2000

PROVENANCE = {
    "paper": "Kendall: The Treatment of Ties in Ranking Problems, Biometrika 1945",
    "fidelity": "paper",
    "ours": "the draws of seeds and of published sightings, and the intervals they give",
}


@dataclass(frozen=True)
class Ranking(Result):
    """Our order of M methods beside a published one; methods from our best to our worst.

    Attributes:
        kendall: tau-b of both orders; NaN where one side has ties only.
        chance: share of random orders that agree with the published one at least as well.
        methods: M names.
        ours: (M,) mean scores over seeds.
        ours_low, ours_high: (M,) the middle 95 % over draws of seeds; NaN below 3 seeds.
        our_ranks, our_ranks_low, our_ranks_high: (M,) ranks, 1 is best, and the middle 95 % of theirs.
        published: (M,) published scores.
        published_low, published_high: (M,) the lowest and the highest that was seen; NaN where it was seen once.
        published_ranks: (M,).
        from_memory: (M,) True where the published score is from memory and unchecked.
        per_seed: (M, S) our scores.
        column: of the published table; empty where none was named.
        title: of the table, and the pair of the column.
        score: what ours is called.
        left_out: ours that the column has no score for.
        n: M.
        seeds: S.
        seed: of the draws.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    kendall: Interval
    chance: float
    methods: tuple[str, ...]
    ours: np.ndarray
    ours_low: np.ndarray
    ours_high: np.ndarray
    our_ranks: np.ndarray
    our_ranks_low: np.ndarray
    our_ranks_high: np.ndarray
    published: np.ndarray
    published_low: np.ndarray
    published_high: np.ndarray
    published_ranks: np.ndarray
    from_memory: np.ndarray
    per_seed: np.ndarray
    column: str
    title: str
    score: str
    left_out: tuple[str, ...]
    n: int
    seeds: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        ours, theirs = (listed(self._first(ranks)) or "not known" for ranks in (self.our_ranks, self.published_ranks))
        text = f"Of {plural(self.n, 'method')}, first by our scores: {ours}; first by the published scores: {theirs}. "
        if math.isnan(self.kendall.mean):
            return f"{text}One side has ties only: the orders cannot be compared."
        text += (
            f"Kendall's tau-b of the two orders is {estimate(self.kendall)}; {percent(self.chance)} of random orders agree as "
            "well or better."
        )
        low, high = self.our_ranks_low[0], self.our_ranks_high[0]
        if math.isnan(low):
            return text
        place = between(low, high)
        return f"{text} Over draws of other seeds the rank of {self.methods[0]} is {place}."

    def _first(self, ranks: np.ndarray) -> list[str]:
        """The methods on the first rank, several where they tie."""
        return [
            name
            for name, rank in zip(self.methods, ranks, strict=True)
            if rank == min(ranks[np.isfinite(ranks)], default=np.nan)
        ]


@checked_arguments
def ranking(
    scores: Mapping[str, ArrayLike],
    published: Mapping[str, float],
    *,
    sightings: Mapping[str, Sequence[Sighting]] | None = None,
    from_memory: Collection[str] = (),
    seed: Seed = 0,
) -> Ranking:
    """Compare the order of our methods with a published one; only methods that both have take part.

    Args:
        scores: by method, (S,) of the same seeds in the same order; higher is better.
        published: by method, one score; higher is better.
        sightings: by method, all numbers that were reported of it, the published one among them.
        from_memory: methods whose published score is from memory.
        seed: of the draws.

    Raises:
        ValueError: fewer than two common methods, different numbers of seeds, or a score that is not finite.
    """
    per_seed, names = _ordered(scores, published)
    theirs = finite([published[name] for name in names], "published scores")
    seen = [tuple((sightings or {}).get(name, ())) for name in names]
    of_seeds, of_seen, of_orders = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(3))
    ours, drawn = per_seed.mean(1), our_draws(per_seed, DRAWS, of_seeds)
    told, ends = published_draws(theirs, seen, DRAWS, of_seen), np.array([ends_of(reports) for reports in seen])
    seeds, known = per_seed.shape[1], per_seed.shape[1] >= FEWEST
    (low, high), (rank_low, rank_high) = middle(drawn, seeds), middle(ranks(drawn), seeds)
    memory = np.array([name in from_memory for name in names])
    return Ranking(
        kendall=kendall_interval(drawn, told, float(kendall(ours, theirs)), known=known),
        chance=chance_of(ours, theirs, of_orders),
        methods=names,
        ours=ours,
        ours_low=low,
        ours_high=high,
        our_ranks=ranks(ours),
        our_ranks_low=rank_low,
        our_ranks_high=rank_high,
        published=theirs,
        published_low=ends[:, 0],
        published_high=ends[:, 1],
        published_ranks=ranks(theirs),
        from_memory=memory,
        per_seed=per_seed,
        column="",
        title="",
        score="score",
        left_out=tuple(name for name in scores if name not in published),
        n=len(names),
        seeds=seeds,
        seed=seed,
        warnings=cautions(names, drawn, theirs, ends, memory, seeds),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def ranking_of(study: Study, column: str = "F", *, seed: Seed = 0) -> Ranking:
    """The order of a study's methods, and of its control, beside that of a published column.

    A method takes part if the table has it with the same parameters where these make another method of it, such as
    ``variant`` or ``transform``; weights and temperatures may differ.

    Args:
        study: finished; seeds that any of the arms lacks are left out.
        column: of a published table, such as ``F`` for ResNet32x4 to ResNet8x4 on CIFAR-100.
        seed: of the draws.

    Raises:
        KeyError: no such column; the message lists them.
        ValueError: fewer than two arms have a score there, in which case the message names the columns that would do,
            or a lower score is better.
    """
    if not study.higher_is_better:
        raise ValueError(f"published scores are accuracies; a lower {study.score} is better, so their orders differ")
    table, arms = table_of(column), _arms(study)
    rows = _rows(table, column, arms)
    if len(rows) < 2:
        fitting = ", ".join(columns_for(study)) or "none; add methods of the tables"
        raise ValueError(
            f"column {column!r} has scores for {', '.join(rows) or 'none'} of the arms; two or more: {fitting}"
        )
    cells = {name: table.column(column)[row] for name, row in rows.items()}
    found = ranking(
        _paired({name: arms[name] for name in rows}),
        {name: cell.value for name, cell in cells.items()},
        sightings={name: sightings_of(cell) for name, cell in cells.items()},
        from_memory=[name for name, cell in cells.items() if cell.from_memory],
        seed=seed,
    )
    title, left = f"{table.title}: {column}, {table.columns[column]}", tuple(name for name in arms if name not in rows)
    return replace(found, column=column, title=title, score=study.score, left_out=left)


def columns_for(study: Study) -> list[str]:
    """The published columns that have a score for two arms of a study or more."""
    arms, tables = _arms(study), [reference(name) for name in references()]
    return [key for table in tables for key in table.columns if len(_rows(table, key, arms)) >= 2]


def _arms(study: Study) -> dict[str, Arm]:
    return {arm.name: arm for arm in study.arms.values() if arm.role in ("method", "control") and arm.outcomes}


def _ordered(scores: Mapping[str, ArrayLike], published: Mapping[str, float]) -> tuple[np.ndarray, tuple[str, ...]]:
    """(M, S) scores and M names of the methods that both have, best first."""
    common = {name: finite(values, f"scores of {name!r}") for name, values in scores.items() if name in published}
    if len(common) < 2:
        raise ValueError(
            f"two or more common methods are needed; ours: {', '.join(scores)}; theirs: {', '.join(published)}"
        )
    lengths = {name: len(values) for name, values in common.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"all methods need scores of the same seeds; numbers of scores: {lengths}")
    table, names = np.stack(list(common.values())), list(common)
    order = np.argsort(-table.mean(1), kind="stable")
    return table[order], tuple(names[place] for place in order)


def _rows(table: Table, column: str, arms: Mapping[str, Arm]) -> dict[str, str]:
    """By arm, the row of a table that is the same method and has a score in a column."""
    cells = {row: cell for row, cell in table.column(column).items() if not math.isnan(cell.value)}
    found = {}
    for name, arm in arms.items():
        method: Mapping[str, Any] = arm.method or {"name": name}
        if same := [row for row in cells if matches(table.methods[row], method)]:
            found[name] = same[0]
    return found


def _paired(arms: Mapping[str, Arm]) -> dict[str, list[float]]:
    """By arm, its scores for the seeds that all of them have."""
    common = sorted(set.intersection(*(set(arm.seeds) for arm in arms.values())))
    by_seed = {name: {outcome.seed: outcome.last for outcome in arm.outcomes} for name, arm in arms.items()}
    return {name: [scores[seed] for seed in common] for name, scores in by_seed.items()}


def cautions(
    names: Sequence[str], drawn: np.ndarray, published: np.ndarray, ends: np.ndarray, memory: np.ndarray, seeds: int
) -> tuple[str, ...]:
    """All of them, as sentences.

    Args:
        names: of M methods, our best first.
        drawn: (R, M) draws of our scores.
        published: (M,) scores.
        ends: (M, 2) the lowest and the highest that was seen; NaN where a score was seen once.
        memory: (M,) True where the score is from memory.
        seeds: behind our scores.
    """
    return (*_of_size(len(names), seeds), *_of_noise(names, drawn, published, ends), *_of_sources(names, ends, memory))


def _of_size(methods: int, seeds: int) -> list[str]:
    found = []
    if methods < FEW_METHODS:
        found.append(f"only {methods} common methods: no order of so few can be told from chance")
    if seeds < FEW_SEEDS:
        counted = "one seed: nothing shows" if seeds == 1 else f"only {plural(seeds, 'seed')}: they hardly show"
        found.append(f"{counted} how our ranks would vary")
    return found


def _of_noise(names: Sequence[str], drawn: np.ndarray, published: np.ndarray, ends: np.ndarray) -> list[str]:
    """Where a spread is larger than the gap to the next method."""
    found, gaps = [], len(names) - 1
    if reversed_often := int((reversals(np.arange(len(names)), drawn) > OFTEN).sum()):
        found.append(
            f"{reversed_often} of the {plural(gaps, 'gap')} between neighbours of our order are smaller than their noise over seeds"
        )
    order = np.argsort(-published, kind="stable")
    pairs = [(a, b) for a, b in pairwise(order) if _overlap(published, ends, a, b)]
    if pairs:
        found.append(
            f"{len(pairs)} of the {plural(gaps, 'gap')} between neighbours of the published order are smaller than what is known "
            "of their spread: " + ", ".join(f"{names[a]} and {names[b]}" for a, b in pairs)
        )
    return found


def _overlap(published: np.ndarray, ends: np.ndarray, better: int, worse: int) -> bool:
    """Whether something that was seen puts the worse one of two level with the better one, or above it."""
    low, high = np.where(np.isnan(ends), published[:, None], ends).T
    return bool(low[better] <= high[worse])


def _of_sources(names: Sequence[str], ends: np.ndarray, memory: np.ndarray) -> list[str]:
    found, alone = [], int(np.isnan(ends[:, 0]).sum())
    if alone:
        found.append(
            f"{alone} of {len(names)} published scores are taken as exact: no second sighting of them is known"
        )
    if memory.any():
        named = ", ".join(name for name, unchecked in zip(names, memory, strict=True) if unchecked)
        found.append(f"published scores from memory, to be checked in their papers: {named}")
    return found
