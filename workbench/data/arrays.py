"""Arrays, lists, pictures and sparse matrices as tensors of samples."""

from __future__ import annotations

import hashlib
import math
import mmap
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.data.on_demand import OnDemand
from workbench.data.transfer import Inputs

_KNOWN: dict[tuple[Any, ...], str] = {}
"""Hashes of files, by path, time of change, size and part."""

TEXTS = "texts become tokens with workbench.data.text_sets.sentences, or features with scikit-learn's TfidfVectorizer"

DENSE_BYTES = 2**31
"""A sparse matrix that would take more than this as a dense one is refused."""

CHUNK = 2**26
"""Bytes that are read at a time for the hash."""


def as_inputs(inputs: Any, notes: list[str] | None = None) -> Inputs:
    """A tensor, or a tuple or dict of tensors, of N samples each; an array mapped from a file stays there.

    Args:
        inputs: one array, or a tuple or dict of several.
        notes: what is converted is added to them, in words.

    Raises:
        TypeError: they are no array of numbers.
        ValueError: a value is missing, or shapes differ.
    """
    if isinstance(inputs, dict):
        if not inputs:
            raise ValueError("the inputs are an empty dict; name at least one array")
        return {str(name): _samples(part, notes) for name, part in inputs.items()}
    if isinstance(inputs, tuple) and inputs and not _scalar(inputs[0]):
        return tuple(_samples(part, notes) for part in inputs)
    return _samples(inputs, notes)


def _samples(values: Any, notes: list[str] | None) -> Tensor | OnDemand:
    return MappedRows(values) if is_mapped(values) else as_tensor(values, notes)


def _scalar(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) or (isinstance(value, Tensor) and value.dim() == 0)


def as_tensor(values: Any, notes: list[str] | None = None) -> Tensor:
    """Numbers as a tensor: floats and booleans as float32, uint8 as it is, other integers as int64.

    Args:
        values: (N, ...) of any form; pictures become (N, C, H, W).
        notes: what is converted is added to them, in words.

    Raises:
        TypeError: these are no samples at all.
        ValueError: rows of unequal length, missing values, or values that are not numbers.
    """
    notes = [] if notes is None else notes
    tensor = _of_tensor(values, notes) if isinstance(values, Tensor) else _of_array(_array(values, notes))
    if tensor.dim() == 0:
        raise ValueError("inputs are a single number; give an array with one row per sample")
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        if tensor.dtype != torch.float32:
            notes.append(f"inputs of type {str(tensor.dtype).removeprefix('torch.')} became float32")
        return tensor.float()
    return tensor if tensor.dtype == torch.uint8 else tensor.long()


def _of_tensor(values: Tensor, notes: list[str]) -> Tensor:
    if values.is_meta:
        raise ValueError("inputs are on the meta device, so they hold no numbers")
    if values.is_complex():
        raise ValueError(f"inputs are {values.dtype}; give real and imaginary parts as channels (torch.view_as_real)")
    if values.is_quantized or values.is_nested:
        raise ValueError(f"inputs are a {'quantised' if values.is_quantized else 'nested'} tensor; give a plain one")
    values = values.detach()
    if any(getattr(values, "names", ())):  # of older releases of PyTorch
        values = values.rename(None)
    if values.layout != torch.strided:
        notes.append("sparse inputs became dense")
        values = values.to_dense()
    return values.cpu()


def _of_array(values: np.ndarray) -> Tensor:
    if values.dtype.names:
        raise ValueError(f"inputs have named fields {values.dtype.names}; give a pandas DataFrame of them")
    if values.dtype.kind == "c":
        raise ValueError(f"inputs are {values.dtype}; give real and imaginary parts as channels")
    if values.dtype.kind in "mM":
        raise ValueError("inputs are dates or durations; turn them into numbers first")
    if values.dtype.kind not in "fiub":
        texts = values.dtype.kind in "US" or any(isinstance(value, str) for value in values.ravel()[:1].tolist())
        more = f"; {TEXTS}" if texts else ""
        raise ValueError(
            f"inputs hold {values.dtype} values, not numbers; give a pandas DataFrame for named categories{more}"
        )
    wide = values.dtype.kind == "u" and values.dtype.itemsize > 1  # torch computes with unsigned bytes only
    long = values.dtype.kind == "f" and values.dtype.itemsize > 8
    return torch.from_numpy(
        np.array(values, dtype=np.int64 if wide else np.float64 if long else values.dtype.newbyteorder("="))
    )


