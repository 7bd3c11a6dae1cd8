"""Examples of landscapes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.examples import HOSTILE
from workbench.diagnostics.landscape.measure import LINE, PROVENANCE, STEPS, Landscape


def made(*models: str) -> Landscape:
    steps, places = np.linspace(-1, 1, STEPS), np.linspace(0, 1, LINE)
    across, up = np.meshgrid(steps, steps)
    surfaces = [0.05 * (k + 1) + (k + 1) * across**2 + up**2 + 0.3 * across * up for k in range(len(models))]
    line = 0.1 + 0.8 * np.sin(np.pi * places) ** 2
    return Landscape(
        *(models, "labels", steps, np.stack(surfaces), models[-2:], places, line, 0.8, 256, 0, (), dict(PROVENANCE))
    )


def results() -> list[Landscape]:
    return [made("teacher", "student", "control")]


def incomplete() -> list[Landscape]:
    whole, nothing = made("teacher", "student"), float("nan")
    lost = np.full(LINE, nothing)
    return [
        replace(whole, ends=(), line=lost, barrier=nothing),
        replace(whole, surfaces=np.full_like(whole.surfaces, nothing)),
    ]


def hostile() -> list[Landscape]:
    return [made(HOSTILE, "student")]
