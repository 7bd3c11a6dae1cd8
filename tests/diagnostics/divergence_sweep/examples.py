"""Examples of sweeps."""

from __future__ import annotations

import numpy as np

from tests.examples import HOSTILE
from workbench.diagnostics.divergence_sweep.measure import DivergenceSweep, divergence_sweep


def made(*names: str) -> DivergenceSweep:
    generator = np.random.default_rng(0)
    k = np.abs(0.1 * np.arange(1, len(names) + 1) + 0.05 * generator.normal(size=(4, len(names))))
    gaps = 0.1 * k + 0.02 * generator.normal(size=k.shape)
    estimates, excesses = {"pred_seed": k, "linear_exact": 40 * k[:, ::-1]}, {"brier": gaps, "0-1": 2 * gaps}
    return divergence_sweep(estimates, excesses, names, factors=("temperature", "width") * (len(names) // 2))


def results() -> list[DivergenceSweep]:
    return [made("T 1", "width 4", "T 4", "width 8", "T 8", "width 16")]


def incomplete() -> list[DivergenceSweep]:
    return [divergence_sweep(np.zeros((1, 3)), np.zeros((1, 3)), ["a", "b", "c"])]


def hostile() -> list[DivergenceSweep]:
    return [made(HOSTILE, "b", "c", "d")]
