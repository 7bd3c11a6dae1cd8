"""What is measured around one net: the curvature, the worst case and the rise under noise, on fixed sizes.

Reading it, when it misleads, cost: see ``flatness``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.diagnostics.flatness.measure_curvature import curvature, density, until_sure
from workbench.diagnostics.flatness.measure_sharpness import noise_directions, rises, tolerated_noise, worst_rise
from workbench.maths.intervals import t_interval
from workbench.records.interval import Interval

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from workbench.diagnostics.flatness.measure_objective import Objective

Tell = Callable[[float, str], object]

RADII = tuple(float(f"{r:.3g}") for r in np.geomspace(0.003, 0.3, 9))

SHARES = tuple(float(f"{r:.3g}") for r in np.geomspace(0.03, 1.0, 9))

STEPS, PLACES, WIDTH = 20, 240, 0.01

MEASURES = ("loss", "slope", "top", "bottom", "one_step", "ascent", "adaptive", "tolerated", "relative", "parameters")

STACKED = ("grid", "density", "rises", "errors", "share_rises", "share_errors")

MOST = 200


def measured(objective: Objective, balls: tuple[float, float], seed: int, tell: Tell) -> dict[str, Any]:
    """Everything that ``Flatness`` holds about one net.

    Args:
        objective: the loss as a function of its weights.
        balls: radius of the ball, and of the one in which each weight is measured against its size.
        seed: of everything random.
        tell: called with the share done in [0, 1] and a message.

    Raises:
        StopIteration: it was stopped; half a net is not kept.
    """
    spectrum = curvature(objective, steps=STEPS, seed=seed, tell=lambda share, words: tell(0.6 * share, words))
    if any("stopped" in warning for warning in spectrum.warnings):
        raise StopIteration
    tell(0.65, "largest rise")
    worst, adaptive = (
        worst_rise(objective, r, adaptive=a, seed=seed) for r, a in zip(balls, (False, True), strict=True)
    )
    tell(0.75, "rise under noise")
    plain, by_filter = (noise_directions(objective, by_filter=each, seed=seed) for each in (False, True))
    risen, shared = rises(objective, plain, RADII), rises(objective, by_filter, SHARES)
    tell(0.9, "tolerated noise")
    tolerated = tolerated_noise(objective, plain)
    tell(0.95, "relative flatness")
    relative, unsure = _relative(objective, seed)
    room = 0.05 * (spectrum.top - spectrum.bottom) or 1.0
    grid = np.linspace(spectrum.bottom - room, spectrum.top + room, PLACES)
    values = (
        *(objective.value(), float(objective.slope().norm()), spectrum.top, spectrum.bottom, worst.one_step),
        *(worst.ascent, adaptive.ascent, tolerated, relative, float(len(objective.weights))),
    )
    return {
        "measures": dict(zip(MEASURES, values, strict=True)),
        "trace": spectrum.trace,
        "gauss_newton": spectrum.gauss_newton,
        "grid": grid,
        "density": density(spectrum, grid, WIDTH * (grid[-1] - grid[0])),
        "rises": risen.mean(1),
        "errors": risen.std(1, ddof=1) / risen.shape[1] ** 0.5,
        "share_rises": shared.mean(1),
        "share_errors": shared.std(1, ddof=1) / shared.shape[1] ** 0.5,
        "warnings": (*spectrum.warnings, *unsure),
    }


def _relative(objective: Objective, seed: int) -> tuple[float, list[str]]:
    """Of the last layer; NaN where the parameters are no layers."""
    try:
        found, unsure = relative_flatness(objective, seed=seed)
    except ValueError as error:
        return float("nan"), [str(error)]
    return found.mean, unsure


def relative_flatness(
    objective: Objective, layer: int | None = None, *, most: int = MOST, seed: int = 0
) -> tuple[Interval, list[str]]:
    """Relative flatness of one layer with an interval over random vectors, and what to warn of.

    Args:
        objective: the loss as a function of the weights.
        layer: position of its weights among the parameters; the last one that is a matrix if None.
        most: random vectors at most.
        seed: of them.

    Raises:
        ValueError: the parameters hold no matrix, or that one is none.
    """
    import torch

    shapes = objective.shapes
    matrices = [position for position, shape in enumerate(shapes) if len(shape) > 1]
    if not matrices or (layer is not None and layer not in matrices):
        raise ValueError(f"relative flatness is that of a matrix; parameter {layer} of {shapes} is none")
    layer, generator = matrices[-1] if layer is None else layer, torch.Generator().manual_seed(seed)
    size, draws = prod(shapes[layer][1:]), []
    warnings = until_sure(lambda: form(objective, layer, _signs(size, generator)), draws, most, "relative flatness")
    return t_interval(draws), warnings


def form(objective: Objective, layer: int, signs: Tensor) -> float:
    """``vec(W Z)' H vec(W Z)`` for (D, D) signs Z: its mean over all of them is the relative flatness of the layer."""
    sizes = [prod(shape) for shape in objective.shapes]
    start, end = sum(sizes[:layer]), sum(sizes[: layer + 1])
    weights, along = objective.weights[start:end].reshape(objective.shapes[layer][0], -1), objective.weights * 0
    along[start:end] = (weights @ signs.to(weights)).reshape(-1)
    return float(along @ objective.product(along))


def _signs(size: int, generator: Generator) -> Tensor:
    import torch

    return torch.randint(0, 2, (size, size), generator=generator) * 2 - 1
