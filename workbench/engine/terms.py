"""From the terms a method returns to one number per term."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.records.batch import UNLABELLED, Batch


class NotFinite(ArithmeticError):
    """A loss term is NaN or infinite."""


def average(name: str, term: Tensor, batch: Batch, *, everyone_labelled: bool) -> Tensor:
    """One term as a number: its weighted mean over the samples it is about.

    Args:
        name: ``labels`` (or ``<party>.labels``) counts labelled samples only.
        term: () or (B,).
        batch: with its weights and mask.
        everyone_labelled: skips looking for missing labels.

    Raises:
        ValueError: the term has another shape.
    """
    if term.dim() == 0:
        return term
    if term.dim() != 1:
        raise ValueError(f"term {name!r} has shape {tuple(term.shape)}; a method returns () or (B,)")
    about_labels = name == "labels" or name.endswith(".labels")
    unlabelled = about_labels and not everyone_labelled and batch.labels is not None
    masked = batch.mask is not None and batch.mask.dim() == 1 and len(batch.mask) == len(term)
    if batch.weight is None and not unlabelled and not masked:
        return term.mean()
    weight = torch.ones_like(term) if batch.weight is None else batch.weight.to(term)
    if unlabelled:
        weight = (
            weight * (batch.labels.flatten(1) != UNLABELLED).any(1)
            if batch.labels.dim() > 1
            else weight * (batch.labels != UNLABELLED)
        )
    if masked:
        weight = weight * batch.mask
    return (term * weight).sum() / weight.sum().clamp(min=1e-12)


def check_finite(values: dict[str, float], step: int, stage: str) -> None:
    """Stop at the first NaN.

    Raises:
        NotFinite: names the step and the term.
    """
    for name, value in values.items():
        if not -float("inf") < value < float("inf"):
            raise NotFinite(
                f"loss term {name!r} became {value} at step {step} of stage {stage!r}; "
                "lower the learning rate or the term's weight, or set Budget(clip=1.0)"
            )
