"""How much can the loss rise when the weights move a little, in the worst case and by chance?

How it is measured: the worst case is looked for inside a ball around the weights, with the single step of SAM and with
projected gradient ascent from a random start and from that step. The chance is Gaussian noise, added and subtracted, so
that the slope drops out.

Formula:
    SAM         L(w + radius * g / |g|) - L(w), g the slope at w; NaN where it is zero
    ascent      max over the ball |e| <= radius of L(w + e) - L(w), as far as 10 steps find it: a lower bound
    adaptive    the same over |e / (|w| + 0.01)| <= radius, which stretching a weight does not change (ASAM)
    rise(r)     mean_e (L(w + r e) + L(w - r e)) / 2 - L(w), e ~ N(0, I); 1/2 r^2 tr H for a quadratic
    tolerated   the largest r whose mean loss under noise is less than a tenth above L(w) (the sigma of PAC-Bayes bounds)
Reading it: at a minimum the worst case of a small radius is 1/2 radius^2 times the top eigenvalue of the Hessian.
When it misleads: only the adaptive and the filter-wise measures survive a rescaling of layers; none of them says by
itself how well a net generalises. A relative rise is tiny where the loss is near zero.
After: Foret et al. 2021 (SAM), Kwon et al. 2021 (ASAM), Jiang et al. 2020 (sigma), Li et al. 2018 (filter norms).
Cost: 40 gradients and, per radius, 16 losses; a second for 2,410 parameters and 512 samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.diagnostics.flatness.measure_objective import Objective

STEPS, DRAWS, RISE, ADDED = 10, 8, 0.1, 0.01
SIZES = (1e-6, 100.0)


@dataclass(frozen=True)
class Worst:
    """The largest rise found in a ball.

    Attributes:
        one_step: of SAM's step; NaN where the slope is zero.
        ascent: of the best of all steps, never below zero.
    """

    one_step: float
    ascent: float


def worst_rise(objective: Objective, radius: float, *, adaptive: bool = False, seed: int = 0) -> Worst:
    """Look for the largest rise of the loss in a ball around the weights.

    Args:
        objective: the loss as a function of the weights.
        radius: of the ball.
        adaptive: measure each weight's step against its size.
        seed: of the random start.

    Raises:
        ValueError: the radius is not positive.
    """
    import torch

    if not radius > 0:
        raise ValueError(f"radius = {radius} must be positive")
    scale = objective.weights.abs() + ADDED if adaptive else torch.ones_like(objective.weights)
    start, at_start = objective.value(), scale * objective.slope()
    noise = torch.randn(scale.shape, generator=torch.Generator().manual_seed(seed), dtype=scale.dtype)
    best, one_step = 0.0, float("nan")
    if at_start.norm() > 0:
        one_step = objective.value(objective.weights + scale * _on_sphere(at_start, radius)) - start
        best = max(best, _ascent(objective, _on_sphere(at_start, radius), scale, radius) - start)
    best = max(best, _ascent(objective, _on_sphere(noise, radius), scale, radius) - start)
    return Worst(one_step, max(best, 0.0 if np.isnan(one_step) else one_step))


def _ascent(objective: Objective, step: Tensor, scale: Tensor, radius: float) -> float:
    """The largest loss on the way of projected gradient ascent, in coordinates in which the ball is round.

    A stride that gains is doubled, one that loses is taken back and quartered.
    """
    best, stride = objective.value(objective.weights + scale * step), radius
    slope = scale * objective.slope(objective.weights + scale * step)
    for _ in range(STEPS):
        if not slope.norm() > 0:
            break
        tried = step + _on_sphere(slope, stride)
        tried = tried * (radius / max(float(tried.norm()), radius))
        reached = objective.value(objective.weights + scale * tried)
        if reached > best:
            step, best, stride = tried, reached, 2 * stride
            slope = scale * objective.slope(objective.weights + scale * step)
        else:
            stride /= 4
    return best


def _on_sphere(vector: Tensor, radius: float) -> Tensor:
    return vector * (radius / vector.norm())


def noise_directions(
    objective: Objective, *, by_filter: bool = False, draws: int = DRAWS, seed: int = 0
) -> list[Tensor]:
    """Gaussian directions, (P,) each; with ``by_filter`` each filter has the norm of the weights' own."""
    import torch

    from workbench.maths.filters import filter_normalised
    from workbench.maths.hessian import flat, parts

    generator, like = torch.Generator().manual_seed(seed), [torch.empty(shape) for shape in objective.shapes]
    size, kind = objective.weights.shape, objective.weights.dtype
    found = [torch.randn(size, generator=generator, dtype=kind) for _ in range(draws)]
    if not by_filter:
        return found
    weights = parts(objective.weights, like)
    return [flat(filter_normalised(parts(each, like), weights)) for each in found]


def rises(objective: Objective, directions: Sequence[Tensor], radii: Sequence[float]) -> np.ndarray:
    """Rise of the loss at each radius along each direction, both ways averaged, (R, D)."""
    start = objective.value()

    def rise(radius: float, direction: Tensor) -> float:
        ahead = objective.value(objective.weights + radius * direction)
        return (ahead + objective.value(objective.weights - radius * direction)) / 2 - start

    return np.array([[rise(float(radius), direction) for direction in directions] for radius in radii])


def tolerated_noise(objective: Objective, directions: Sequence[Tensor], *, rise: float = RISE) -> float:
    """The largest standard deviation of noise whose mean loss is less than a share ``rise`` above that of the weights.

    Found by bisection with the same directions at every size, to one per cent; NaN if it is not between ``SIZES``.
    """
    allowed = rise * objective.value()

    def fits(size: float) -> bool:
        return float(rises(objective, directions, [size]).mean()) < allowed

    low, high = SIZES
    if not fits(low) or fits(high):
        return float("nan")
    while high > 1.01 * low:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
