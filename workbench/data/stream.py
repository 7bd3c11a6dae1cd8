"""Samples of an ``IterableDataset``, which come one after the other and are asked for anew in every epoch."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.data.items import PROBED, alike, equal, flat, pair_of, together
from workbench.data.on_demand import OnDemand, Read, spread
from workbench.maths.randomness import all_kept, seed_all
from workbench.records.code import own_code

MOST = 100_000
"""Items that are counted of a stream that does not say its length."""


class Stream(OnDemand):
    """The inputs of a stream of pairs (input, label).

    Args:
        dataset: the stream; its ``__len__``, if it has one, is the number of items in an epoch.

    Raises:
        ValueError: it gives no item, fewer than it says, or more than 100,000 without saying how many.
        TypeError: its items are no pairs.

    Attributes:
        repeatable: each pass gives the same items; then the position of an item is its number.
        encode: raw labels of a batch to class numbers; set by whoever reads the labels.
        given: the label of each item in the first pass.
    """

    in_order = True

    def __init__(self, dataset: Any) -> None:
        """Goes through the stream once for its labels, and through its beginning a second time."""
        self.dataset = dataset
        self.encode: Callable[[list[Any]], Tensor] = torch.as_tensor
        length = len(dataset) if hasattr(dataset, "__len__") else None
        self.given, first = _first_pass(dataset, length)
        self.numbers = torch.arange(len(self.given))
        again = [pair_of(item, dataset) for item in _Pass(dataset, seed=1).take(len(first))]
        same = alike(together([x for x, _ in first]), together([x for x, _ in again]))
        self.repeatable = same and all(equal(one, other) for (_, one), (_, other) in zip(first, again, strict=True))

    def read(self, rows: Tensor, seed: int = 0) -> Any:
        """Some items, found by going through the stream from its start."""
        numbers = self.numbers[rows].tolist()
        wanted, last = set(numbers), max(numbers)
        items = enumerate(_Pass(self.dataset, seed).take(last + 1))
        found = {k: pair_of(item, self.dataset)[0] for k, item in items if k in wanted}
        return together([found[number] for number in numbers])

    def epoch(self, order: Sequence[Tensor], seeds: Sequence[int]) -> Iterator[Read]:
        """As many batches of the same sizes, in the order of the stream; it is begun again where it ends."""
        where = {int(self.numbers[row]): int(row) for row in torch.cat(list(order)).unique().tolist()}
        source = self._wanted(where, seeds[0])
        for rows in order:
            taken = list(islice(source, len(rows)))
            inputs = together([x for _, x, _ in taken])
            labels = None if self.repeatable else self.encode([y for _, _, y in taken])
            yield Read(torch.tensor([row for row, _, _ in taken]), inputs, labels)

    def _wanted(self, where: dict[int, int], seed: int) -> Iterator[tuple[int, Any, Any]]:
        """Row, input and label of the items that are wanted, pass after pass."""
        for turn in count():
            found, passing = False, _Pass(self.dataset, seed + turn)
            for number, item in enumerate(passing.all(len(self.given))):
                if number in where:
                    found = True
                    yield where[number], *pair_of(item, self.dataset)
            if not found:
                raise ValueError(
                    f"{type(self.dataset).__name__} gives no item any more; it gave {len(self.given)} before"
                )

    def notes(self) -> list[str]:
        """What a user should know of how the stream is read."""
        found = [f"the stream is read anew in each epoch, in its own order, {len(self.given):,} items"]
        if not self.repeatable:
            found.append(
                "its items are others in each pass, so they have no ids and the teacher's answers are not stored"
            )
        return found

    def content(self) -> str:
        """The code and state of the stream, its length, and the content of its first items."""
        sha = hashlib.sha256(own_code([self.dataset, type(self.dataset)]).encode())
        beginning = spread(min(len(self.given), PROBED), PROBED)
        whole = self.part(torch.arange(0))
        whole.numbers = torch.arange(len(self.given))
        for part in flat(whole.read(beginning)):
            sha.update(f"{tuple(part.shape)}{part.dtype}{len(self.given)}".encode())
            sha.update(part.contiguous().view(torch.uint8).numpy().data)
        return sha.hexdigest()


class _Pass:
    """One pass over a stream; what it draws comes from a seed of its own and disturbs nobody."""

    def __init__(self, dataset: Any, seed: int) -> None:
        with all_kept():
            seed_all(seed % 2**63)
            self._items, self._states = iter(dataset), _states()

    def take(self, most: int) -> list[Any]:
        """The next items, fewer at the end."""
        with all_kept():
            _restore(self._states)
            taken = list(islice(self._items, most))
            self._states = _states()
        return taken

    def all(self, most: int) -> Iterator[Any]:
        """Up to so many items, read a few at a time."""
        while most > 0 and (taken := self.take(min(most, PROBED))):
            yield from taken
            most -= len(taken)


def _states() -> tuple[Any, ...]:
    return torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002 - what a stream may draw from


def _restore(states: tuple[Any, ...]) -> None:
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])  # noqa: NPY002 - likewise
    random.setstate(states[2])


def _first_pass(dataset: Any, length: int | None) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """The labels of all items, and the first few pairs."""
    labels, first = [], []
    for item in _Pass(dataset, seed=0).all(MOST + 1 if length is None else length):
        pair = pair_of(item, dataset)
        labels.append(pair[1])
        if len(first) < PROBED:
            first.append(pair)
    name = type(dataset).__name__
    if not labels:
        raise ValueError("the set is empty; at least one sample is needed")
    if length is None and len(labels) > MOST:
        raise ValueError(
            f"{name} has no __len__ and gives more than {MOST:,} items; let __len__ say how many an epoch has"
        )
    if length is not None and len(labels) < length:
        raise ValueError(f"{name} says it has {length} items, but gives {len(labels)}")
    return labels, first
