"""From the terms a method returns to one number per term."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import mul

from torch import Tensor

from workbench.records.batch import UNLABELLED, Batch


@dataclass(frozen=True)
class Averages:
    """How a term becomes a number: its weighted mean over the samples it is about.

    A sample of which nothing counts, such as a text without a counted position, is not among them; what the term holds there
    is not read.

    Attributes:
        everyone_labelled: skips looking for samples without a label; those without a labelled position are looked for anyway.
        class_weights: (C,) weights of the classes in the terms ``labels`` and ``<party>.labels``; None weighs them alike.
    """

    everyone_labelled: bool
    class_weights: Tensor | None = None

    def __call__(self, name: str, term: Tensor, batch: Batch) -> Tensor:
        """One term as a number.

        Args:
            name: ``labels`` (or ``<party>.labels``) counts labelled samples only, by the weights of their classes.
            term: () or (B,).
            batch: with its weights and mask.

        Raises:
            ValueError: the term has another shape, or is one number where the classes have weights.
        """
        if not isinstance(term, Tensor) or term.dim() > 1:
            found = f"shape {tuple(term.shape)}" if isinstance(term, Tensor) else f"type {type(term).__name__}"
            raise ValueError(f"term {name!r} has {found}; a method returns tensors of shape () or (B,)")
        of_labels = name == "labels" or name.endswith(".labels")
        by_class = self.class_weights if of_labels and batch.labels is not None else None
        if term.dim() == 0:
            if by_class is not None:
                raise ValueError(
                    f"term {name!r} is one number for the batch, so class_weights cannot weigh its samples"
                )
            return term
        if len(term) != len(batch.ids):
            raise ValueError(
                f"term {name!r} has {len(term)} entries for {len(batch.ids)} samples; () or (B,) is needed"
            )
        counted = self._counted(batch, of_labels=of_labels)
        if counted is None and batch.weight is None and by_class is None:
            return term.mean()
        classes = None if by_class is None else by_class.to(term)[batch.known_labels.clamp(min=0)]
        given = None if counted is None else counted.to(term)
        weight = reduce(mul, (part for part in (batch.weight, given, classes) if part is not None))
        return (term.masked_fill(weight == 0, 0) * weight).sum() / weight.sum().clamp(min=1e-12)

    def _counted(self, batch: Batch, *, of_labels: bool) -> Tensor | None:
        """Whether a term is about a sample, (B,); None if it is about all of them."""
        mask = batch.mask if batch.mask is None or batch.mask.dim() == 1 else None if of_labels else _any(batch.mask)
        if not of_labels or batch.labels is None or (self.everyone_labelled and batch.labels.dim() == 1):
            return mask
        labelled = _any(batch.labels != UNLABELLED)
        return labelled if mask is None else labelled & mask


def _any(positions: Tensor) -> Tensor:
    """Whether a sample has one, (B, ...) bool -> (B,)."""
    return positions.reshape(len(positions), -1).any(1)
