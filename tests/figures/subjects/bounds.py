"""Examples of bounds: one that says something, one that does not, and one of a single pair."""

from __future__ import annotations

import numpy as np

from tests.figures.subjects.divergence import made
from workbench.diagnostics.divergence.bounds import Bounds, bounds
from workbench.diagnostics.divergence.divergence import divergence
from workbench.diagnostics.divergence.gaps import Gaps


def results() -> list[Bounds]:
    return [bounds(made(6))]


def incomplete() -> list[Bounds]:
    same = np.random.default_rng(0).normal(size=(1, 30, 3))
    nothing = divergence(same, same, gaps=Gaps(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(1, int)))
    return [bounds(made(1)), bounds(made(1, 9.0)), bounds(nothing)]
