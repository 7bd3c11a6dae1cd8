"""The order in which a stage sees its samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.data.transfer import Augment, TransferSet
from workbench.engine.streams import Streams
from workbench.records.batch import Batch


def steps_per_epoch(data: TransferSet, batch_size: int) -> int:
    """Full batches in one pass; a set smaller than a batch, or a graph, is one batch of its own size."""
    return 1 if data.full_batch else max(1, len(data) // batch_size)


@dataclass
class Loader:
    """Full batches of some rows, shuffled anew each epoch; a few rows are cycled through to fill an epoch.

    Attributes:
        data: the transfer set.
        rows: the rows of it that take part.
        batch_size: samples per step.
        augment: of the setting.
        partner: (N,) permutation of the permuted-targets control: row i is given the teacher inputs of row partner[i]; None
            for no permutation.
    """

    data: TransferSet
    rows: Tensor
    batch_size: int
    augment: Augment | None = None
    partner: Tensor | None = None

    def epoch(self, steps: int, streams: Streams) -> Iterator[Batch]:
        """The batch of each step; the order comes from the ``data`` stream."""
        if self.data.full_batch:
            for _ in range(steps):
                yield self.data.batch(self.rows)
            return
        size = min(self.batch_size, len(self.data))
        rounds = math.ceil(steps * size / len(self.rows))
        shuffles = [torch.randperm(len(self.rows), generator=streams["data"]) for _ in range(rounds)]
        order = self.rows[torch.cat(shuffles)[: steps * size].to(self.rows.device)]
        yield from self.data.epoch(
            order.split(size), partner=self.partner, augment=self.augment, generator=streams["augment"]
        )
