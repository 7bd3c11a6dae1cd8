"""Examples of strata."""

from __future__ import annotations

import numpy as np

from tests.examples import HOSTILE, run
from workbench.diagnostics.strata.measure import Strata, strata, strata_of


def results() -> list[Strata]:
    return [strata_of(run())]


def incomplete() -> list[Strata]:
    """An empty group, and one of a single sample."""
    return [strata({"forward_kl": [0.1, 0.2, 0.4], "agreement": [1, 0, 1]}, [0, 0, 1], ("a", "b", "c"))]


def hostile() -> list[Strata]:
    return [strata({"agreement": np.ones(4)}, np.zeros(4, int), (HOSTILE,))]
