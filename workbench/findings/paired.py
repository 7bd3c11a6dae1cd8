"""Scores of a study's arms by seed, so that findings compare what was paired."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workbench.records.study import Study

Tell = Callable[[float, str], object]


def scores(study: Study, arm: str) -> np.ndarray:
    """Last-epoch test scores of an arm in the order of the study's seeds, NaN where a run failed: (seeds,)."""
    found = {outcome.seed: outcome.last for outcome in study.arms[arm].outcomes}
    return np.array([found.get(seed, np.nan) for seed in study.seeds])


def gain(study: Study, arm: str, control: str = "labels_only") -> np.ndarray:
    """How much an arm is ahead of another one, seed by seed: (seeds,)."""
    return scores(study, arm) - scores(study, control)
