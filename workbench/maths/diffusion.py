"""Noise put on features little by little, and taken off in strides (Ho et al., NeurIPS 2020; Song et al., ICLR 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

STEPS = 1000


def kept_signal(like: Tensor) -> Tensor:
    """How much of the variance is still signal after each of 1,000 steps of growing noise, (1000,), falling from 1 to 0.

    The noise of a step grows linearly from 0.0001 to 0.02.

    Args:
        like: a tensor of the type and on the device that is wanted.
    """
    noise = torch.linspace(1e-4, 0.02, STEPS, dtype=torch.float64)
    return (1 - noise).cumprod(0).to(like)


def diffused(clean: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """Features with noise on them, (B, C, H, W).

    Args:
        clean: (B, C, H, W).
        noise: the same shape, standard normal.
        kept: (B,) share of the variance that is signal.
    """
    share = kept[:, None, None, None]
    return share.sqrt() * clean + (1 - share).sqrt() * noise


def less_noisy(noisy: Tensor, noise: Tensor, kept: Tensor, kept_before: Tensor) -> Tensor:
    """One stride back along the path on which the noise does not change (Song et al., ICLR 2021, Eq. 12, sigma 0).

    Args:
        noisy: (B, C, H, W).
        noise: what is taken to be the noise in it.
        kept: () share of the variance that is signal.
        kept_before: () the same where the stride ends; 1 is no noise.
    """
    clean = (noisy - (1 - kept).sqrt() * noise) / kept.sqrt()
    return kept_before.sqrt() * clean + (1 - kept_before).sqrt() * noise
