"""Partial distance correlation: how far the distances of two tables go together once a third one's are taken out.

Everything is made of U-centred distance matrices (Szekely and Rizzo 2014), so that the estimates are unbiased and the
matrices of N samples can be added, projected and compared like vectors. Differentiable.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.maths.representations import u_centred

EPSILON = 1e-12
"""Added under the root of squared distances, whose slope is infinite at 0."""


def distances(features: Tensor) -> Tensor:
    """Euclidean distances of all pairs of rows, (N, ...) -> (N, N), with 0 on the diagonal."""
    flat = features.flatten(1)
    flat = flat - flat.mean(0)
    lengths = flat.square().sum(1)
    squared = (lengths[:, None] + lengths - 2 * flat @ flat.T).clamp(min=0)
    away = 1 - torch.eye(len(flat), dtype=flat.dtype, device=flat.device)
    return (squared + EPSILON).sqrt() * away


def shape_of(features: Tensor) -> Tensor:
    """U-centred distances, (N, ...) -> (N, N)."""
    return u_centred(distances(features))


def label_shape(labels: Tensor, classes: int) -> Tensor:
    """U-centred distances of one-hot labels, (N,) -> (N, N): 0 within a class, the same between any two."""
    return shape_of(F.one_hot(labels, classes).double())


def product(left: Tensor, right: Tensor) -> Tensor:
    """Inner product of two U-centred matrices, the unbiased squared distance covariance."""
    n = len(left)
    return (left * right).sum() / (n * (n - 3))


def without(shape: Tensor, other: Tensor) -> Tensor:
    """What is left of a U-centred matrix when another one is projected out; all of it if the other is 0."""
    weight = product(other, other)
    return shape - product(shape, other) / weight.clamp(min=EPSILON) * other


def correlation(left: Tensor, right: Tensor) -> Tensor:
    """Bias-corrected squared distance correlation in [-1, 1]; 0 where one matrix is 0, as when it was projected out."""
    scale = (product(left, left).clamp(min=0) * product(right, right).clamp(min=0)).sqrt()
    return product(left, right) / scale.clamp(min=EPSILON)


def class_activation_maps(features: Tensor, score: Tensor) -> Tensor:
    """Where channels that raise a score are active: (N, C, H, W) and () -> (N, H, W) in [0, 1].

    Gradients of the score are averaged over the places of each channel and weigh the channels; what is negative is cut, and
    every map is stretched to [0, 1].
    """
    (slopes,) = torch.autograd.grad(score, features, retain_graph=True)
    maps = (slopes.mean((2, 3), keepdim=True) * features).sum(1).relu().detach()
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / (high - low).clamp(min=EPSILON)
