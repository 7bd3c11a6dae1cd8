"""How a ranking might have come out: other seeds of ours, other sightings of what was published, and mere luck."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from workbench.maths.intervals import FEWEST
from workbench.maths.ranks import kendall
from workbench.maths.resampling import percentile_interval
from workbench.records.interval import Interval
from workbench.records.published import Sighting

ORDERS, LEVEL = 9999, 0.95


def our_draws(scores: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """Means of (M, S) scores as other seeds might have given them, the same ones for all methods: (R, M).

    Drawn from Student's t with S - 1 degrees of freedom around the means, with the covariance of the methods over seeds, so
    that the middle 95 % of a method's draws is the t interval of its mean; resampled seeds would cover too little.
    """
    seeds, mean = scores.shape[1], scores.mean(1)
    if seeds < 2:
        return np.repeat(mean[None], draws, axis=0)
    normal = generator.standard_normal((draws, seeds)) @ (scores - mean[:, None]).T / math.sqrt(seeds * (seeds - 1))
    return mean + normal / np.sqrt(generator.chisquare(seeds - 1, (draws, 1)) / (seeds - 1))


def published_draws(
    published: np.ndarray, sightings: Sequence[Sequence[Sighting]], draws: int, generator: np.random.Generator
) -> np.ndarray:
    """(R, M): for each method one of its sightings, each as likely; the published score where there are none."""
    drawn = np.repeat(published[None], draws, axis=0)
    for method, reports in enumerate(sightings):
        if reports:
            chosen = generator.integers(0, len(reports), draws)
            each = np.stack([_of(report, draws, generator) for report in reports])
            drawn[:, method] = each[chosen, np.arange(draws)]
    return drawn


def ends_of(sightings: Sequence[Sighting]) -> tuple[float, float]:
    """The lowest and the highest that was seen; NaN where there was one sighting without a spread, or none."""
    ends = [sighting.ends for sighting in sightings]
    low, high = min((e[0] for e in ends), default=math.nan), max((e[1] for e in ends), default=math.nan)
    return (low, high) if high > low else (math.nan, math.nan)


def middle(draws: np.ndarray, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bound of the middle 95 % of (R, M) draws; NaN below ``FEWEST`` seeds."""
    if seeds < FEWEST:
        nothing = np.full(draws.shape[1], np.nan)
        return nothing, nothing
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def kendall_interval(ours: np.ndarray, published: np.ndarray, estimate: float, *, known: bool) -> Interval:
    """Of tau-b over (R, M) draws of both sides; without bounds where no noise is known or the estimate is NaN."""
    found, methods = kendall(ours, published), ours.shape[1]
    found = found[~np.isnan(found)]
    if math.isnan(estimate) or not len(found) or not known:
        return Interval(estimate, math.nan, math.nan, methods, "none")
    return percentile_interval(found, estimate, methods, LEVEL)


def chance_of(ours: np.ndarray, published: np.ndarray, generator: np.random.Generator) -> float:
    """Share of random orders of ours that agree with the published one at least as well; NaN where tau-b is."""
    agreement = kendall(ours, published)
    if np.isnan(agreement):
        return math.nan
    shuffled = generator.permuted(np.repeat(ours[None], ORDERS, axis=0), axis=1)
    as_well = kendall(shuffled, published) >= agreement - 1e-12
    return float((as_well.sum() + 1) / (ORDERS + 1))


def reversals(order: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """For each method in an order and the next one, (M - 1,): the share of draws that put them the other way round."""
    return (draws[:, order[1:]] >= draws[:, order[:-1]]).mean(0)


def _of(sighting: Sighting, draws: int, generator: np.random.Generator) -> np.ndarray:
    if not math.isnan(sighting.low):
        return generator.uniform(sighting.low, sighting.high, draws)
    spread = 0.0 if math.isnan(sighting.spread) else sighting.spread
    return generator.normal(sighting.value, spread, draws)
