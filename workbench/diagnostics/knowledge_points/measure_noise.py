"""How much noise each place of an image bears before a feature changes: little where a net keeps what it sees."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

Ask = Callable[[Tensor], Tensor]
LEVEL = -2.8
"""Mean entropy of the noise, in nats, at which all nets are compared."""
FIRST = 0.01
"""Standard deviation whose change is the unit of all changes, in the released code also the first one."""
LEAST, MOST = 1e-3, 1.0
"""Bounds of the standard deviation in the released code."""
PRESSURE, HARDER = 6.0, 1.5
"""Weight of the mean logarithm in the released code for residual nets (7 for others), and by what it grows."""
GAUSSIAN = 0.5 * math.log(2 * math.pi * math.e)
"""Entropy of the standard normal distribution, in nats."""


def noise_entropies(
    ask: Ask, images: Tensor, grid: int, generator: Generator, *, steps: int = 150, rate: float = 0.05, draws: int = 32
) -> Tensor:
    """Entropy of the noise each cell of a coarse grid bears, (I, grid, grid); NaN where noise changes nothing.

    Of all noise with the mean entropy ``LEVEL``, the one that changes ``relu(ask)`` least: Adam in the logarithm of the
    standard deviation, whose mean is held; averaged over the second half of the steps, since every step draws anew.

    Args:
        ask: images to features, (I, ...), differentiable in its input.
        images: (I, C, H, W).
        grid: cells per side; all pixels and channels of a cell have noise of the same size.
        generator: draws the noise.
        steps: of the optimiser.
        rate: its learning rate.
        draws: of noise at every step.
    """
    clean, unit = _begin(ask, images, grid, draws, generator)
    free = torch.zeros((len(images), grid, grid), device=images.device, requires_grad=True)
    optimizer, total = torch.optim.Adam([free], rate), torch.zeros_like(free)
    for step in range(steps):
        logs = free - free.mean((1, 2), keepdim=True) + LEVEL - GAUSSIAN
        change = _change(ask, images, clean, logs, draws, generator) / unit.clamp(min=1e-30)
        (free.grad,) = torch.autograd.grad(change[unit > 0].sum(), free)
        optimizer.step()
        total += free.detach() * (step >= steps // 2)
    found = (total - total.mean((1, 2), keepdim=True)) / (steps - steps // 2) + LEVEL
    return torch.where(unit[:, None, None] > 0, found, torch.nan)


def released_entropies(
    ask: Ask, images: Tensor, grid: int, generator: Generator, *, steps: int = 80, rate: float = 1e-4, draws: int = 96
) -> Tensor:
    """The same as the released code seeks it: plain steps down ``change - 6 mean(log sigma)`` from 0.01 everywhere.

    Sigma is clamped before each step. An image whose mean entropy exceeds ``LEVEL`` after three quarters of the steps is
    done; for the others the weight of the logarithm grows by half for the last quarter. Of all sigmas that were asked,
    the first one too, that whose mean entropy comes nearest to ``LEVEL`` is kept.
    """
    clean, unit = _begin(ask, images, grid, draws, generator)
    sigma = torch.full((len(images), grid, grid), FIRST, device=images.device, requires_grad=True)
    weight, reached = torch.full_like(unit, PRESSURE), torch.zeros_like(unit, dtype=torch.bool)
    kept, distance = torch.empty_like(sigma), torch.full_like(unit, torch.inf)
    for step in range(steps):
        if step == 3 * steps // 4:
            weight[~reached] *= HARDER
        going = ~reached if step >= 3 * steps // 4 else torch.ones_like(reached)
        with torch.no_grad():
            sigma.clamp_(LEAST, MOST)
            entropy = sigma.log() + GAUSSIAN
            mean = entropy.mean((1, 2))
            nearer = going & ((mean - LEVEL).abs() < distance)
            kept = torch.where(nearer[:, None, None], entropy, kept)
            distance = torch.where(nearer, (mean - LEVEL).abs(), distance)
            if step < 3 * steps // 4:
                reached |= mean > LEVEL
        change = _change(ask, images, clean, sigma.log(), draws, generator) / unit.clamp(min=1e-30)
        loss = (change - weight * sigma.log().mean((1, 2)))[(unit > 0) & going].sum()
        (slope,) = torch.autograd.grad(loss, sigma)
        with torch.no_grad():
            sigma.sub_(rate * slope)
    return torch.where(unit[:, None, None] > 0, kept, torch.nan)


@torch.no_grad()
def _begin(ask: Ask, images: Tensor, grid: int, draws: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """The features of the clean images, and how much noise of size ``FIRST`` changes them, (I,)."""
    clean = ask(images).relu().flatten(1)
    logs = torch.full((len(images), grid, grid), math.log(FIRST), device=images.device)
    return clean, _change(ask, images, clean, logs, draws, generator)


def _change(ask: Ask, images: Tensor, clean: Tensor, logs: Tensor, draws: int, generator: Generator) -> Tensor:
    """Mean squared change of the rectified features of each image under noise, (I,)."""
    spread = F.interpolate(logs.exp()[:, None], size=images.shape[-2:], mode="nearest")
    noise = torch.randn((draws, *images.shape), generator=generator).to(images)
    seen = ask((images + spread * noise).flatten(0, 1)).relu().flatten(1)
    return (seen.view(draws, *clean.shape) - clean).square().mean((0, 2))


def central_box(grid: int) -> Tensor:
    """(grid, grid) True in the middle two thirds, which stand for the object where no mask is known."""
    at = torch.arange(grid) + 0.5
    inside = (at > grid / 6) & (at < 5 * grid / 6)
    return inside[:, None] & inside


def released_box(grid: int) -> Tensor:
    """(grid, grid) True where the released code takes the object to be if there is no mask: a row and column more."""
    inside = torch.zeros(grid, dtype=torch.bool)
    inside[int(grid / 6) : int(grid * 5 / 6) + 1] = True
    return inside[:, None] & inside
