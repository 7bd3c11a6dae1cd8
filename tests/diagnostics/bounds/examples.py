"""Examples of bounds: one that says something, one that does not, and one of a single pair."""

from __future__ import annotations

import numpy as np

from tests.diagnostics.divergence.examples import made
from workbench.diagnostics.bounds.measure import Bounds, bounds
from workbench.diagnostics.divergence.measure import divergence
from workbench.diagnostics.divergence.measure_gaps import Gaps


def results() -> list[Bounds]:
    return [bounds(made(6))]


def incomplete() -> list[Bounds]:
    same = np.random.default_rng(0).normal(size=(1, 30, 3))
    nothing = divergence(same, same, gaps=Gaps(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(1, int)))
    return [bounds(made(1)), bounds(made(1, 9.0)), bounds(nothing)]
