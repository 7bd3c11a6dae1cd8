"""Samples as a person can look at them: images as pixels, anything else as a few words."""

from __future__ import annotations

import numpy as np

from workbench.data.transfer import TransferSet

MOST_COLUMNS = 6
MOST_READ = 10_000
"""Of a larger set that is not in memory the samples are not read to be shown."""


def cards(data: TransferSet, look: str) -> np.ndarray | list[str]:
    """(N, H, W) or (N, H, W, 3) uint8 for images, else N short texts."""
    inputs = data.in_memory().inputs if len(data) <= MOST_READ else data.inputs
    if not hasattr(inputs, "numpy"):
        return [f"sample {int(i)}" for i in data.ids]
    if look == "image":
        return pixels(inputs.numpy())
    rows = inputs.reshape(len(data), -1)[:, :MOST_COLUMNS].numpy()
    more = ", ..." if inputs[0].numel() > MOST_COLUMNS else ""
    return [", ".join(f"{value:.3g}" for value in row) + more for row in rows]


def pixels(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) of one or three channels as uint8; numbers that are not uint8 are stretched over their range."""
    if images.dtype != np.uint8:
        low, high = float(images.min()), float(images.max())
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
        images = ((images - low) * (255 / (high - low or 1))).round().astype(np.uint8)
    return images[:, 0] if images.shape[1] == 1 else np.ascontiguousarray(np.moveaxis(images, 1, -1))
