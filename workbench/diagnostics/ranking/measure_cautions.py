"""What a reader of a ranking must be told: too few methods or seeds, gaps smaller than their noise, unchecked scores."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from workbench.diagnostics.ranking.measure_draws import reversals
from workbench.records.wording import plural

FEW_METHODS, FEW_SEEDS, OFTEN = 5, 5, 0.05


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
