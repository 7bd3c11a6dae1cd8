"""How far may two nets be smoothed before flatness no longer helps the bound on their gaps?

How it is measured: both nets are taken as the centres of Gaussians of the same width in the space of their weights. The
wider they are the nearer are the two distributions, and the higher rises the loss.

Formula:
    K(rho) = distance^2 / (2 rho^2), so that sqrt(2 sigma^2 K) = sigma * distance / rho
    bound(rho) = sigma * distance / rho + rise(rho), with rise = 1/2 rho^2 h for small rho, h the trace of the Hessians
    rho* = (sigma * distance / h)^(1/3), bound(rho*) = 3/2 (sigma * distance)^(2/3) h^(1/3)
    rho0 (operational) = the largest rho whose bound, with the measured rise, is not above a reference
Reading it: a flatter teacher (small h) allows more smoothing and has a tighter bound.
When it misleads: it needs one space of weights, so one architecture; with a reference of one, the largest loss there is,
rho0 only says how far the bound says anything at all, and often it never does.
After: the loss-sharpness-aware bound of Li & He 2026, whose statement and rho0 were not readable: a reconstruction, not
the paper's theorem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from workbench.diagnostics.flatness.measure_sharpness import noise_directions, rises

if TYPE_CHECKING:
    from workbench.diagnostics.flatness.measure_objective import Objective

PRECISION, LARGEST = 1e-3, 1.0


@dataclass(frozen=True)
class Smoothed:
    """The bound of two nets in one space of weights, for a loss in [0, 1].

    Attributes:
        distance: of their weights.
        bounds: (R,) what it adds to the teacher's gap at each radius.
        rho_star: the radius that is best for a quadratic rise.
        bound_star: the bound there.
        rho_zero: the largest radius whose bound is not above one; NaN where none is.
    """

    distance: float
    bounds: np.ndarray
    rho_star: float
    bound_star: float
    rho_zero: float


def smoothed(
    student: Objective, teacher: Objective, distance: float, radii: Sequence[float], *, seed: int = 0
) -> Smoothed:
    """Measure the rise of both nets' loss under noise, and what that makes of the bound.

    Args:
        student: with a loss in [0, 1].
        teacher: likewise.
        distance: of their weights.
        radii: of the noise, lowest first; the trace is read off the lowest one.
        seed: of the noise.
    """
    nets = [(each, noise_directions(each, seed=seed)) for each in (student, teacher)]

    @cache  # the bounds and the search for rho0 ask at the same radii
    def rise(radius: float) -> float:
        return sum(float(rises(each, directions, [radius]).mean()) for each, directions in nets)

    bounds = np.array([smoothed_bound(radius, distance, rise(radius)) for radius in radii])
    star, bound = best_radius(distance, 2 * rise(radii[0]) / radii[0] ** 2)
    return Smoothed(distance, bounds, star, bound, operational_radius(distance, rise, radii, LARGEST))


def smoothed_bound(radius: float, distance: float, rise: float, sigma: float = 1.0) -> float:
    """What the bound adds to the teacher's gap, when both are smoothed this far and the loss rises by ``rise``."""
    return sigma * distance / radius + rise


def best_radius(distance: float, trace: float, sigma: float = 1.0) -> tuple[float, float]:
    """``rho*`` and the bound there, from the trace of the Hessians; NaN for both where the trace is not positive."""
    if not (trace > 0 and distance > 0):
        return float("nan"), float("nan")
    pull = sigma * distance
    return (pull / trace) ** (1 / 3), 1.5 * pull ** (2 / 3) * trace ** (1 / 3)


def operational_radius(
    distance: float, rise: Callable[[float], float], radii: Sequence[float], reference: float, sigma: float = 1.0
) -> float:
    """``rho0``: the largest radius whose bound is not above the reference; NaN where none of the radii is.

    Args:
        distance: of the two nets.
        rise: measured rise of the loss at a radius.
        radii: where it is looked for first, lowest first; then by bisection up to the next one.
        reference: of the bound; the largest loss, for a bound that says anything.
        sigma: of the loss under the teacher's distribution.
    """

    def holds(radius: float) -> bool:
        return smoothed_bound(radius, distance, rise(radius), sigma) <= reference

    held = [position for position, radius in enumerate(radii) if holds(radius)]
    if not held:
        return float("nan")
    low = radii[held[-1]]
    if held[-1] + 1 == len(radii):
        return low
    high = radii[held[-1] + 1]
    while high - low > PRECISION * low:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
