"""Arrays that are mapped from a file: rows are read from it batch by batch, the whole never is in memory."""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.data.on_demand import OnDemand

CHUNK = 2**26
"""Bytes that are read at a time for the hash."""
_KNOWN: dict[tuple[Any, ...], str] = {}
"""Hashes of files, by path, time of change, size and part."""


def is_mapped(values: Any) -> bool:
    """Whether it is an array mapped from a file, or a view of one."""
    return isinstance(values, np.ndarray) and _file(values) is not None


class MappedRows(OnDemand):
    """Rows of an array that is mapped from a file.

    Args:
        array: (N, ...) numbers.

    Raises:
        ValueError: its values are no real numbers, or NaN or infinite.
    """

    def __init__(self, array: np.ndarray) -> None:
        """Reads the file once, piece by piece, for its hash and for values that are not finite."""
        if array.dtype.kind not in "fiub" or array.ndim == 0:
            raise ValueError(f"a mapped array holds {array.dtype} of shape {array.shape}; (N, ...) numbers are needed")
        self.array, self.numbers = array, torch.arange(len(array))
        self.content()

    @property
    def dtype(self) -> np.dtype:
        """Of the array in the file."""
        return self.array.dtype

    def read(self, rows: Tensor, seed: int = 0) -> Tensor:
        """Rows as a tensor, converted as arrays in memory are."""
        from workbench.data.arrays import as_tensor

        order, back = self.numbers[rows].unique(return_inverse=True)  # sorted, as the disk likes it
        return as_tensor(np.asarray(self.array[order.numpy()]))[back]

    def content(self) -> str:
        """The hash of the array, its shape and type."""
        key = _key(self.array)
        if key not in _KNOWN:
            _KNOWN[key] = _hash(self.array)
        return _KNOWN[key]

    def __reduce__(self) -> Any:
        """Travels to other processes as the name of its file, if the array is the file's as it was opened."""
        array = self.array
        if not isinstance(array, np.memmap) or not isinstance(array.base, mmap.mmap):
            return super().__reduce__()
        order = "C" if array.flags.c_contiguous else "F"
        return _reopened, (str(array.filename), array.dtype.str, array.offset, array.shape, order, self.numbers)


def _reopened(path: str, dtype: str, offset: int, shape: tuple[int, ...], order: str, numbers: Tensor) -> MappedRows:
    made = MappedRows(np.memmap(path, dtype=np.dtype(dtype), mode="r", offset=offset, shape=shape, order=order))
    made.numbers = numbers
    return made


def _file(values: Any) -> np.memmap | None:
    """The mapped array that an array is a view of."""
    while isinstance(values, np.ndarray):
        if isinstance(values, np.memmap) and isinstance(values.base, mmap.mmap):
            return values
        values = values.base
    return None


def _key(array: np.ndarray) -> tuple[Any, ...]:
    root = _file(array)
    start = array.__array_interface__["data"][0] - root.__array_interface__["data"][0] + root.offset
    state = Path(root.filename).stat() if root.filename is not None else None
    file = (str(root.filename), state.st_mtime_ns, state.st_size) if state else (id(root),)
    return (*file, start, array.shape, array.strides, array.dtype.str)


def _hash(array: np.ndarray) -> str:
    sha = hashlib.sha256(f"{array.shape}{array.dtype.str}".encode())
    step = max(1, CHUNK // max(1, array[:1].nbytes))
    for start in range(0, len(array), step):
        block = np.ascontiguousarray(array[start : start + step])
        if block.dtype.kind == "f" and not np.isfinite(block).all():
            raise ValueError("inputs hold NaN or infinite values; clean or impute them first")
        sha.update(block.view(np.uint8).data if block.size else b"")
    return sha.hexdigest()
