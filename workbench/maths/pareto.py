"""A direction on which several gradients agree."""

from __future__ import annotations

import torch
from torch import Tensor

TOLERANCE = 1e-12
LIMIT = 10_000


def least_norm_weights(gradients: Tensor, cap: float = 1.0) -> Tensor:
    """Weights in [0, cap], adding up to 1, of the shortest combination of K gradients.

    Pairs of weights that violate optimality most are moved against each other until none does. With cap 1 the combination
    lowers every loss or none can be lowered without another one rising.

    Args:
        gradients: (K, D).
        cap: the most one weight may be; less than 1 / K counts as that.

    Returns:
        (K,), without gradients.
    """
    count = len(gradients)
    flat = gradients.detach().double()
    gram = (flat @ flat.T).tolist()
    cap, weights = max(cap, 1 / count), [1 / count] * count
    for _ in range(LIMIT):
        slopes = [sum(g * w for g, w in zip(row, weights, strict=True)) for row in gram]
        up = min((k for k in range(count) if weights[k] < cap), key=slopes.__getitem__, default=0)
        down = max((k for k in range(count) if weights[k] > 0), key=slopes.__getitem__)
        gain = slopes[down] - slopes[up]
        bend = gram[up][up] + gram[down][down] - 2 * gram[up][down]
        if gain <= TOLERANCE * max(gram[k][k] for k in range(count)) or bend <= 0:
            break
        step = min(gain / bend, cap - weights[up], weights[down])
        weights[up], weights[down] = weights[up] + step, weights[down] - step
    return torch.tensor(weights, dtype=torch.float64).to(gradients)
