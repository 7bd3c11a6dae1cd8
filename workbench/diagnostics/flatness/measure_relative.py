"""How much does the loss rise for one layer's weights, in a measure that rescaling the layers does not change?

How it is measured: the Hessian of one layer is weighted with the products of the layer's own rows. The sum is the mean of
quadratic forms with random vectors, as the trace is; further ones are drawn until its standard error is small.

Formula:
    sum_{i, j} <w_i, w_j> tr H_ij = E_Z vec(W Z)' H vec(W Z), Z random signs (D, D)
    W (F, D) with rows w_i, a filter of a convolution being a row; H_ij (D, D) the second derivatives in w_i and w_j
Reading it: multiplying a rectified layer and dividing the next leaves it as it is, exactly. Smaller is flatter.
When it misleads: of one layer only, the last by default. A net with a smaller loss is flatter by that alone.
After: Petzka et al. 2021, relative flatness, definition 3. Cost: some ten to two hundred products with the Hessian.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from workbench.diagnostics.flatness.measure_curvature import until_sure
from workbench.maths.intervals import t_interval
from workbench.records.interval import Interval

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from workbench.diagnostics.flatness.measure_objective import Objective

MOST = 200


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
