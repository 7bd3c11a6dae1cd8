"""Examples of flatness: an architecture shared by teacher and student, and one that is not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from tests.examples import HOSTILE
from workbench.diagnostics.flatness.measure import PROVENANCE, Flatness
from workbench.diagnostics.flatness.measure_numbers import MEASURES, RADII, SHARES
from workbench.records.interval import Interval


@cache
def made(*models: str) -> Flatness:
    radii, shares = np.array(RADII), np.array(SHARES)
    steep = np.arange(1, len(models) + 1)[:, None]
    grid = np.linspace(-1, 20, 240) * steep
    measures = {model: dict.fromkeys(MEASURES, 1.0 + k) for k, model in enumerate(models)}
    interval = Interval(30.0, 27.0, 33.0, 20, "t")
    return Flatness(
        models=models,
        loss="labels",
        measures=measures,
        traces=dict.fromkeys(models, interval),
        gauss_newton=dict.fromkeys(models, interval),
        radius=0.05,
        adaptive_radius=0.5,
        grid=grid,
        density=np.exp(-((grid / 0.3) ** 2)) + 0.01 * np.exp(-(((grid - 15) / 0.3) ** 2)),
        radii=radii,
        rises=15 * steep * radii**2,
        errors=2 * steep * radii**2,
        shares=shares,
        share_rises=steep * shares**2,
        share_errors=0.2 * steep * shares**2,
        smoothed=0.05 / radii + 30 * radii**2,
        distance=0.05,
        rho_star=0.094,
        bound_star=0.8,
        rho_zero=0.15,
        n=256,
        seed=0,
        warnings=("student: the trace is not sure",),
        provenance=dict(PROVENANCE),
    )


def results() -> list[Flatness]:
    return [made("teacher", "student", "control")]


def incomplete() -> list[Flatness]:
    whole = made("teacher", "student")
    nothing = np.full_like(whole.rises, np.nan)
    lost = dict.fromkeys(("distance", "rho_star", "bound_star", "rho_zero"), float("nan"))
    return [
        replace(whole, rises=nothing, share_rises=nothing, **lost),
        replace(whole, density=0 * whole.density, share_rises=-whole.share_rises),
    ]


def hostile() -> list[Flatness]:
    return [made(HOSTILE, "student")]
