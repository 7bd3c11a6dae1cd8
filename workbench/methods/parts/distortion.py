"""Other views of a batch: images moved about, other inputs with a little noise."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from workbench.data.augment import CropFlip
from workbench.methods.parts.floating import floating


def noisy(inputs: Any, strength: float) -> Tensor:
    """Gaussian noise of so many standard deviations of the batch, (B, ...) -> (B, ...), from the global random state.

    Raises:
        TypeError: inputs are not one floating-point tensor.
    """
    tensor = floating(inputs, "other views are made of")
    return tensor + strength * tensor.detach().std() * torch.randn_like(tensor)


def distorted(inputs: Any, strength: float, *, flip: bool) -> Tensor:
    """Each image moved by up to so much of its height, and mirrored half of the time; other inputs ``noisy``.

    Args:
        inputs: (B, C, H, W) images, or any floating-point tensor.
        strength: share of the height, or standard deviations.
        flip: whether images are mirrored.

    Raises:
        TypeError: inputs are not one floating-point tensor.
    """
    tensor = floating(inputs, "other views are made of")
    if tensor.dim() != 4:
        return noisy(tensor, strength)
    return CropFlip(round(strength * tensor.shape[2]), flip)(tensor)
