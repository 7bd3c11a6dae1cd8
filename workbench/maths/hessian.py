"""Products with the second derivatives of a loss, which are never written out.

All vectors are flat, (P,), in the order of the parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def flat(tensors: Iterable[Tensor]) -> Tensor:
    """One vector of all their elements, (P,)."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def parts(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """The inverse of ``flat``: views of (P,) in the shapes of ``like``."""
    pieces = vector.split([tensor.numel() for tensor in like])
    return [piece.reshape(tensor.shape) for piece, tensor in zip(pieces, like, strict=True)]


def gradient(loss: Tensor, parameters: Sequence[Tensor], *, differentiable: bool = False) -> Tensor:
    """Slope of a () loss, (P,); zero for parameters it does not depend on.

    Args:
        loss: ().
        parameters: with gradients on.
        differentiable: True keeps the graph, for second derivatives.
    """
    slopes = torch.autograd.grad(
        loss, parameters, create_graph=differentiable, allow_unused=True, materialize_grads=True
    )
    return flat(slopes)


def hessian_product(loss: Tensor, parameters: Sequence[Tensor], vector: Tensor) -> Tensor:
    """H v for the Hessian of a () loss and a (P,) vector, by differentiating the slope along the vector.

    Example:
        >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> hessian_product(w[0] ** 3 + w[0] * w[1], [w], torch.tensor([1.0, 0.0]))
        tensor([6., 1.])
    """
    along = gradient(loss, parameters, differentiable=True) @ vector
    if not along.requires_grad:  # a loss that is linear in its parameters
        return torch.zeros_like(vector)
    return gradient(along, parameters)


def softmax_root(logits: Tensor, noise: Tensor) -> Tensor:
    """``R u`` with ``R R' = diag(p) - p p'``, the second derivative of a cross-entropy in its logits, (B, C) -> (B, C).

    Args:
        logits: (B, C), of which p is the softmax.
        noise: (B, C), u.
    """
    probabilities = logits.softmax(1)
    root = probabilities.sqrt()
    return root * noise - probabilities * (root * noise).sum(1, keepdim=True)
