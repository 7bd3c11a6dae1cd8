"""A distance of whole batches that listens to the largest errors and lets the small ones be."""

from __future__ import annotations

import torch
from torch import Tensor


def normalised_over_batch(features: Tensor, epsilon: float = 1e-4) -> Tensor:
    """Mean 0 and variance 1 of every feature in the batch, as batch norm without weights does it, (B, D) -> (B, D).

    Args:
        features: (B, D); a batch of one sample is all 0.
        epsilon: added to the variance.
    """
    centred = features - features.mean(0)
    return centred / (centred.square().mean(0) + epsilon).sqrt()


def log_sum_distance(student: Tensor, teacher: Tensor, exponent: float, epsilon: float = 1e-5) -> Tensor:
    """Logarithm of the sum of ``|student - teacher| ** exponent`` over all entries, ().

    Args:
        student: (B, D).
        teacher: (B, D).
        exponent: the larger, the more the largest differences count.
        epsilon: added to the sum, so that equal features have a finite distance.
    """
    return torch.log((student - teacher).abs().pow(exponent).sum() + epsilon)
