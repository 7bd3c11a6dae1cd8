"""Small images as data URIs, so that a page carries its own pictures."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import ArrayLike


def data_uri(image: ArrayLike) -> str:
    """An image as a PNG in a ``data:`` address.

    Args:
        image: (H, W), (1, H, W) or (3, H, W); uint8, or numbers in [0, 1]; others are stretched from their lowest to
            their highest value.

    Raises:
        ValueError: another shape.
    """
    pixels = np.asarray(image)
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3) or not pixels.size:
        raise ValueError(f"an image is (H, W), (1, H, W) or (3, H, W), got {np.shape(image)}")
    return "data:image/png;base64," + base64.b64encode(_png(_bytes(pixels))).decode()


def _bytes(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 1 or 3) uint8."""
    if pixels.dtype != np.uint8:
        low, high = min(float(pixels.min()), 0.0), max(float(pixels.max()), 1.0)
        pixels = np.round(255 * (pixels - low) / (high - low)).astype(np.uint8)
    return np.moveaxis(pixels, 0, -1)


def _png(pixels: np.ndarray) -> bytes:
    """The file: signature, header, rows that each begin with filter 0, end (ISO/IEC 15948)."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    parts = _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)), _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
