"""Samples that stay where they are, in a file or behind somebody's code, and are read when a batch asks for them."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor


class Read(NamedTuple):
    """Samples as they were read.

    Attributes:
        rows: (B,) which ones.
        inputs: a tensor (B, ...), or a tuple or dict of such, in main memory.
        labels: (B, ...) where they may be others each time; None where those that are known hold.
    """

    rows: Tensor
    inputs: Any
    labels: Tensor | None = None


class OnDemand(ABC):
    """N samples that stand where a tensor of inputs would.

    Class attributes a subclass may declare:
        in_order: they come one after the other only, so that an epoch takes them in their own order.

    Attributes:
        repeatable: a sample is the same each time it is read.
        numbers: (N,) the number of each sample in what it is read from.
    """

    in_order: ClassVar[bool] = False
    repeatable: bool = True
    numbers: Tensor

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.numbers)

    def __getitem__(self, row: int) -> Any:
        """The inputs of one sample."""
        return self.read(torch.tensor([row]))[0]

    @abstractmethod
    def read(self, rows: Tensor, seed: int = 0) -> Any:
        """Some samples, a tensor (B, ...) or a tuple or dict of such.

        Args:
            rows: (B,) row numbers.
            seed: of samples that differ from read to read; the same seed gives the same samples.

        Raises:
            ValueError: a value is not finite, or shapes differ.
        """

    @abstractmethod
    def content(self) -> str:
        """A text that tells apart what the samples are read from."""

    def epoch(self, order: Sequence[Tensor], seeds: Sequence[int]) -> Iterator[Read]:
        """One batch after the other, read ahead where that is possible.

        Args:
            order: the rows of each batch.
            seeds: one for each batch.
        """
        for rows, seed in zip(order, seeds, strict=True):
            yield Read(rows, self.read(rows, seed))

    def part(self, rows: Tensor) -> Self:
        """Some of the samples; nothing is read."""
        made = type(self).__new__(type(self))
        made.__dict__ |= self.__dict__ | {"numbers": self.numbers[rows.cpu()]}
        return made

    def digest(self) -> str:
        """A hash of what the samples are read from and of their numbers, 16 hexadecimal digits."""
        sha = hashlib.sha256(self.content().encode())
        sha.update(self.numbers.numpy().data)
        return sha.hexdigest()[:16]


def spread(count: int, most: int) -> Tensor:
    """At most so many numbers below ``count``, evenly spread."""
    return torch.linspace(0, count - 1, min(count, most)).round().long().unique()
