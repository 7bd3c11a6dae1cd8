"""Coverages of a narrow transfer set, of one without disagreement, and of hostile names."""

from __future__ import annotations

import numpy as np

from tests.examples import HOSTILE
from workbench.diagnostics.coverage.measure import Coverage, coverage


def made(features: int = 5, first: str = "radius", *, faithful: bool = False, bins: int = 6) -> Coverage:
    """A transfer set that reaches the middle only; the student departs outside."""
    generator = np.random.default_rng(0)
    inputs, transfer = generator.normal(size=(300, features)), 0.6 * generator.normal(size=(60, features))
    outside = np.abs(inputs[:, 0]) > 1
    agrees = np.ones(300, bool) if faithful else ~(outside & (generator.random(300) < 0.7))
    names = [first, *(f"feature {k}" for k in range(2, features + 1))]
    return coverage(transfer, inputs, agrees, bins=bins, features=names, ids=500 + np.arange(300))


def results() -> list[Coverage]:
    """A student that departs where its transfer set has holes."""
    return [made()]


def incomplete() -> list[Coverage]:
    """No disagreement; two features in two bins."""
    return [made(faithful=True), made(2, bins=2), made(20)]


def hostile() -> list[Coverage]:
    """A feature that wants to be a page."""
    return [made(first=HOSTILE)]
