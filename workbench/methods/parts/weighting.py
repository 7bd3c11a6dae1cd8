"""What the weights of a batch's samples mean inside a method; the engine applies them to terms of one number per sample."""

from __future__ import annotations

from torch import Tensor

from workbench.records.batch import Batch


def weights_of(batch: Batch, like: Tensor) -> Tensor:
    """The weights of the samples, the largest of them 1, (B,) in the type of ``like``; all 1 where the batch has none."""
    if batch.weight is None:
        return like.new_ones(len(batch.ids))
    weight = batch.weight.to(like)
    return weight / weight.amax().clamp(min=1e-12)


def batch_mean(values: Tensor, batch: Batch) -> Tensor:
    """The weighted mean over the samples, (B, ...) -> (...)."""
    weight = weights_of(batch, values)
    total = (weight @ values.reshape(len(values), -1)).reshape(values.shape[1:])
    return total / weight.sum().clamp(min=1e-12)


def mean_among(values: Tensor, counted: Tensor, batch: Batch) -> Tensor:
    """The values of the counted samples, 0 elsewhere, so scaled that the mean over the batch is the mean over those.

    Args:
        values: (B,).
        counted: (B,) boolean.
        batch: whose weights enter both means.
    """
    weight = weights_of(batch, values)
    some = (weight * counted).sum()
    return values.masked_fill(~counted, 0) * (weight.sum() / some.masked_fill(some == 0, 1))
