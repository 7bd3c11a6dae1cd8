"""Arrays, data sets and tables become a ``TransferSet``; what happens to the numbers is written here and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from workbench.data.augment import Normalise
from workbench.data.encode import Encoding, class_names, encode_entries, encode_labels, fit
from workbench.data.transfer import Inputs, TransferSet

WORKS = (
    "(inputs, labels) or (inputs, None) of arrays, tensors or lists; a torch Dataset of (input, label); "
    "a pandas DataFrame whose last column is the label, or (frame, 'column'); a TransferSet"
)


def as_transfer_set(data: Any, task: str = "classification", encoding: Encoding | None = None) -> TransferSet:
    """A transfer set from whatever the user has.

    Inputs: floats and booleans become float32; integers stay (token ids); uint8 stays and is scaled to [0, 1] when a
    batch is made. Of a table, numeric columns become float32 as they are, all others one-hot.
    Labels: whole numbers become int64; names become class numbers in sorted order.

    Args:
        data: arrays, a Dataset, a table, or a ``TransferSet``, which passes through.
        task: of the setting; targets of ``regression`` stay numbers, labels of ``multilabel`` are (N, C) of 0, 1 and -1.
        encoding: of the student's data, so that the test is read the same way.

    Raises:
        TypeError: none of these.
        ValueError: values are missing, shapes differ, or a category or class is unknown.
    """
    if isinstance(data, TransferSet):
        return data
    if _is_table(data):
        label = encoding.label if encoding and encoding.label in data.columns else data.columns[-1]
        return _from_table(data, label, task, encoding)
    if isinstance(data, Dataset):
        inputs, labels = _stack(data)
        return _made(as_tensor(inputs), labels, task, encoding)
    if isinstance(data, (tuple, list)) and len(data) == 2:
        inputs, labels = data
        if _is_table(inputs):
            return _from_table(inputs, labels, task, encoding)
        return _made(_as_inputs(inputs), labels, task, encoding)
    raise TypeError(f"cannot read data from {type(data).__name__}; what works: {WORKS}")


def _is_table(data: Any) -> bool:
    return hasattr(data, "iloc") and hasattr(data, "columns")


def _from_table(frame: Any, labels: Any, task: str, encoding: Encoding | None) -> TransferSet:
    column = None
    if isinstance(labels, (str, int, np.integer)):
        column = labels
        if column not in frame.columns:
            raise ValueError(f"the table has no column {column!r}; it has {list(frame.columns)}")
        labels, frame = frame[column], frame.drop(columns=column)
    if encoding is None:
        known = fit(frame, column)
        return _made(known.encode(frame), labels, task, known, name_classes=True)
    return _made(encoding.encode(frame), labels, task, encoding)


def _as_inputs(inputs: Any) -> Inputs:
    if isinstance(inputs, dict):
        return {name: as_tensor(part) for name, part in inputs.items()}
    return tuple(as_tensor(part) for part in inputs) if isinstance(inputs, tuple) else as_tensor(inputs)


def _made(
    inputs: Inputs, labels: Any, task: str, encoding: Encoding | None, *, name_classes: bool = False
) -> TransferSet:
    real = task == "regression"
    known = encoding or Encoding()
    if labels is not None and task == "multilabel":
        labels = encode_entries(labels)
    elif labels is not None:
        if (name_classes or encoding is None) and not real:
            known = replace(known, classes=class_names(labels))
        labels = encode_labels(labels, known.classes, real=real)
    scale = Normalise() if isinstance(inputs, Tensor) and inputs.dtype == torch.uint8 else None
    return TransferSet(inputs, labels, transform=scale, encoding=known)


def as_tensor(values: Any) -> Tensor:
    """Numbers as a tensor: floats and booleans as float32, uint8 as it is, other integers as int64.

    Raises:
        ValueError: rows of unequal length, or values that are not numbers.
    """
    if not isinstance(values, Tensor):
        try:
            values = np.asarray(values)
        except ValueError as error:
            raise ValueError(f"inputs have rows of unequal shapes; pad or crop them to one shape ({error})") from None
        if values.dtype.kind not in "fiub":
            raise ValueError(
                f"inputs hold {values.dtype} values, not numbers; give a pandas DataFrame for named categories"
            )
        wide = values.dtype.kind == "u" and values.dtype.itemsize > 1  # torch computes with unsigned bytes only
        values = torch.from_numpy(np.array(values, dtype=np.int64 if wide else None))
    values = values.detach().cpu()
    if values.is_floating_point() or values.dtype == torch.bool:
        return values.float()
    return values if values.dtype == torch.uint8 else values.long()


def _stack(data: Dataset) -> tuple[Tensor, Any]:
    """A map-style data set as inputs and labels; every item is read once."""
    if isinstance(data, IterableDataset) or not hasattr(data, "__len__"):
        raise TypeError(f"{type(data).__name__} cannot be addressed by number; what works: {WORKS}")
    items = [data[i] for i in range(len(data))]
    if not items:
        raise ValueError("the set is empty; at least one sample is needed")
    if not all(isinstance(item, (tuple, list)) and len(item) == 2 for item in items):
        raise TypeError(f"the items of {type(data).__name__} must be pairs (input, label)")
    inputs = [_item(x) for x, _ in items]
    shapes = {tuple(x.shape) for x in inputs}
    if len(shapes) > 1:
        raise ValueError(
            f"items have unequal shapes, such as {' and '.join(map(str, sorted(shapes)[:2]))}; pad or crop them"
        )
    labels = [y for _, y in items]
    return torch.stack(inputs), None if all(y is None for y in labels) else labels


def _item(x: Any) -> Tensor:
    if not isinstance(x, (Tensor, np.ndarray, np.generic, int, float, list)):
        raise TypeError(f"an item's input is a {type(x).__name__}; give the data set a transform that makes tensors")
    return as_tensor(x)
