"""Turns tables and named classes into numbers, the same way for the student's data and for the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from workbench.records.batch import UNLABELLED

if TYPE_CHECKING:
    import pandas as pd

NAMES = "OUSb"
"""Kinds of arrays whose labels are names: objects, texts, booleans."""


@dataclass(frozen=True)
class Encoding:
    """How columns and names became numbers; fitted on the student's data, applied to everything else.

    Attributes:
        columns: (name, categories) in order; a numeric column has None, any other is one-hot in this order.
        classes: names of classes 0 .. C-1; empty where the labels were numbers already.
        label: the column that held the labels, if one did.
    """

    columns: tuple[tuple[str, tuple[Any, ...] | None], ...] = ()
    classes: tuple[str, ...] = ()
    label: str | int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """One name per input, ``column=category`` for a one-hot one."""
        return tuple(
            n for name, kinds in self.columns for n in ([name] if kinds is None else [f"{name}={k}" for k in kinds])
        )

    def encode(self, frame: pd.DataFrame) -> Tensor:
        """(N, width) float32 inputs; numbers as they are, categories one-hot.

        Raises:
            ValueError: columns are missing or unknown, a value is missing, or a category was not in the student's data.
        """
        expected = [name for name, _ in self.columns]
        if not expected:
            raise ValueError(
                "the student's data is no table, so a table cannot be read the same way; give arrays here too"
            )
        if missing := [name for name in expected if name not in frame.columns]:
            raise ValueError(f"columns {missing} are missing; the student's table has {expected}")
        if unknown := [name for name in frame.columns if name not in expected]:
            raise ValueError(f"columns {unknown} are not in the student's table, which has {expected}")
        if holes := [name for name in expected if frame[name].isna().any()]:
            raise ValueError(f"columns {holes} have missing values; fill or drop them first")
        blocks = [_block(frame[name], name, kinds) for name, kinds in self.columns]
        return torch.tensor(np.concatenate(blocks, axis=1))


def fit(frame: pd.DataFrame, label: str | int | None = None) -> Encoding:
    """The encoding of a table's input columns.

    Categories of a pandas categorical keep its order, also those that do not occur; others are sorted.

    Raises:
        ValueError: there is no column, or one holds dates or durations.
    """
    if not len(frame.columns):
        raise ValueError("the table has no input column beside its label")
    if dates := [name for name in frame.columns if frame[name].dtype.kind in "mM"]:
        raise ValueError(f"columns {dates} hold dates or durations; turn them into numbers or categories first")
    return Encoding(tuple((name, _categories(frame[name])) for name in frame.columns), label=label)


def _categories(column: pd.Series) -> tuple[Any, ...] | None:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if isinstance(column.dtype, _categorical()):
        return tuple(column.cat.categories)
    if is_numeric_dtype(column) and not is_bool_dtype(column):
        return None
    return tuple(sorted(column.dropna().unique().tolist(), key=str))


def _categorical() -> type:
    import pandas as pd

    return pd.CategoricalDtype


def _block(column: pd.Series, name: str, kinds: tuple[Any, ...] | None) -> np.ndarray:
    if kinds is None:
        try:
            return column.to_numpy(dtype=np.float32)[:, None]
        except (TypeError, ValueError):
            raise ValueError(f"column {name!r} holds numbers in the student's table, and {column.dtype} here") from None
    known = {kind: k for k, kind in enumerate(kinds)}
    if unseen := sorted(set(column.tolist()) - set(known), key=str):
        raise ValueError(
            f"column {name!r} has categories {unseen} that the student's table lacks; it has {list(kinds)} "
            "(a pandas categorical may list categories that do not occur)"
        )
    return np.eye(len(kinds), dtype=np.float32)[[known[value] for value in column.tolist()]]


def class_names(labels: Any) -> tuple[str, ...]:
    """Names of the classes if labels are names, sorted (a categorical keeps its order); empty if they are numbers."""
    if hasattr(labels, "cat"):
        return tuple(map(str, labels.cat.categories))
    labels = _array(labels)
    if labels.dtype.kind not in NAMES:
        return ()
    return tuple(sorted({str(label) for label in labels.ravel().tolist()} - {str(UNLABELLED)}))


def encode_labels(labels: Any, classes: tuple[str, ...], *, real: bool) -> Tensor:
    """Labels as int64 classes, or as float32 targets if ``real``.

    Args:
        labels: (N, ...) numbers or names; -1 has no label.
        classes: names of classes 0 .. C-1, empty if the labels are numbers.
        real: the task predicts numbers.

    Raises:
        ValueError: a label is missing, fractional, below -1, or a name that is not among the classes.
    """
    given = _array(labels)
    if classes:
        return torch.tensor(_indices(given, classes))
    if given.dtype.kind in NAMES:
        raise ValueError(f"labels are {given.dtype}, such as {given.ravel().tolist()[0]!r}; numbers are needed here")
    if real:
        return torch.tensor(given.astype(np.float32))
    numbers = given.astype(np.int64)
    if (numbers != given).any():
        raise ValueError(
            f"labels are fractional, such as {given[numbers != given][0]}; set task='regression' for targets"
        )
    if len(numbers) and numbers.min() < UNLABELLED:
        raise ValueError(f"label {numbers.min()} is negative; classes count from 0, and {UNLABELLED} is no label")
    return torch.tensor(numbers)


def encode_entries(labels: Any) -> Tensor:
    """The labels of a multi-label task as int64, (N, C).

    Args:
        labels: (N, C) numbers or booleans: 1 where an entry applies, 0 where it does not, -1 where that is unknown.

    Raises:
        ValueError: another shape, or another value; the message names it.
    """
    given = _array(labels)
    if given.dtype.kind not in "iufb" or given.ndim != 2:
        raise ValueError(
            f"labels are {given.dtype} of shape {given.shape}; task='multilabel' needs (N, C) of 0, 1 and {UNLABELLED}"
        )
    if outside := sorted({*np.unique(given).tolist()} - {UNLABELLED, 0, 1}):
        raise ValueError(
            f"labels hold {outside[:5]}; the entries of a multi-label are 1 (it applies), 0 (it does not) "
            f"or {UNLABELLED} (unknown)"
        )
    return torch.tensor(given.astype(np.int64))


def _indices(labels: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    known = {name: k for k, name in enumerate(classes)} | {str(UNLABELLED): UNLABELLED}
    names = [str(label) for label in labels.ravel().tolist()]
    if unseen := sorted(set(names) - set(known)):
        raise ValueError(f"labels {unseen} are not among the student's classes {list(classes)}")
    return np.array([known[name] for name in names], dtype=np.int64).reshape(labels.shape)


def _array(labels: Any) -> np.ndarray:
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu().numpy()
    elif hasattr(labels, "to_numpy"):
        labels = labels.to_numpy(dtype=object, na_value=None)
    elif isinstance(labels, list) and labels and isinstance(labels[0], Tensor):
        labels = torch.stack(labels).cpu().numpy()
    array = np.asarray(labels)
    if _holes(array):
        raise ValueError(f"labels have missing values; mark a sample without a label with {UNLABELLED}")
    whole = array.dtype.kind == "O" and all(
        isinstance(label, (int, float, np.number)) and not isinstance(label, bool) for label in array.ravel().tolist()
    )
    return np.array(array.tolist()) if whole else array


def _holes(labels: np.ndarray) -> bool:
    if labels.dtype.kind == "f":
        return not np.isfinite(labels).all()
    return labels.dtype.kind == "O" and any(label is None or label != label for label in labels.ravel().tolist())
