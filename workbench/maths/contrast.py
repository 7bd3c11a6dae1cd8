"""Telling the one true partner from many false ones."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-7


def normaliser(exponentials: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """An estimate of the constant that turns exponentials into probabilities over N samples, ().

    Args:
        exponentials: (B, N) positive scores.
        positives: (B,) column of each row's partner.
        negatives: (B, N) boolean.

    Returns:
        N times the mean over partners and negatives.
    """
    used = negatives.scatter(1, positives[:, None], value=True)
    return (exponentials * used).sum() / used.sum() * exponentials.shape[1]


def nce(probabilities: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Noise-contrastive loss of telling the partner from negatives that are drawn uniformly from N samples, (B,).

    Args:
        probabilities: (B, N) unnormalised model probabilities of every sample being the partner.
        positives: (B,) column of each row's partner.
        negatives: (B, N) boolean, which samples were drawn; a row without any costs nothing.
    """
    count = negatives.sum(1, keepdim=True).to(probabilities)
    noise = count / probabilities.shape[1]
    own = probabilities.gather(1, positives[:, None])
    found = -torch.log(own / (own + noise + EPSILON)).squeeze(1)
    floor = noise.clamp(min=1 / probabilities.shape[1])
    refused = -torch.log(floor / (probabilities + floor + EPSILON))
    return found + (refused * negatives).sum(1)
