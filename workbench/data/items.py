"""Samples that a ``torch.utils.data.Dataset`` hands out one by one, read anew in every epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from workbench.data.arrays import as_tensor, is_picture, pixels, stacked
from workbench.data.on_demand import OnDemand, Read, spread
from workbench.maths.randomness import all_kept, seed_all
from workbench.records.code import own_code

PROBED = 32
"""Items that are read twice, to see whether they change from read to read."""
HASHED = 256
"""Items whose content tells two data sets apart, beside their code and labels."""


class Items(OnDemand):
    """The inputs of a map-style data set.

    Args:
        dataset: of pairs (input, label), or dicts with ``labels`` or ``label``.
        collate: makes a batch (inputs, labels) of a list of items; None stacks them.
        workers: processes that read ahead.

    Raises:
        TypeError: the items are no such pairs.
        ValueError: there are none, or one's label changes from read to read.

    Attributes:
        reproducible: under one seed of PyTorch, numpy and Python an item is the same each time.
    """

    def __init__(self, dataset: Any, collate: Callable[[list[Any]], Any] | None = None, workers: int = 0) -> None:
        """Reads a few items twice."""
        self.dataset, self.collate, self.workers = dataset, collate, workers
        self.numbers = torch.arange(len(dataset))
        if not len(dataset):
            raise ValueError("the set is empty; at least one sample is needed")
        rows = spread(len(dataset), PROBED)
        self.repeatable = False
        (first, labels), (again, others), (same, _) = (self._pair(rows, seed) for seed in (0, 1, 0))
        self.repeatable, self.reproducible = alike(first, again), alike(first, same)
        if not all(map(equal, labels, others)):
            raise ValueError(f"the labels of {type(dataset).__name__} change from read to read; a sample has one label")
        self.known: list[str] = []

    def read(self, rows: Tensor, seed: int = 0) -> Any:
        """The inputs of some items."""
        return self._pair(rows, seed)[0]

    def epoch(self, order: Sequence[Tensor], seeds: Sequence[int]) -> Iterator[Read]:
        """Batch by batch; with workers several are read ahead."""
        if not self.workers:
            yield from super().epoch(order, seeds)
            return
        ahead = DataLoader(_Ahead(self, order, seeds), batch_size=None, num_workers=self.workers, generator=Generator())
        for rows, inputs in zip(order, ahead, strict=True):
            yield Read(rows, inputs)

    def labels(self) -> list[Any] | None:
        """The labels of all samples as the data set gives them; None if no item has one."""
        probed = spread(len(self), PROBED)
        offered, asked = offered_labels(self.dataset), self._pair(probed, 0)[1]
        if offered is not None and all(map(equal, [offered[k] for k in probed.tolist()], asked)):
            return offered
        batches = torch.arange(len(self)).split(256)
        found = [label for rows in batches for label in self._pair(rows, 0)[1]]
        return None if all(label is None for label in found) else found

    def notes(self) -> list[str]:
        """What a user should know of how the items are read."""
        found = ["items are read anew in each epoch"]
        if not self.repeatable:
            found.append(
                "items change from read to read: the teacher's answers are not stored, and scores take one view of each"
            )
        if not self.reproducible:
            found.append("they change under a fixed seed as well, so that no run can be repeated bit by bit")
        if not self.reproducible or len(self) > HASHED:
            seen = min(len(self), HASHED) if self.reproducible else 0
            found.append(f"the data is told apart by its code and state, labels and the content of {seen} items")
        return found

    def content(self) -> str:
        """The code and state of the data set, and the content of up to 256 items."""
        if not self.known:
            whole = self.part(torch.arange(0))
            whole.numbers = torch.arange(len(self.dataset))
            sha = hashlib.sha256(own_code([self.dataset, type(self.dataset), self.collate]).encode())
            if self.reproducible:
                for part in flat(whole.read(spread(len(self.dataset), HASHED))):
                    sha.update(f"{tuple(part.shape)}{part.dtype}".encode())
                    sha.update(part.contiguous().view(torch.uint8).numpy().data)
            self.known.append(sha.hexdigest())
        return self.known[0]

    def _pair(self, rows: Tensor, seed: int) -> tuple[Any, list[Any]]:
        items = self._items(self.numbers[rows].tolist(), seed)
        if self.collate is not None:
            inputs, labels = pair_of(self.collate(items), self.dataset)
            return converted(inputs), list(labels)
        pairs = [pair_of(item, self.dataset) for item in items]
        return together([x for x, _ in pairs]), [y for _, y in pairs]

    def _items(self, numbers: list[int], seed: int) -> list[Any]:
        if not self.repeatable:
            with all_kept():
                return [self._seeded(number, seed) for number in numbers]
        return [self._item(number) for number in numbers]

    def _seeded(self, number: int, seed: int) -> Any:
        seed_all((seed + number) % 2**63)
        return self._item(number)

    def _item(self, number: int) -> Any:
        try:
            return self.dataset[number]
        except Exception as error:
            name = type(self.dataset).__name__
            raise ValueError(f"item {number} of {name} cannot be read: {type(error).__name__}: {error}") from error


class _Ahead(Dataset):
    """Whole batches as items, for a loader whose workers read them ahead."""

    def __init__(self, items: Items, order: Sequence[Tensor], seeds: Sequence[int]) -> None:
        self.items, self.order, self.seeds = items, order, seeds

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> Any:
        return self.items.read(self.order[index], self.seeds[index])


def offered_labels(dataset: Any) -> list[Any] | None:
    """The labels that a data set lists without its items being read, as those of torchvision do in ``targets``."""
    if isinstance(dataset, Subset):
        whole = offered_labels(dataset.dataset)
        return None if whole is None else [whole[k] for k in dataset.indices]
    for name in ("targets", "labels"):
        given = getattr(dataset, name, None)
        if isinstance(given, list | tuple | Tensor | np.ndarray) and len(given) == len(dataset):
            return given.tolist() if isinstance(given, Tensor | np.ndarray) else list(given)
    return None


def pair_of(item: Any, dataset: Any) -> tuple[Any, Any]:
    """Input and label of an item.

    Raises:
        TypeError: it is neither a pair nor a dict with ``labels`` or ``label``.
    """
    if isinstance(item, tuple | list) and len(item) == 2:
        return item[0], item[1]
    if isinstance(item, Mapping):
        for key in ("labels", "label"):
            if key in item:
                return {name: part for name, part in item.items() if name != key}, item[key]
    raise TypeError(
        f"the items of {type(dataset).__name__} must be pairs (input, label), or dicts with 'labels'; one is a "
        f"{type(item).__name__}"
    )


def together(inputs: list[Any]) -> Any:
    """The inputs of several items as a tensor, or a tuple or dict of tensors.

    Raises:
        TypeError: an input is of a form that is no numbers.
        ValueError: shapes differ, or a value is not finite.
    """
    first = inputs[0]
    if isinstance(first, Mapping):
        return {name: together([each[name] for each in inputs]) for name in first}
    if isinstance(first, tuple):
        return tuple(together(list(parts)) for parts in zip(*inputs, strict=True))
    if is_picture(first):
        return torch.from_numpy(stacked([pixels(picture) for picture in inputs]))
    if isinstance(first, Tensor):
        shapes = sorted({tuple(each.shape) for each in inputs})
        return converted(torch.stack(inputs) if len(shapes) == 1 else stacked([each.numpy() for each in inputs]))
    if isinstance(first, np.ndarray | np.generic | int | float | list):
        return converted(stacked([np.asarray(each) for each in inputs]))
    raise TypeError(f"an item's input is a {type(first).__name__}; give the data set a transform that makes tensors")


def converted(inputs: Any) -> Any:
    """The inputs of a batch, of the types that models are given.

    Raises:
        ValueError: a value is not finite.
    """
    if isinstance(inputs, Mapping):
        return {name: converted(part) for name, part in inputs.items()}
    if isinstance(inputs, tuple | list):
        return tuple(converted(part) for part in inputs)
    tensor = as_tensor(inputs)
    if tensor.is_floating_point() and not tensor.isfinite().all():
        raise ValueError("items hold NaN or infinite values; clean or impute them first")
    return tensor


def flat(inputs: Any) -> list[Tensor]:
    """The tensors of a batch."""
    if isinstance(inputs, Tensor):
        return [inputs]
    return [each for part in (inputs.values() if isinstance(inputs, Mapping) else inputs) for each in flat(part)]


def alike(one: Any, other: Any) -> bool:
    """Whether two batches are the same, bit by bit."""
    return all(map(torch.equal, flat(one), flat(other)))


def equal(one: Any, other: Any) -> bool:
    """Whether two labels are the same."""
    return bool(np.array_equal(np.asarray(one), np.asarray(other)))
