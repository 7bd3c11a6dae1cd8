"""What a ``DataLoader`` of the user's says: its data set, how its batches are put together, and by how many workers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler, Subset, TensorDataset
from torch.utils.data import SubsetRandomSampler as Chosen
from torch.utils.data.dataloader import default_collate


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
