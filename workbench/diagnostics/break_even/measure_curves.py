"""The curves of a break-even: joules per student against how many share the teacher's work, and how often each is asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.diagnostics.break_even.measure_parts import Parts

POINTS, TAILS = 60, (0.025, 0.975)
LEAST_REUSE, LEAST_SERVED = 30.0, 1e5
BEYOND = 4.0
"""The grid goes so many times beyond what must be seen on it."""
FARTHEST = 1e12


@dataclass(frozen=True)
class Curves:
    """See ``BreakEven``."""

    pipelines: dict[str, dict[str, float]]
    reuse: np.ndarray
    reuse_j: np.ndarray
    served: np.ndarray
    served_j: np.ndarray
    cheapest: np.ndarray
    at: dict[str, Any]


def curves(parts: Parts, reuse: float, served: float, students: float, samples: float) -> Curves:
    """Curves with bands, and the joules at one point.

    Args:
        parts: of both ways.
        reuse: N of the point, and of the second grid.
        served: V of the point, and of the first grid.
        students: N*, which the first grid must show.
        samples: T*, which the second must show.

    Raises:
        ValueError: N below one, or V below zero.
    """
    if reuse < 1 or served < 0:
        raise ValueError(
            f"N = {reuse:g} students and V = {served:g} samples: one student at least, and no fewer than 0"
        )
    over_reuse = _grid(1.0, LEAST_REUSE, reuse, students)
    over_served = np.concatenate([[0.0], _grid(1.0, LEAST_SERVED, served, samples)])
    ways = ("plain", "distilled")
    point = {
        parts.names[way]: float(_central(parts, way, np.array([reuse]), np.array([served]))[0])
        for way in (*ways, "teacher")
    }
    return Curves(
        pipelines={
            parts.names[way]: {term: _mean(values) for term, values in parts.central[way].items()}
            for way in parts.central
        },
        reuse=over_reuse,
        reuse_j=np.stack([_band(parts, way, over_reuse, np.full(len(over_reuse), served)) for way in ways]),
        served=over_served,
        served_j=np.stack(
            [_band(parts, way, np.full(len(over_served), reuse), over_served) for way in (*ways, "teacher")]
        ),
        cheapest=_cheapest(parts, over_reuse, over_served),
        at={"reuse": float(reuse), "served": float(served), "energy_j": point},
    )


def _grid(start: float, least: float, *shown: float) -> np.ndarray:
    """Evenly spaced on a logarithmic axis, far enough for everything finite that must be on it."""
    ends = [BEYOND * value for value in shown if math.isfinite(value)]
    return np.geomspace(start, min(FARTHEST, max(least, *ends, least)), POINTS)


def _band(parts: Parts, way: str, reuse: np.ndarray, served: np.ndarray) -> np.ndarray:
    """(3, G): low, central, high."""
    drawn = _energy({term: values[:, None] for term, values in parts.drawn[way].items()}, reuse, served)
    low, high = np.quantile(drawn, TAILS, axis=0)
    return np.stack([low, _central(parts, way, reuse, served), high])


def _central(parts: Parts, way: str, reuse: np.ndarray, served: np.ndarray) -> np.ndarray:
    return _energy({term: np.array(_mean(values)) for term, values in parts.central[way].items()}, reuse, served)


def _energy(terms: dict[str, np.ndarray], reuse: np.ndarray, served: np.ndarray) -> np.ndarray:
    """E(N, V); nobody is asked where V is 0, whatever an answer costs."""
    made = terms["each"] + terms["artefact"] / reuse if "each" in terms else 0.0
    return made + np.where(served > 0, served * terms["serving"], 0.0)


def _cheapest(parts: Parts, reuse: np.ndarray, served: np.ndarray) -> np.ndarray:
    """(served, reuse): the place of the way that takes least in all; NaN where one of them is not known."""
    grid = np.meshgrid(reuse, served)
    every = np.stack([_central(parts, way, *grid) for way in ("plain", "distilled", "teacher")])
    return np.where(np.isnan(every).any(axis=0), np.nan, every.argmin(axis=0))


def _mean(values: np.ndarray) -> float:
    return float(values.mean())
