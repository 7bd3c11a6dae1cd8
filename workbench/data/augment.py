"""Augmentation and normalisation of image batches, on tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


@dataclass(frozen=True)
class CropFlip:
    """Random crop after zero padding, then a horizontal flip of every other image on average.

    Attributes:
        padding: pixels added on each side; the crop has the size the image had.
        flip: whether images are flipped; not for digits or letters.
    """

    padding: int = 4
    flip: bool = True

    def __call__(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """(B, C, H, W) images of any dtype, each with its own offset."""
        count, _, height, width = images.shape
        device = images.device
        draws = torch.randint(2 * self.padding + 1, (2, count), generator=generator).to(device)
        flipped = torch.randint(2, (count,), generator=generator).bool().to(device) & self.flip
        rows = draws[0, :, None] + torch.arange(height, device=device)
        columns = draws[1, :, None] + torch.arange(width, device=device)
        columns = torch.where(flipped[:, None], columns.flip(1), columns)
        padded = F.pad(images, [self.padding] * 4)
        samples = torch.arange(count, device=device)[:, None, None]
        return padded[samples, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


@dataclass(frozen=True)
class Normalise:
    """Bytes to [0, 1], then per channel (x - mean) / std; pure, so that it can be a ``TransferSet.transform``.

    Attributes:
        mean: of each channel on the scale [0, 1]; one value serves all channels.
        std: likewise.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __call__(self, images: Tensor) -> Tensor:
        """(B, C, ...) bytes or floats in [0, 1] -> float32 of the same shape; (B, C) tables alike."""
        images = images.float() / 255 if images.dtype == torch.uint8 else images
        if self == Normalise():
            return images
        shape = (1, -1) + (1,) * (images.dim() - 2)
        mean, std = (
            torch.tensor(v, dtype=images.dtype, device=images.device).reshape(shape) for v in (self.mean, self.std)
        )
        return (images - mean) / std
