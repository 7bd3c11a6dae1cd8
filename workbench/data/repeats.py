"""Samples of one set that are in another one as well, by their content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from workbench.data.transfer import TransferSet


class Repeats(NamedTuple):
    """How much two sets share.

    Attributes:
        count: samples of the second set whose inputs are those of a sample of the first, bit by bit.
        share: of the second set, 0 to 1.
        distinct: share of different inputs in the first set; where few are different, equal ones say little.
    """

    count: int
    share: float
    distinct: float


def repeats(known: list[int], asked: list[int]) -> Repeats:
    """How many samples of one set are in another one, both given as ``hashes``."""
    different = set(known)
    count = sum(each in different for each in asked)
    return Repeats(count, count / max(len(asked), 1), len(different) / max(len(known), 1))


def hashes(data: TransferSet) -> list[int]:
    """64 bits for the inputs of each sample, of use within this process; none of a set that is read on demand."""
    parts = data.parts()
    if not all(isinstance(part, Tensor) for part in parts):
        return []
    return [hash(row) for row in zip(*map(_rows, parts), strict=True)]


def _rows(part: Tensor) -> Iterator[bytes]:
    return (row.tobytes() for row in part.detach().cpu().numpy())
