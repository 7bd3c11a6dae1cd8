"""Examples of divergences: over seeds, and of one pair."""

from __future__ import annotations

from functools import cache

import numpy as np

from workbench.diagnostics.divergence.measure import Divergence, divergence
from workbench.diagnostics.divergence.measure_gaps import Gaps
from workbench.diagnostics.divergence.measure_models import Spaces


@cache
def made(seeds: int, apart: float = 0.6) -> Divergence:
    generator = np.random.default_rng(0)
    centre = 2 * generator.normal(size=(80, 4))
    teacher = centre + 0.4 * generator.normal(size=(seeds, 80, 4))
    student = centre + apart * generator.normal(size=(seeds, 80, 4))
    gaps = [0.08 + 0.02 * generator.normal(size=(seeds, 2)), 0.05 + 0.01 * generator.normal(size=(seeds, 2))]
    weights = [[{"layer.weight": generator.normal(size=(4, 3))} for _ in range(seeds)] for _ in range(2)]
    return divergence(student, teacher, gaps=Gaps(*gaps, np.arange(seeds)), spaces=Spaces(*weights), rho=0.5)


def results() -> list[Divergence]:
    return [made(6)]


def incomplete() -> list[Divergence]:
    same = np.random.default_rng(0).normal(size=(2, 30, 3))
    return [made(1), divergence(same, same)]
