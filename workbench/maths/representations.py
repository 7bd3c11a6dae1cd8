"""How alike two tables of features of the same samples are, whatever their axes mean: (N, D) and (N, E) -> a number.

A ``Portrait`` holds what each table contributes to every measure, so that L layers against M need L + M of them. All
measures are 1 for a table and itself, and blind to shift, a common scale and rotation (``pwcca`` weighs by units, so that it
sees a rotation a little); computed in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

VARIANCE = 0.99
"""Share of the variance whose directions SVCCA and PWCCA look at."""
NEIGHBOURS = 10
FLAT = 1e-12
"""Directions with less than this share of the variance are rounding."""


@dataclass(frozen=True)
class Portrait:
    """One table of N rows.

    Attributes:
        features: (N, D) less their means.
        linear: (N, N) inner products, U-centred.
        linear_centred: (N, N) inner products, centred in both directions.
        gaussian: (N, N) Gaussian kernel of the median distance's width, U-centred.
        ranks: (N (N - 1) / 2,) ranks of all distances, less their mean, of length 1.
        basis: (N, R) directions among the samples, the widest first, orthonormal.
        widths: (R,) their singular values.
        kept: the first so many hold 99 % of the variance.
        near: (N, N) 1 where the column is among the ten nearest of the row.
    """

    features: Tensor
    linear: Tensor
    linear_centred: Tensor
    gaussian: Tensor
    ranks: Tensor
    basis: Tensor
    widths: Tensor
    kept: int
    near: Tensor


def portrait(features: Tensor) -> Portrait:
    """Everything about one table, (N, ...) with N of 4 or more.

    Raises:
        ValueError: fewer rows, or all rows are the same.
    """
    table = features.flatten(1).double()
    if len(table) < 4:
        raise ValueError(f"{len(table)} samples are too few to compare representations; 4 is the least")
    table = table - table.mean(0)
    gram = table @ table.T
    if not float(gram.diagonal().sum()):
        raise ValueError("all samples have the same features")
    distances = euclidean(gram)
    values, vectors = torch.linalg.eigh(gram)
    values, vectors = values.flip(0), vectors.flip(1)
    real = values > FLAT * values[0]
    values, vectors = values[real], vectors[:, real]
    return Portrait(
        features=table,
        linear=u_centred(gram),
        linear_centred=centred(gram),
        gaussian=u_centred(gaussian_kernel(distances)),
        ranks=_unit(ranks(distances[_above(len(table))])),
        basis=vectors,
        widths=values.sqrt(),
        kept=int((values.cumsum(0) < VARIANCE * values.sum()).sum()) + 1,
        near=nearest(distances, min(NEIGHBOURS, len(table) - 1)),
    )


def u_centred(matrix: Tensor) -> Tensor:
    """Szekely and Rizzo's centring of a symmetric (N, N) matrix, whose diagonal does not count.

    ``a_ij - sum_i / (N - 2) - sum_j / (N - 2) + sum / ((N - 1)(N - 2))``, 0 on the diagonal. The inner product of two such
    matrices, divided by N (N - 3), is the unbiased estimate of HSIC (of kernels) or distance covariance (of distances).
    """
    n = len(matrix)
    off = matrix - torch.diag(matrix.diagonal())
    sums = off.sum(0)
    made = off - (sums[:, None] + sums) / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    return made - torch.diag(made.diagonal())


def centred(matrix: Tensor) -> Tensor:
    """(N, N) less the means of rows and columns: the biased estimate's centring."""
    return matrix - matrix.mean(0) - matrix.mean(1, keepdim=True) + matrix.mean()


def euclidean(gram: Tensor) -> Tensor:
    """Distances of all pairs, (N, N), from their inner products."""
    lengths = gram.diagonal()
    distances = (lengths[:, None] + lengths - 2 * gram).clamp(min=0).sqrt()
    return distances - torch.diag(distances.diagonal())


def gaussian_kernel(distances: Tensor) -> Tensor:
    """``exp(-d^2 / (2 m^2))`` with m the median distance of two different samples."""
    median = distances[_above(len(distances))].median()
    return torch.exp(-distances.square() / (2 * median.square().clamp(min=FLAT)))


