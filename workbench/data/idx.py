"""Reads the IDX files of MNIST and Fashion-MNIST."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from workbench.data.locate import locate
from workbench.data.sources import Source

UBYTE = 0x08


def load_idx(source: Source) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """((N, 1, H, W) uint8 images, (N,) int64 labels) of train and test.

    Raises:
        DataUnavailable: a file is not here and cannot be downloaded.
        ValueError: a file is not the published one.
    """
    images, labels, test_images, test_labels = (read_idx(locate(source, file)) for file in source.files)
    return (images[:, None], labels.long()), (test_images[:, None], test_labels.long())


def read_idx(path: Path) -> Tensor:
    """The array of bytes in a gzipped IDX file.

    Format: two zero bytes, the type, the number of axes, each length as big-endian int32, then the values.

    Raises:
        ValueError: it is no such file.
    """
    with gzip.open(path) as file:
        data = file.read()
    axes = data[3] if data[:3] == bytes((0, 0, UBYTE)) else 0
    shape = struct.unpack(f">{axes}I", data[4 : 4 + 4 * axes]) if len(data) >= 4 + 4 * axes else ()
    if not axes or len(data) - 4 - 4 * axes != np.prod(shape):
        raise ValueError(f"{path} is not an IDX file of bytes")
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape).copy())
