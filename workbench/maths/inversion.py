"""What natural inputs look like to a net that has seen many of them: statistics of layers, smoothness."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from workbench.maths.divergences import forward_kl, log_probabilities


def channel_moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each channel over everything else, (B, C, ...) -> (C,) and (C,)."""
    others = [axis for axis in range(features.dim()) if axis != 1]
    return features.mean(others), features.var(others, unbiased=False)


def moment_distance(features: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Distance of the channels' means to given ones plus that of their variances, (B, C, ...), (C,), (C,) -> ()."""
    own_mean, own_variance = channel_moments(features)
    return torch.linalg.vector_norm(own_mean - mean) + torch.linalg.vector_norm(own_variance - variance)


def total_variation(images: Tensor) -> Tensor:
    """Sum of the norms of the differences to the neighbours across, below and on both diagonals, (B, C, H, W) -> ()."""
    across = images[..., :, 1:] - images[..., :, :-1]
    below = images[..., 1:, :] - images[..., :-1, :]
    falling = images[..., 1:, 1:] - images[..., :-1, :-1]
    rising = images[..., 1:, :-1] - images[..., :-1, 1:]
    return sum(torch.linalg.vector_norm(difference) for difference in (across, below, falling, rising))


def jensen_shannon(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Jensen-Shannon divergence at a temperature in nats, symmetric and at most log 2, (B, C) and (B, C) -> (B,)."""
    both = log_probabilities(torch.stack([student_logits, teacher_logits]), temperature, dim=2)
    middle = both.logsumexp(0)  # of the mixture, up to a constant; exact where a probability vanishes
    return (forward_kl(middle, both[0]) + forward_kl(middle, both[1])) / 2


def jittered(inputs: Tensor, reach: int, generator: Generator) -> Tensor:
    """Images (B, C, H, W) moved round by up to ``reach`` pixels in each direction, all alike; other inputs as they are."""
    if inputs.dim() != 4:
        return inputs
    shift = torch.randint(-reach, reach + 1, (2,), generator=generator).tolist()
    return inputs.roll(shift, (2, 3))
