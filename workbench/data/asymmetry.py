"""Leaves a student less than its teacher had: a few labels, and further inputs without one."""

from __future__ import annotations

import torch

from workbench.data.split import stratified
from workbench.data.transfer import TransferSet
from workbench.records.batch import UNLABELLED


def few(pool: TransferSet, labelled: int | None, unlabelled: int = 0) -> TransferSet:
    """Some samples of a pool with their labels and others without; the same ones every time.

    Args:
        pool: labelled samples.
        labelled: how many keep their label, the same share of every class up to rounding; None is all.
        unlabelled: how many of the others are kept as inputs only.

    Raises:
        ValueError: the pool has not so many.
    """
    if labelled is None:
        if unlabelled:
            raise ValueError("transfer_inputs needs student_labels: with all labels there are no inputs left")
        return pool
    if labelled + unlabelled > len(pool):
        raise ValueError(f"{labelled} labelled and {unlabelled} further inputs are more than the {len(pool)} there are")
    rest, chosen = stratified(pool.labels, labelled / len(pool), seed=1)
    order = torch.randperm(len(rest), generator=torch.Generator().manual_seed(2))
    drawn = pool.subset(torch.cat([chosen, rest[order[:unlabelled]]]))
    drawn.labels = drawn.labels.clone()
    drawn.labels[len(chosen) :] = UNLABELLED
    return drawn


def but(pool: TransferSet, held_out: TransferSet) -> TransferSet:
    """The samples of a pool that are not held out, by their ids."""
    return pool.subset((~torch.isin(pool.ids, held_out.ids)).nonzero().squeeze(1))
