"""Turns tables into numbers, the same way for the student's data and for the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    import pandas as pd


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
