"""Arrays, data sets and tables become a ``TransferSet``; what happens to the numbers is written here and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
)
from torch.utils.data import SubsetRandomSampler as Chosen
from torch.utils.data.dataloader import default_collate

from workbench.data.arrays import MappedRows, as_inputs, as_tensor, is_sparse
from workbench.data.augment import Normalise
from workbench.data.encode import Encoding, fit
from workbench.data.items import Items, flat
from workbench.data.labels import read_labels
from workbench.data.stream import Stream
from workbench.data.transfer import Inputs, TransferSet

WORKS = (
    "(inputs, labels) or (inputs, None) of arrays, tensors or lists; a torch Dataset, DataLoader or IterableDataset of "
    "(input, label); a pandas DataFrame whose last column is the label, or (frame, 'column'); a TransferSet"
)

PLAIN = (np.ndarray, Tensor, list, tuple, dict, str, bytes, type)
"""Forms that hand out items by number but are no data sets."""


class Reading(NamedTuple):
    """How data is read.

    Attributes:
        task: of the setting.
        encoding: of the student's data, so that other data is read the same way; None for the student's own.
        class_names: as the user gave them, in the order of the classes.
        keep_numbers: labels that are numbers stay as they are, whichever of them occur.
    """

    task: str = "classification"
    encoding: Encoding | None = None
    class_names: tuple[str, ...] = ()
    keep_numbers: bool = False


def as_transfer_set(
    data: Any, task: str = "classification", encoding: Encoding | None = None, **how: Any
) -> TransferSet:
    """A transfer set from whatever the user has.

    Inputs: floats and booleans become float32; integers stay (token ids); uint8 stays and is scaled to [0, 1] when a
    batch is made. Of a table, numeric columns become float32 as they are, all others one-hot.
    Labels: as ``read_labels`` says. What was converted is in the set's ``notes``.

    Arrays that are mapped from a file, the items of a Dataset and those of a stream are read batch by batch, anew in each
    epoch; a TensorDataset is in memory already.

    Args:
        data: arrays, a Dataset or DataLoader, a table, or a ``TransferSet``, which passes through.
        task: of the setting; targets of ``regression`` stay numbers, labels of ``multilabel`` are (N, C) of 0, 1 and -1.
        encoding: of the student's data, so that the test is read the same way.
        how: ``class_names`` and ``keep_numbers``, as in ``Reading``.

    Raises:
        TypeError: it is none of these.
        ValueError: values are missing, shapes differ, or a category or class is unknown.
    """
    reading = Reading(task, encoding, **how)
    if isinstance(data, TransferSet):
        return data
    data = _pandas(data)
    if _is_table(data):
        if not len(data.columns):
            raise ValueError("the table has no columns; its last one is the label")
        label = encoding.label if encoding and encoding.label in data.columns else data.columns[-1]
        return _from_table(data, label, reading)
    if (found := _from_data_set(data, reading)) is not None:
        return found
    if isinstance(data, (tuple, list)) and len(data) == 2:
        inputs, labels = data
        if _is_table(inputs := _pandas(inputs)):
            return _from_table(inputs, labels, reading)
        notes: list[str] = []
        return _made(as_inputs(inputs, notes), labels, reading, notes)
    raise TypeError(f"cannot read data from {_named(data)}; what works: {WORKS}")


def _from_data_set(data: Any, reading: Reading) -> TransferSet | None:
    """What a data set or loader of PyTorch, or anything that hands out items by number, becomes; None of other things."""
    collate, workers, notes = None, 0, []
    if isinstance(data, DataLoader):
        data, collate, workers, notes = opened(data)
    if (tensors := tensors_of(data)) is not None and collate is None:
        return _made(*(as_tensor(part, notes) if k == 0 else part for k, part in enumerate(tensors)), reading, notes)
    if isinstance(data, IterableDataset):
        return _from_stream(Stream(data), reading, notes)
    plain = isinstance(data, PLAIN) or is_sparse(data) or not hasattr(data, "__getitem__")
    if not isinstance(data, Dataset) and plain:
        return None
    if not hasattr(data, "__len__") or not hasattr(data, "__getitem__"):
        raise TypeError(f"{type(data).__name__} cannot be addressed by number; what works: {WORKS}")
    items = Items(data, collate, workers)
    made = _made(items, items.labels(), reading, [*notes, *items.notes()])
    if all(part.dtype == torch.uint8 for part in flat(items.read(torch.arange(1)))):
        made.transform = Normalise()
    return made


def _from_stream(stream: Stream, reading: Reading, notes: list[str]) -> TransferSet:
    labels = None if all(label is None for label in stream.given) else stream.given
    made = _made(stream, labels, reading, [*notes, *stream.notes()])
    stream.encode = partial(_encoded, task=reading.task, known=made.encoding.classes)
    return made


def _encoded(labels: Any, task: str, known: tuple[str, ...]) -> Tensor:
    return read_labels(labels, task, known).values


def _named(data: Any) -> str:
    return f"{type(data).__name__} of {len(data)}" if isinstance(data, (tuple, list)) else type(data).__name__


def _pandas(data: Any) -> Any:
    """Tables of other libraries (polars, pyarrow) as pandas tables."""
    return data.to_pandas() if hasattr(data, "to_pandas") and not hasattr(data, "iloc") else data


def _is_table(data: Any) -> bool:
    return hasattr(data, "iloc") and hasattr(data, "columns")


def _from_table(frame: Any, labels: Any, reading: Reading) -> TransferSet:
    if not len(frame):
        raise ValueError("the set is empty; at least one sample is needed")
    if len(set(frame.columns)) < len(frame.columns):
        raise ValueError(f"the table has two columns of one name; it has {list(frame.columns)}")
    column = None
    if isinstance(labels, (str, int, np.integer)):
        column = labels
        if column not in frame.columns:
            raise ValueError(f"the table has no column {column!r}; it has {list(frame.columns)}")
        labels, frame = frame[column], frame.drop(columns=column)
    _check_order(frame, labels)
    if reading.encoding is None:
        known = fit(frame, column)
        return _made(known.encode(frame), labels, reading, [], table=known)
    return _made(reading.encoding.encode(frame), labels, reading, [])


def _check_order(frame: Any, labels: Any) -> None:
    """Labels with an index belong to the rows of the same index; in another order they would be taken for others'."""
    index = getattr(labels, "index", None)
    if not hasattr(index, "equals") or len(index) != len(frame) or index.equals(frame.index):
        return
    if set(index) == set(frame.index):
        raise ValueError("the index of the labels is in another order than the table's; give labels.loc[table.index]")


