"""The nets of a small diffusion model of features, and its noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.maths.diffusion import STEPS, kept_signal, less_noisy
from workbench.methods.draws import Dice, by_id
from workbench.models.blocks import GlobalAverage, conv_bn, conv_bn_relu


class Bottleneck(nn.Module):
    """``x + body(x)`` with a body that is narrower inside.

    Args:
        width: channels.
        reduction: of them inside.
    """

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        inner = max(1, width // reduction)
        self.body = nn.Sequential(*conv_bn_relu(width, inner), *conv_bn_relu(inner, inner, 3), *conv_bn(inner, width))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return maps + self.body(maps)


class Denoiser(nn.Module):
    """Guesses the noise in maps; every step of the diffusion has a learnt vector that is added to all positions.

    Args:
        width: channels C.
        kernel: 3, or 1 for features with one position.
    """

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.steps = nn.Embedding(STEPS, width)
        around = (Bottleneck(width, 4), Bottleneck(width, 4), *conv_bn(width, width))
        self.body = nn.Sequential(*(around if kernel > 1 else _pointwise(width)))

    def forward(self, noisy: Tensor, steps: Tensor) -> Tensor:
        """(B, C, H, W) with (B,) or () int64 in [0, 1000) -> (B, C, H, W)."""
        return self.body(noisy + self.steps(steps)[..., None, None])

    def cleaned(self, noisy: Tensor, strides: int) -> Tensor:
        """Maps (B, C, H, W) without the noise, taken away in equal strides over the less noisy half of the diffusion."""
        kept, stride = kept_signal(noisy), STEPS // (2 * strides)
        for step in range((strides - 1) * stride, -1, -stride):
            guess = self(noisy, torch.tensor(step, device=noisy.device))
            noisy = less_noisy(noisy, guess, kept[step], kept[step - stride] if step else torch.ones_like(kept[0]))
        return noisy


def _pointwise(width: int) -> list[nn.Module]:
    inner = 4 * width
    first, second = (conv_bn_relu(width, inner) for _ in range(2))
    return [*first, *conv_bn(inner, width), *second, nn.Conv2d(inner, width, 1)]


class Autoencoder(nn.Module):
    """Maps of fewer channels that still tell what the maps were; both ways linear.

    Args:
        outer: channels of the maps.
        inner: channels of the code.
    """

    def __init__(self, outer: int, inner: int) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Sequential(*conv_bn(outer, inner)), nn.Conv2d(inner, outer, 1)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The code, (B, inner, H, W), and what it says the maps were, (B, outer, H, W)."""
        code = self.encoder(maps)
        return code, self.decoder(code)


class NoiseMatcher(nn.Module):
    """How much of a sample's features is to be kept; the rest is filled up with noise.

    Args:
        width: channels C.
        kernel: 3, or 1 for features with one position.
    """

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        narrow, wide = (Bottleneck(width, 8),), (*conv_bn_relu(width, 2 * width), *conv_bn(2 * width, width))
        self.body = nn.Sequential(*(narrow if kernel > 1 else wide), GlobalAverage(), nn.Linear(width, 2))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) -> (B,) in (0, 1)."""
        return self.body(maps).softmax(1)[:, 0]

    def matched(self, maps: Tensor, noise: Tensor) -> Tensor:
        """Maps filled up with noise of the same shape, (B, C, H, W)."""
        share = self(maps)[:, None, None, None]
        return share * maps + (1 - share) * noise


class Noise(Dice):
    """Draws for every sample of a batch, wherever it stands in it."""

    def draw(self, ids: Tensor, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Two standard normal tensors of the shape of ``like``, (B, ...), and a step of the diffusion, (B,) int64."""
        generator = self.thrown()
        first, second = (torch.randn(like.shape, generator=generator) for _ in range(2))
        steps = torch.randint(STEPS, (len(ids),), generator=generator)
        return by_id(first.to(like), ids), by_id(second.to(like), ids), by_id(steps.to(ids.device), ids)
