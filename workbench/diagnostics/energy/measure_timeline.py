"""Joules over the seconds of a run, from the timeline its ledger kept."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workbench.diagnostics.energy.measure_books import Book, Pricing
from workbench.energy.models import CpuTimeModel
from workbench.energy.usage import Usage


class Timeline(NamedTuple):
    """T moments of a run.

    Attributes:
        seconds: (T,) of work so far.
        joules: (T,) so far.
        stages: T names, what was worked on until then.
    """

    seconds: np.ndarray
    joules: np.ndarray
    stages: tuple[str, ...]


def timeline_of(book: Book, pricing: Pricing) -> Timeline:
    """Joules so far at each moment, estimated from processor seconds: what sensors say is not kept moment by moment."""
    points, model = book["timeline"], CpuTimeModel(pricing.watts)
    so_far = [model.spent(Usage((), wall, cpu))[0].value_j for wall, cpu, _ in points]
    return Timeline(np.array([p[0] for p in points], float), np.array(so_far, float), tuple(p[2] for p in points))
