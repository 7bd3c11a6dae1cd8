"""A net that turns noise into inputs of a given shape: points, grey or colour images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from workbench.models.blocks import BatchNorm1d, BatchNorm2d

NOISE = 100
"""Numbers of noise that make one input."""


class Generator(nn.Sequential):
    """From noise (B, 100) to inputs (B, *shape), each channel with mean 0 and deviation 1 over the batch.

    Images grow from a quarter of their size through two convolutions, other inputs come from two fully connected layers;
    both end in a hyperbolic tangent and a batch normalisation without parameters. That is the design of the generators of
    Chen et al., ICCV 2019, and Fang et al. 2019, at half their width.

    Args:
        shape: of one input; (C, H, W) is an image, anything else is made as a vector.
        width: channels of the last hidden layer, half of those before it.

    Raises:
        ValueError: there is nothing to make.
    """

    def __init__(self, shape: Sequence[int], width: int = 32) -> None:
        if not shape or min(shape) < 1:
            raise ValueError(f"inputs of shape {tuple(shape)} cannot be made; (D,) or (C, H, W) is needed")
        super().__init__(*(_image(*shape, width) if len(shape) == 3 else _vector(shape, width)))

    def forward(self, noise: Tensor) -> Tensor:
        """(B, 100) -> (B, *shape)."""
        return super().forward(noise)


def _image(channels: int, height: int, width: int, narrow: int) -> list[nn.Module]:
    wide, start = 2 * narrow, (-(-height // 4), -(-width // 4))
    return [
        nn.Linear(NOISE, wide * start[0] * start[1], bias=False),
        nn.Unflatten(1, (wide, *start)),
        BatchNorm2d(wide),
        nn.Upsample((-(-height // 2), -(-width // 2))),
        *_smooth(wide, wide),
        nn.Upsample((height, width)),
        *_smooth(wide, narrow),
        nn.Conv2d(narrow, channels, 3, padding=1),
        nn.Tanh(),
        BatchNorm2d(channels, affine=False),
    ]


def _smooth(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), BatchNorm2d(after), nn.LeakyReLU(0.2)]


def _vector(shape: Sequence[int], narrow: int) -> list[nn.Module]:
    wide, size = 2 * narrow, 1
    for side in shape:
        size *= side
    hidden = [
        layer
        for before, after in ((NOISE, wide), (wide, narrow))
        for layer in (nn.Linear(before, after, bias=False), BatchNorm1d(after), nn.LeakyReLU(0.2))
    ]
    return [
        *hidden,
        nn.Linear(narrow, size),
        nn.Tanh(),
        BatchNorm1d(size, affine=False),
        nn.Unflatten(1, tuple(shape)),
    ]
