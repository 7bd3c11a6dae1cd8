"""From the terms a method returns to one number per term."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from workbench.records.batch import UNLABELLED, Batch


class NotFinite(ArithmeticError):
    """A loss term is NaN or infinite.

    Attributes:
        details: ``term``, ``value``, ``step`` and ``stage``.
    """

    def __init__(self, term: str, value: float, step: int, stage: str) -> None:
        """Says what happened and what helps."""
        super().__init__(
            f"loss term {term!r} became {value} at step {step} of stage {stage!r}; "
            "lower the learning rate or the term's weight, or set Budget(clip=1.0)"
        )
        self.details = {"term": term, "value": str(value), "step": step, "stage": stage}


def average(name: str, term: Tensor, batch: Batch, *, everyone_labelled: bool) -> Tensor:
    """One term as a number: its weighted mean over the samples it is about.

    A sample of which nothing counts, such as a text without a counted position, is not among them; what the term holds there
    is not read.

    Args:
        name: ``labels`` (or ``<party>.labels``) counts labelled samples only.
        term: () or (B,).
        batch: with its weights and mask.
        everyone_labelled: skips looking for samples without a label; those without a labelled position are looked for anyway.

    Raises:
        ValueError: the term has another shape.
    """
    if not isinstance(term, Tensor) or term.dim() > 1:
        found = f"shape {tuple(term.shape)}" if isinstance(term, Tensor) else f"type {type(term).__name__}"
        raise ValueError(f"term {name!r} has {found}; a method returns tensors of shape () or (B,)")
    if term.dim() == 0:
        return term
    if len(term) != len(batch.ids):
        raise ValueError(f"term {name!r} has {len(term)} entries for {len(batch.ids)} samples; () or (B,) is needed")
    counted = _counted(name, batch, everyone_labelled=everyone_labelled)
    if counted is None and batch.weight is None:
        return term.mean()
    weight = torch.ones_like(term) if batch.weight is None else batch.weight
    weight = weight if counted is None else weight * counted
    return (term.masked_fill(weight == 0, 0) * weight).sum() / weight.sum().clamp(min=1e-12)


def _counted(name: str, batch: Batch, *, everyone_labelled: bool) -> Tensor | None:
    """Whether a term is about a sample, (B,); None if it is about all of them."""
    of_labels = name == "labels" or name.endswith(".labels")
    mask = batch.mask if batch.mask is None or batch.mask.dim() == 1 else None if of_labels else _any(batch.mask)
    if not of_labels or batch.labels is None or (everyone_labelled and batch.labels.dim() == 1):
        return mask
    labelled = _any(batch.labels != UNLABELLED)
    return labelled if mask is None else labelled & mask


def _any(positions: Tensor) -> Tensor:
    """Whether a sample has one, (B, ...) bool -> (B,)."""
    return positions.reshape(len(positions), -1).any(1)


def finite(terms: dict[str, Tensor], step: int, stage: str) -> dict[str, float]:
    """The terms as numbers.

    Raises:
        NotFinite: one is not finite; the error names it, the step and the stage.
    """
    if not terms:
        return {}
    numbers = torch.stack([term.detach().float() for term in terms.values()]).tolist()
    for name, value in zip(terms, numbers, strict=True):
        if not math.isfinite(value):
            raise NotFinite(name, value, step, stage)
    return dict(zip(terms, numbers, strict=True))
