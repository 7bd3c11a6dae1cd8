"""Similarities of layers with a control, of many layers, and of layers with hostile names."""

from __future__ import annotations

import numpy as np

from tests.examples import HOSTILE
from workbench.diagnostics.representation.measure import Representation, representation


def made(layers: int = 3, *, control: bool = True, first: str = "layer1", samples: int = 40) -> Representation:
    """Teacher layers, and a student that has picked up some of each; the control less."""
    generator = np.random.default_rng(0)
    names = [first, *(f"layer{k}" for k in range(2, layers + 1))]
    teacher = {name: generator.normal(size=(samples, 12)) for name in names}
    noise = {name: generator.normal(size=(samples, 6)) for name in names}
    student = {name: teacher[name][:, :6] + 0.7 * noise[name] for name in names}
    alone = {name: 0.3 * teacher[name][:, :6] + noise[name] for name in names}
    return representation(student, teacher, alone if control else None)


def results() -> list[Representation]:
    """One with its control."""
    return [made()]


def incomplete() -> list[Representation]:
    """No control and too few samples for an interval; many layers."""
    return [made(control=False, samples=12), made(14)]


def hostile() -> list[Representation]:
    """A layer that wants to be a page."""
    return [made(first=HOSTILE)]
