"""What a teacher says, put right by the labels, or made up from them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from workbench.maths.tasks import UNLABELLED


def shifted_to_label(logits: Tensor, labels: Tensor | None) -> Tensor:
    """Each row with its largest entry and that of its label in each other's place, (B, C).

    Softmax commutes with it, so probabilities are shifted alike. Rows that are right, or have no label, stay as they are.

    Args:
        logits: (B, C).
        labels: (B,) int64, None if there are none.
    """
    if labels is None:
        return logits
    top = logits.argmax(1)
    own = torch.where(labels == UNLABELLED, top, labels)
    both = torch.stack([top, own], 1)
    return logits.scatter(1, both, logits.gather(1, both.flip(1)))


def virtual_logits(labels: Tensor, classes: int, correct: float, like: Tensor) -> Tensor:
    """Logits of a teacher that gives every label the same probability and the other classes equal shares of the rest.

    Args:
        labels: (B,) int64 in [0, C).
        classes: C.
        correct: probability of the label, below 1.
        like: a tensor of the type and on the device that is wanted.

    Returns:
        (B, C), log-probabilities.
    """
    others = like.new_full((len(labels), classes), math.log((1 - correct) / (classes - 1)))
    return others.scatter(1, labels[:, None], math.log(correct))
