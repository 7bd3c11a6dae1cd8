"""The door of every function that is given arrays: real numbers, truth values or class numbers, or one clear error.

Taken are NumPy arrays of any layout, tensors of any device (also those that carry a gradient), tables of pandas and nested
sequences of equal lengths.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

KINDS = {
    "b": "True and False",
    "c": "complex numbers",
    "M": "dates",
    "m": "durations",
    "O": "Python objects",
    "S": "bytes",
    "U": "text",
    "V": "records",
}


def numbers(given: Any, name: str, *, shape: str = "", ndim: int | None = None) -> np.ndarray:
    """Finite real numbers, single and double precision as they came, all others in double precision (True is 1).

    Args:
        given: the array.
        name: what it is called in a message, such as ``student logits``.
        shape: the shape that is needed, in words for a message.
        ndim: number of dimensions that is needed; any if None.

    Raises:
        TypeError: it is no array of real numbers; the message says what it holds.
        ValueError: another number of dimensions, nothing in it, or a value that is not finite.
    """
    array = plain(given, name)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be real numbers, but hold {KINDS.get(array.dtype.kind, array.dtype)}")
    check_shape(array, name, shape, ndim)
    array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    bad = ~np.isfinite(array)
    if bad.any():
        rows = np.flatnonzero(bad.reshape(len(array), -1).any(axis=1)) if array.ndim else [0]
        where = f" in {len(rows)} of {len(array)} rows, the first is row {rows[0]}" if array.ndim else ""
        raise ValueError(f"{name} hold NaN or infinite values{where}; leave these out or replace them")
    return array


def truths(given: Any, name: str, *, shape: str = "", ndim: int | None = None) -> np.ndarray:
    """True and False, also given as 1 and 0.

    Raises:
        TypeError: it is no array of these; the message says what it holds.
        ValueError: another number of dimensions, nothing in it, or a number other than 0 and 1.
    """
    array = plain(given, name)
    if array.dtype.kind not in "bfiu":
        raise TypeError(f"{name} must be True or False, but hold {KINDS.get(array.dtype.kind, array.dtype)}")
    check_shape(array, name, shape, ndim)
    if array.dtype.kind != "b" and not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} must be True or False (or 1 and 0); other numbers were found")
    return array.astype(bool)


def indices(given: Any, name: str, *, count: int | None = None, shape: str = "(N,)") -> np.ndarray:
    """(N,) int64 class numbers, group numbers or ids.

    Raises:
        TypeError: they are text, or no numbers.
        ValueError: another shape (a column and one-hot rows are named), another number of them, nothing, or fractions.
    """
    array = plain(given, name)
    if array.dtype.kind in "USO":
        raise TypeError(
            f"{name} must be whole numbers from 0, but hold {KINDS[array.dtype.kind]}; number the classes, such as by "
            "numpy.unique(labels, return_inverse=True)"
        )
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be whole numbers from 0, but hold {KINDS.get(array.dtype.kind, array.dtype)}")
    if array.ndim == 2 and array.shape[1] == 1:
        raise ValueError(f"{name} have shape {array.shape}, a column; {shape} is needed: give {name}[:, 0]")
    if array.ndim == 2:
        raise ValueError(
            f"{name} have shape {array.shape}; {shape} is needed: of one-hot rows give the argmax of axis 1"
        )
    check_shape(array, name, shape, 1)
    if array.dtype.kind == "f":
        raise ValueError(f"{name} must be whole numbers, not {array.dtype}: give them as integers")
    if count is not None and len(array) != count:
        raise ValueError(f"{len(array)} {name} for {count} samples: one of them per sample is needed")
    return array.astype(np.int64)


def sample_ids(given: Any, count: int, name: str = "ids") -> np.ndarray:
    """(N,) whole numbers or texts that name the samples.

    Raises:
        TypeError: they are neither.
        ValueError: not one per sample.
    """
    array = plain(given, name)
    if array.dtype.kind not in "iuUS":
        raise TypeError(f"{name} must be whole numbers or texts, but hold {KINDS.get(array.dtype.kind, array.dtype)}")
    if array.shape != (count,):
        raise ValueError(f"{name} have shape {array.shape}; one per sample is needed, {(count,)}")
    return array


def same_samples(ids: Mapping[str, Any], count: int) -> None:
    """Refuse ids, by the side that has them, that are not the same in the same order.

    Raises:
        TypeError: ids of a side are neither whole numbers nor texts.
        ValueError: they differ, or are not one per sample; the message names the first row that differs.
    """
    checked = {side: sample_ids(each, count, f"ids of {side}") for side, each in ids.items()}
    (first, *others) = checked
    for side in others:
        differ = np.flatnonzero(checked[first] != checked[side])
        if differ.size:
            row = int(differ[0])
            raise ValueError(
                f"the samples or their order differ between {first} and {side} (first in row {row}: "
                f"{checked[first][row]} and {checked[side][row]}); nothing is compared"
            )


def check_shape(array: np.ndarray, name: str, shape: str, ndim: int | None) -> None:
    """Raise ``ValueError`` for another number of dimensions, or for an array without a value."""
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} have shape {array.shape}; {shape or f'{ndim} dimensions'} is needed")
    if not array.size:
        raise ValueError(f"{name} of shape {array.shape} are empty; one sample or more is needed")


def plain(given: Any, name: str) -> np.ndarray:
    """Whatever holds an array, as an array of NumPy without gradients, masks or negative strides.

    Raises:
        TypeError: there is no array in it.
        ValueError: rows of unequal lengths, masked values, or a tensor without values.
    """
    if given is None or callable(given) or isinstance(given, str | bytes | dict | set):
        raise TypeError(f"{name} must be an array, not {type(given).__name__}")
    if hasattr(given, "detach"):
        given = _of_tensor(given, name)
    if isinstance(given, np.ma.MaskedArray) and np.ma.getmaskarray(given).any():
        raise ValueError(f"{name} have masked values; leave these out or fill them, such as by array.filled(0)")
    if hasattr(given, "toarray") and hasattr(given, "nnz"):
        raise TypeError(f"{name} are a sparse matrix; give them as an array: matrix.toarray()")
    if isinstance(given, list | tuple):
        given = [plain(each, name) if hasattr(each, "detach") else each for each in given]
    try:
        array = np.asarray(given)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} cannot be made an array: numbers in rows of one length are needed") from error
    return np.ascontiguousarray(array) if array.ndim else array


def _of_tensor(tensor: Any, name: str) -> np.ndarray:
    """A tensor of torch: without its gradient, on the CPU, in a precision that NumPy has."""
    if tensor.device.type == "meta":
        raise ValueError(f"{name} are a meta tensor, which has a shape and no values")
    tensor = tensor.detach().cpu()
    if tensor.is_sparse:
        raise TypeError(f"{name} are a sparse tensor; give tensor.to_dense()")
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor.resolve_conj().resolve_neg()).numpy()
