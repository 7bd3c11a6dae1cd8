"""Other views of a batch: images moved about, other inputs with a little noise."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from workbench.data.augment import CropFlip


def noisy(inputs: Any, strength: float) -> Tensor:
    """Gaussian noise of so many standard deviations of the batch, (B, ...) -> (B, ...), from the global random state.

    Raises:
        TypeError: inputs are not one floating-point tensor.
    """
    tensor = _floating(inputs)
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
    tensor = _floating(inputs)
    if tensor.dim() != 4:
        return noisy(tensor, strength)
    return CropFlip(round(strength * tensor.shape[2]), flip)(tensor)


def _floating(inputs: Any) -> Tensor:
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        kind = str(inputs.dtype) if isinstance(inputs, Tensor) else type(inputs).__name__
        raise TypeError(f"inputs are {kind}; other views are made of one floating-point tensor only")
    return inputs