def _array(values: Any, notes: list[str]) -> np.ndarray:
    if isinstance(values, str | bytes) or values is None or callable(values):
        raise TypeError(f"inputs are a {type(values).__name__}; give an array with one row per sample")
    if is_picture(values):
        raise TypeError("inputs are a single picture; give a list of pictures, one per sample")
    if is_sparse(values):
        return _dense(values, notes)
    if isinstance(values, list | tuple) and len(values):
        return _of_list(values, notes)
    if np.ma.isMaskedArray(values):
        if np.ma.is_masked(values):
            raise ValueError("inputs have masked (missing) values; fill them first")
        values = values.data
    array = np.asarray(values)
    if array.dtype.kind == "O" and array.ndim == 0:
        raise TypeError(f"inputs are a {type(values).__name__}; give an array with one row per sample")
    return _unboxed(array)


def _of_list(values: Any, notes: list[str]) -> np.ndarray:
    if is_picture(values[0]):
        notes.append(f"{len(values)} pictures became an array (N, C, H, W) of bytes")
        return stacked([pixels(picture) for picture in values])
    if isinstance(values[0], Tensor):
        return stacked([torch.as_tensor(value).detach().cpu().numpy() for value in values])
    try:
        return _unboxed(np.asarray(values))
    except (ValueError, TypeError) as error:
        raise ValueError(f"inputs have rows of unequal shapes; pad or crop them to one shape ({error})") from None


def _unboxed(array: np.ndarray) -> np.ndarray:
    """An array of objects whose objects are arrays of one shape, or numbers, as one array of numbers."""
    if array.dtype.kind != "O" or not array.size:
        return array
    plain = np.array(array.tolist()) if array.ndim > 1 else stacked([np.asarray(row) for row in array])
    return array if plain.ndim < array.ndim else plain


def stacked(rows: list[np.ndarray]) -> np.ndarray:
    """Samples of one shape as an array.

    Raises:
        ValueError: two shapes differ; both are named.
    """
    shapes = sorted({row.shape for row in rows})
    if len(shapes) > 1:
        raise ValueError(
            f"items have unequal shapes, such as {' and '.join(map(str, shapes[:2]))}; pad or crop them to one shape"
        )
    return np.stack(rows)


def is_sparse(values: Any) -> bool:
    """Whether it is a matrix of scipy.sparse."""
    return hasattr(values, "tocsr") and hasattr(values, "toarray")


def _dense(values: Any, notes: list[str]) -> np.ndarray:
    size = math.prod(values.shape) * 4
    if size > DENSE_BYTES:
        raise ValueError(
            f"a sparse matrix of shape {values.shape} takes {size / 2**30:.1f} GiB as a dense one; reduce its columns first, for "
            "instance with scikit-learn's TruncatedSVD or SelectKBest"
        )
    notes.append(f"sparse inputs of shape {values.shape} became dense")
    return values.astype(np.float32).toarray() if values.dtype.kind == "f" else values.toarray()


def is_picture(value: Any) -> bool:
    """Whether it is an image of PIL, without importing it."""
    return any(f"{cls.__module__}.{cls.__name__}" == "PIL.Image.Image" for cls in type(value).__mro__)


def pixels(picture: Any) -> np.ndarray:
    """An image of PIL as (C, H, W) bytes.

    Raises:
        ValueError: it is neither grey nor RGB.
    """
    if picture.mode not in ("L", "RGB"):
        raise ValueError(f"a picture has mode {picture.mode!r}; convert pictures to 'L' or 'RGB' first")
    array = np.asarray(picture)
    return array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)


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
