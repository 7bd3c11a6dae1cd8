"""How many features would a smaller group of models have, and does a group have fewer because its models are alike?

How it is measured: the mean number of features over all subsets of g models of a group, as ecologists count species in
fewer plots. A feature that m of M models have is in a subset unless all g are among the other M - m.

Formula:
    S(g) = sum_t [ 1 - C(M - m_t, g) / C(M, g) ],  S(1): features of one model;  S(g) / S(1): how models add up.
    Drop from group a to group b at size g, each factor at the other's mean of both groups (Shapley 1953):
    pruning = (S_a(1) - S_b(1)) (r_a + r_b) / 2,  consistency = (r_a - r_b) (S_a(1) + S_b(1)) / 2,  r = S(g) / S(1).
    Intervals resample models; a model drawn w times weighs w, and never stands beside itself in a subset.
Reading it: a flat curve means that all models have the same features, a straight one that none shares any. Compare groups
at one size only. A drop by pruning: each model has fewer; by consistency: they have the same ones more often.
When it misleads: beyond half the models the subsets are nearly the same, so no interval is given; each model has as many
components as was asked for, so pruning shows only where small ones are left out.
After: Sanders 1968, Hurlbert 1971 and Colwell et al. 2004 for the curve; its use on features of networks is ours.
Cost: O(B M F G) for B resamples, under a second for 20 models and 1,000 features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import truths
from workbench.diagnostics.interaction.measure import Interaction
from workbench.maths.resampling import percentile_interval
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, compared
from workbench.records.result import Result
from workbench.records.wording import signed

RESAMPLES = 500

LEAST = 4
"""A group of fewer models is drawn, but not compared."""

SIZES = (1, 2, 3, 5, 10, 20, 50, 100)

PROVENANCE = {
    "paper": "Hurlbert: The Nonconcept of Species Diversity, Ecology 52 (1971)",
    "fidelity": "proposed",
    "ours": "features for species, models for plots; the split of a drop; the interval",
}

CHUNK = 2_000_000
"""Numbers held at a time."""


@dataclass(frozen=True)
class Rarefaction(Result):
    """Numbers of features of G groups at S sizes.

    Attributes:
        group_names: G names.
        reference: the group the drops are measured from.
        models: (G,) models of each group.
        sizes: (S,) sizes of the subsets.
        features: (G, S) mean number of features; NaN beyond a group's own size.
        low, high: (G, S) bounds; NaN where there are none.
        size: at which drops are measured, the largest with intervals in every group of four or more models; 0 where no two
            groups are so large.
        drop: by group, features fewer than the reference has at ``size``.
        pruning: the part of the drop that is there in a single model.
        consistency: the part that comes from models having the same features.
        n: features in all.
        seed: of the resamples.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    group_names: tuple[str, ...]
    reference: str
    models: np.ndarray
    sizes: np.ndarray
    features: np.ndarray
    low: np.ndarray
    high: np.ndarray
    size: int
    drop: dict[str, Interval]
    pruning: dict[str, Interval]
    consistency: dict[str, Interval]
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, object]]:
        """One row per group and size, then the drops."""
        found: list[dict[str, object]] = [
            {
                "quantity": f"features of {g} models",
                "group": name,
                "value": float(v),
                "low": float(lo),
                "high": float(hi),
            }
            for name, *curves in zip(self.group_names, self.features, self.low, self.high, strict=True)
            for g, v, lo, hi in zip(self.sizes.tolist(), *curves, strict=True)
            if not np.isnan(v)
        ]
        for what in ("drop", "pruning", "consistency"):
            for name, part in getattr(self, what).items():
                found.append({"quantity": what, "group": name, "value": part.mean, "low": part.low, "high": part.high})
        return found

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        if not self.size:
            return "No comparison with intervals: it needs two groups of four or more models, the reference among them."
        found = [f"{name} has {self._change(name)}" for name in self.drop]
        return f"At groups of {self.size} models, compared with {self.reference}: {'; '.join(found)}."

    def _change(self, name: str) -> str:
        """The difference of one group from the reference, and its two parts."""
        change, pruning, consistency = (each[name].mirrored() for each in (self.drop, self.pruning, self.consistency))
        return (
            f"{compared(change, 'features')}, of which {signed(pruning.mean)} by features of a single model (pruning) and "
            f"{signed(consistency.mean)} by how many its models share (consistency)"
        )


