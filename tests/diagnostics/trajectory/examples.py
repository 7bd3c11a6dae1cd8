"""Examples of nets on a plane: one after another, and seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.examples import HOSTILE
from workbench.diagnostics.trajectory.measure import PROVENANCE, STEPS, Trajectory


def made(*points: str, path: bool = True) -> Trajectory:
    turns = np.linspace(0, 3, len(points))
    places = np.exp(-turns[:, None]) * np.c_[np.cos(turns), np.sin(turns)]
    grid = np.linspace(-1.25, 1.25, STEPS)
    surface = 0.02 + grid[None] ** 2 + 3 * grid[:, None] ** 2
    losses = 0.02 + places[:, 0] ** 2 + 3 * places[:, 1] ** 2
    off, explained = np.full(len(points), 0.1), np.array([0.7, 0.2])
    return Trajectory(points, path, places, off, losses, explained, grid, surface, 256, (), dict(PROVENANCE))


def results() -> list[Trajectory]:
    return [made("as distilled", "epoch +1", "epoch +2", "epoch +3"), made("seed 0", "seed 1", "seed 2", path=False)]


def incomplete() -> list[Trajectory]:
    whole = made("a", "b", "c")
    return [replace(whole, surface=0 * whole.surface)]


def hostile() -> list[Trajectory]:
    return [made(HOSTILE, "b", "c", path=False)]