def _made(
    inputs: Inputs, labels: Any, reading: Reading, notes: list[str], *, table: Encoding | None = None
) -> TransferSet:
    encoding = reading.encoding or table or Encoding()
    if labels is not None:
        known = None if reading.encoding is None else encoding.classes
        read = read_labels(labels, reading.task, known, reading.class_names, keep=reading.keep_numbers)
        labels, encoding, notes = read.values, replace(encoding, classes=read.classes), [*notes, *read.notes]
    bytes_ = isinstance(inputs, Tensor | MappedRows) and inputs.dtype in (torch.uint8, np.uint8)
    scale = Normalise() if bytes_ else None
    made = TransferSet(inputs, labels, transform=scale, encoding=encoding)
    made.notes = tuple(notes)
    return made


def opened(loader: DataLoader) -> tuple[Any, Callable[[list[Any]], Any] | None, int, list[str]]:
    """The data set of a loader, its collate function if it has one of its own, its workers, and notes.

    Raises:
        TypeError: it draws or batches its samples in a way that a run cannot repeat.
    """
    dataset, sampler = loader.dataset, loader.sampler
    collate = None if loader.collate_fn is default_collate else loader.collate_fn
    works = "give its data set, or a loader with batch_size= and shuffle= only"
    if loader.batch_size is None or type(loader.batch_sampler) not in (BatchSampler, type(None)):
        raise TypeError(
            f"the DataLoader makes batches of its own kind, and the budget says how many samples a step has; {works}"
        )
    notes = [f"batches have the size that the budget says, not the DataLoader's {loader.batch_size}"]
    workers = min(loader.num_workers, os.cpu_count() or 1)
    if type(sampler).__name__ == "_InfiniteConstantSampler":  # of an IterableDataset
        if collate is not None:
            raise TypeError(
                "the DataLoader puts the items of a stream together in a way of its own; let the stream yield pairs"
            )
        return dataset, None, 0, notes
    if type(sampler) is Chosen:
        notes.append(f"{len(sampler.indices)} of {len(dataset)} items are used, as its sampler says")
        dataset = Subset(dataset, list(sampler.indices))
    elif type(sampler) not in (SequentialSampler, RandomSampler) or getattr(sampler, "replacement", False):
        raise TypeError(
            f"the DataLoader draws with {type(sampler).__name__}; {works}, and weights as TransferSet(..., weight=)"
        )
    return dataset, collate, workers, notes


def tensors_of(dataset: Any) -> tuple[Tensor, Tensor] | None:
    """Inputs and labels of a data set that holds nothing but these two tensors; None of another."""
    if type(dataset) is Subset and (whole := tensors_of(dataset.dataset)) is not None:
        return whole[0][dataset.indices], whole[1][dataset.indices]
    if type(dataset) is TensorDataset and len(dataset.tensors) == 2:
        return dataset.tensors
    return None