@checked_arguments
def rarefaction(
    owned: ArrayLike, groups: Mapping[str, Sequence[int]], *, reference: str | None = None, seed: Seed = 0
) -> Rarefaction:
    """Compare groups of models at equal sizes.

    Args:
        owned: (M, F) bool: which model has which feature.
        groups: indices of the models of each group.
        reference: the group that drops are measured from; the first by default.
        seed: of the resamples.

    Raises:
        ValueError: not a table, no groups, or an empty one.
        KeyError: the reference is not a group.
    """
    table = truths(owned, "owned", shape="(models, features)", ndim=2)
    if not groups or not all(len(members) for members in groups.values()):
        raise ValueError(f"owned must be (models, features), got {table.shape}, and {dict(groups)} groups with models")
    _check_members(groups, len(table))
    reference = next(iter(groups)) if reference is None else reference
    if reference not in groups:
        raise KeyError(f"no group {reference!r}; there are {', '.join(groups)}")
    counts = np.array([len(members) for members in groups.values()])
    sizes = np.array(
        sorted({*(s for s in SIZES if s <= counts.max()), *(counts.tolist()), *(counts // 2).tolist()} - {0})
    )
    curves, resampled = {}, {}
    for place, (name, members) in enumerate(groups.items()):
        part, generator = table[np.asarray(members)], np.random.default_rng([seed, place])
        weights = generator.multinomial(len(part), np.full(len(part), 1 / len(part)), RESAMPLES)
        curves[name] = means(part, sizes, np.ones((1, len(part))))[0]
        resampled[name] = means(part, sizes, weights.astype(np.float64))
    allowed = sizes[:, None] <= counts // 2
    bounds = np.array([np.where(allowed[:, g], _bounds(resampled[n]), np.nan) for g, n in enumerate(groups)])
    compared = [name for name, count in zip(groups, counts, strict=True) if count >= LEAST]
    at = int(np.flatnonzero(allowed[:, counts >= LEAST].all(axis=1))[-1]) if len(compared) > 1 else -1
    at = at if reference in compared else -1
    drops = _drops({name: curves[name] for name in compared}, resampled, reference, at) if at >= 0 else ({}, {}, {})
    return Rarefaction(
        group_names=tuple(groups),
        reference=reference,
        models=counts,
        sizes=sizes,
        features=np.array(list(curves.values())),
        low=bounds[:, 0],
        high=bounds[:, 1],
        size=int(sizes[at]) if at >= 0 else 0,
        drop=drops[0],
        pruning=drops[1],
        consistency=drops[2],
        n=table.shape[1],
        seed=seed,
        warnings=_warnings(groups, counts),
        provenance=dict(PROVENANCE),
    )


def _check_members(groups: Mapping[str, Sequence[int]], models: int) -> None:
    if strange := [member for members in groups.values() for member in members if not 0 <= member < models]:
        raise ValueError(f"groups have the model {strange[0]}; owned has {models}, numbered from 0")


@checked_arguments
def rarefaction_of(found: Interaction, *, reference: str | None = None, seed: Seed = 0) -> Rarefaction:
    """The same for the groups of an interaction tensor.

    Args:
        found: the tensor.
        reference: the group that drops are measured from; ``labels_only`` if there is one, else the first.
        seed: of the resamples.

    Raises:
        KeyError: the reference is not a group.
    """
    groups = {name: found.members(g).tolist() for g, name in enumerate(found.group_names)}
    reference = "labels_only" if reference is None and "labels_only" in groups else reference
    return rarefaction(found.omega.owned(len(found.models)), groups, reference=reference, seed=seed)


def _bounds(resampled: np.ndarray) -> np.ndarray:
    """(2, S) percentile bounds of (R, S); NaN where a size was never there."""
    known = ~np.isnan(resampled).all(axis=0)
    found = np.full((2, resampled.shape[1]), np.nan)
    found[:, known] = np.nanquantile(resampled[:, known], [0.025, 0.975], axis=0)
    return found


def _drops(
    curves: Mapping[str, np.ndarray], resampled: Mapping[str, np.ndarray], reference: str, at: int
) -> tuple[dict[str, Interval], dict[str, Interval], dict[str, Interval]]:
    """Drop, pruning and consistency of each group but the reference, at one of the sizes."""
    found: tuple[dict[str, Interval], ...] = ({}, {}, {})
    for name in curves:
        if name == reference:
            continue
        exact = _split(curves[reference][None], curves[name][None], at)
        drawn = _split(resampled[reference], resampled[name], at)
        for part, estimate, values in zip(found, exact, drawn, strict=True):
            finite = values[np.isfinite(values)]
            part[name] = percentile_interval(finite, float(estimate[0]), len(finite))
    return found


def _split(reference: np.ndarray, other: np.ndarray, at: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two (R, S) curves -> the drop between them at a size, and its two parts."""
    (a, one_a), (b, one_b) = ((each[:, at], each[:, 0]) for each in (reference, other))
    grown_a, grown_b = a / one_a, b / one_b
    return a - b, (one_a - one_b) * (grown_a + grown_b) / 2, (grown_a - grown_b) * (one_a + one_b) / 2


def _warnings(groups: Mapping[str, Sequence[int]], counts: np.ndarray) -> tuple[str, ...]:
    small = [name for name, count in zip(groups, counts, strict=True) if count < LEAST]
    return (f"{', '.join(small)}: fewer than four models, not compared with the others",) if small else ()


def means(owned: np.ndarray, sizes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(R, S) weighted mean number of features over subsets of distinct models; NaN where there is none of that size.

    A subset weighs the product of its models' weights. These products, summed over all subsets of a size, are the
    elementary symmetric polynomials, which grow model by model; a feature is missing from the subsets of models without
    it.
    """
    patterns, of = np.unique(owned, axis=1, return_counts=True)
    most = max(1, CHUNK // patterns.size)
    if len(weights) > most:
        pieces = np.split(weights, range(most, len(weights), most))
        return np.concatenate([means(owned, sizes, piece) for piece in pieces])
    largest = min(int(sizes.max()), len(owned))
    every = _symmetric(weights[:, None, :], largest)
    without = _symmetric(weights[:, None, :] * ~patterns.T, largest)
    found = np.full((len(weights), len(sizes)), np.nan)
    for place, size in enumerate(sizes):
        if size <= largest:
            total = every[:, 0, size]
            present = (of * (1 - without[:, :, size] / np.where(total > 0, total, 1)[:, None])).sum(axis=1)
            found[:, place] = np.where(total > 0, present, np.nan)
    return found


def _symmetric(values: np.ndarray, largest: int) -> np.ndarray:
    """(..., M) -> (..., largest + 1) elementary symmetric polynomials."""
    found = np.zeros((*values.shape[:-1], largest + 1))
    found[..., 0] = 1
    for model in range(values.shape[-1]):
        found[..., 1:] += values[..., model, None] * found[..., :-1]
    return found