def nearest(distances: Tensor, count: int) -> Tensor:
    """(N, N) 1 where the column is among the ``count`` nearest of the row, the row itself left out."""
    found = (distances + torch.diag(torch.full_like(distances[0], torch.inf))).topk(count, largest=False).indices
    return torch.zeros_like(distances).scatter(1, found, 1.0)


def ranks(values: Tensor) -> Tensor:
    """(K,) ranks from 1; equal values share their mean rank."""
    _, place, counts = values.unique(return_inverse=True, return_counts=True)
    return (counts.cumsum(0) - (counts - 1) / 2).double()[place]


def cka(left: Portrait, right: Portrait) -> float:
    """Linear centred kernel alignment with the unbiased HSIC (Song et al. 2012); near 0 for unrelated tables."""
    return _cosine(left.linear, right.linear)


def cka_biased(left: Portrait, right: Portrait) -> float:
    """Linear centred kernel alignment as Kornblith et al. 2019 estimate it; far above 0 where D exceeds N."""
    return _cosine(left.linear_centred, right.linear_centred)


def gaussian_cka(left: Portrait, right: Portrait) -> float:
    """The same as ``cka`` with Gaussian kernels."""
    return _cosine(left.gaussian, right.gaussian)


def svcca(left: Portrait, right: Portrait) -> float:
    """Mean canonical correlation of the directions that hold 99 % of the variance of each (Raghu et al. 2017)."""
    return float(_correlations(left, right)[1].mean())


def pwcca(left: Portrait, right: Portrait) -> float:
    """The same, weighted by how much of the left table each canonical direction carries (Morcos et al. 2018)."""
    turns, correlations = _correlations(left, right)
    directions = left.basis[:, : left.kept] @ turns
    weights = (left.features.T @ directions).abs().sum(0)
    return float((weights * correlations).sum() / weights.sum())


def rsa(left: Portrait, right: Portrait) -> float:
    """Spearman's correlation of the distances of all pairs of samples (Kriegeskorte et al. 2008)."""
    return float(left.ranks @ right.ranks)


def procrustes(left: Portrait, right: Portrait) -> float:
    """Inner product after the best rotation of one table onto the other, both of length 1; its square is explained."""
    cross = left.widths[:, None] * (left.basis.T @ right.basis) * right.widths
    return float(torch.linalg.svdvals(cross).sum() / (left.widths.norm() * right.widths.norm()))


def mutual_neighbours(left: Portrait, right: Portrait) -> float:
    """Share of the ten nearest samples that both have in common (Huh et al. 2024); by chance 10 / (N - 1)."""
    return float((left.near * right.near).sum() / left.near.sum())


MEASURES: dict[str, Callable[[Portrait, Portrait], float]] = {
    measure.__name__: measure
    for measure in (cka, cka_biased, gaussian_cka, svcca, pwcca, rsa, procrustes, mutual_neighbours)
}


def permuted_cosines(left: Tensor, right: Tensor, orders: Tensor) -> Tensor:
    """Cosines of U-centred kernels after the samples of the left ones changed places.

    Args:
        left: (L, N, N).
        right: (M, N, N).
        orders: (R, N) permutations.

    Returns:
        (R, L, M).
    """
    flat = right.flatten(1) / right.flatten(1).norm(dim=1, keepdim=True).clamp(min=FLAT)
    mine = left / left.flatten(1).norm(dim=1).clamp(min=FLAT)[:, None, None]
    return torch.stack([mine[:, order][:, :, order].flatten(1) @ flat.T for order in orders])


def _correlations(left: Portrait, right: Portrait) -> tuple[Tensor, Tensor]:
    """How to turn the left directions into canonical ones (K, k), and the k canonical correlations."""
    cross = left.basis[:, : left.kept].T @ right.basis[:, : right.kept]
    turns, correlations, _ = torch.linalg.svd(cross, full_matrices=False)
    return turns, correlations.clamp(max=1)


def _cosine(left: Tensor, right: Tensor) -> float:
    return float((left * right).sum() / (left.norm() * right.norm()).clamp(min=FLAT))


def _unit(values: Tensor) -> Tensor:
    values = values - values.mean()
    return values / values.norm().clamp(min=FLAT)


def _above(n: int) -> tuple[Tensor, Tensor]:
    rows, columns = torch.triu_indices(n, n, 1)
    return rows, columns
