"""Eigenvalues at both ends of a symmetric matrix, and its density, from products with vectors alone.

Every new vector is made orthogonal to all earlier ones, twice: without that, converged eigenvalues come again as ghosts.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

EXHAUSTED = 1e3
"""A remainder of so many rounding errors, relative to the largest product, is no further direction."""


def lanczos(product: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The tridiagonal matrix of the Krylov space of a symmetric (P, P) matrix.

    Args:
        product: the matrix times a (P,) vector.
        start: (P,), not zero.
        steps: largest size of the tridiagonal matrix; it is smaller where the space is exhausted.

    Returns:
        Its diagonal (m,), and its off-diagonal (m,), whose last element is what a further step would have added.
    """
    steps = min(steps, len(start))
    basis = start.new_zeros(steps, len(start))
    basis[0] = start / start.norm()
    diagonal, beside, size = start.new_zeros(steps), start.new_zeros(steps), 0.0
    for k in range(steps):
        moved = product(basis[k])
        size = max(size, float(moved.norm()))
        diagonal[k] = moved @ basis[k]
        for _ in range(2):
            moved = moved - basis[: k + 1].T @ (basis[: k + 1] @ moved)
        beside[k] = moved.norm()
        if beside[k] <= EXHAUSTED * torch.finfo(start.dtype).eps * size:
            beside[k] = 0
            return diagonal[: k + 1], beside[: k + 1]
        if k + 1 < steps:
            basis[k + 1] = moved / beside[k]
    return diagonal, beside


def ritz(diagonal: Tensor, beside: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Eigenvalues of the tridiagonal matrix of ``lanczos``.

    Args:
        diagonal: (m,).
        beside: (m,).

    Returns:
        The values (m,), lowest first; the weight of each in the density, (m,), which sum to one; and how far each is
        from an eigenvalue of the large matrix at most, (m,).
    """
    inner = beside[:-1]
    small = torch.diag(diagonal) + torch.diag(inner, 1) + torch.diag(inner, -1)
    values, vectors = torch.linalg.eigh(small)
    return values, vectors[0].square(), (beside[-1] * vectors[-1]).abs()
