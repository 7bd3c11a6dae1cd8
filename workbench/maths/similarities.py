"""Which samples of a batch are alike: Gram matrices, kernels and neighbourhoods, (B, D) -> (B, B)."""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.maths.divergences import precise

EPSILON = 1e-7


def row_normalised_gram(features: Tensor) -> Tensor:
    """Inner products of all pairs, each row at length 1, (B, ...) -> (B, B); a row of zeros stays as it is."""
    flat = features.flatten(1)
    return F.normalize(_products(flat, flat), dim=1)


def taylor_kernel(features: Tensor, width: float, order: int) -> Tensor:
    """The Gaussian kernel of all pairs of directions as a Taylor series in their cosine, (B, ...) -> (B, B).

    ``exp(-width * |a - b|^2) = exp(-2 width) * sum over p of (2 width)^p / p! * cos(a, b)^p`` for unit vectors.

    Args:
        features: (B, ...).
        width: of the kernel, larger is narrower.
        order: last power of the series.
    """
    cosine = _cosines(features)
    shares = [math.exp(-2 * width) * (2 * width) ** p / math.factorial(p) for p in range(order + 1)]
    return reduce(add, [share * cosine**p for p, share in enumerate(shares)])


def neighbour_probabilities(features: Tensor) -> Tensor:
    """How likely each sample picks each other one, itself included, by their cosines, (B, ...) -> (B, B).

    Cosines are moved to [0, 1] and divided by the sum of their row.
    """
    affinity = (_cosines(features) + 1) / 2
    return affinity / affinity.sum(1, keepdim=True)


def neighbourhood_divergence(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Terms of KL(teacher || student) of neighbour probabilities, (B, B); every row sums up to its divergence."""
    student, teacher = neighbour_probabilities(student_features), neighbour_probabilities(teacher_features)
    return teacher * ((teacher + EPSILON) / (student + EPSILON)).log()


def kernel_alignment(student: Tensor, teacher: Tensor) -> Tensor:
    """Cosine of the angle between the Gram matrices of two tables, whose rows are first scaled to diagonal 1, ().

    Args:
        student: (N, D); rows of zeros align with nothing.
        teacher: (N, E).
    """
    mine, theirs = (_scaled_gram(table) for table in (student, teacher))
    return F.cosine_similarity(mine.flatten(), theirs.flatten(), dim=0)


def _scaled_gram(table: Tensor) -> Tensor:
    """Inner products with the unit vector of each row."""
    return _products(F.normalize(precise(table), dim=1), table)


def _cosines(features: Tensor) -> Tensor:
    unit = F.normalize(precise(features.flatten(1)), dim=1)
    return _products(unit, unit)


def _products(left: Tensor, right: Tensor) -> Tensor:
    """Inner products of all rows, under autocast, too, in single precision: what counts are their small differences."""
    with torch.autocast(left.device.type, enabled=False):
        return precise(left) @ precise(right).T
