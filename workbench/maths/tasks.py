"""What a task fixes: the layout of the outputs, the label loss, the score and its direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.maths.divergences import precise

UNLABELLED = -1


@dataclass(frozen=True)
class Task:
    """One kind of task.

    Attributes:
        name: as a setting names it.
        layout: shape of the outputs, in words.
        label_loss: (outputs, labels) -> (B,) loss per sample, 0 where a sample has no label.
        hits: (outputs, labels) -> (numerators (B,), denominators (B,)) whose sums' ratio is the score.
        score: name of the score.
        agreement: (student outputs, teacher outputs, labels) -> () agreement on labelled samples or positions, in [0, 1].
        higher_is_better: the score's direction.
        scale: what a score is multiplied with to be read in points.
        bounds: lowest and highest possible score, after scaling.
    """

    name: str
    layout: str
    label_loss: Callable[[Tensor, Tensor], Tensor]
    hits: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    score: str
    agreement: Callable[[Tensor, Tensor, Tensor], Tensor]
    higher_is_better: bool = False
    scale: float = 1.0
    bounds: tuple[float, float] = (0.0, math.inf)


def cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy per sample; (B, C) with (B,), or (B, C, ...) with (B, ...) averaged over labelled positions."""
    if labels.dim() == 1:
        return F.cross_entropy(precise(outputs), labels, ignore_index=UNLABELLED, reduction="none")
    labelled = labels != UNLABELLED
    outputs = precise(outputs.masked_fill(~labelled[:, None], 0))  # what stands at the others reaches no gradient
    loss = F.cross_entropy(outputs, labels, ignore_index=UNLABELLED, reduction="none")
    return loss.flatten(1).sum(1) / labelled.flatten(1).sum(1).clamp(min=1)


def squared_error(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error per sample, (B, ...) with labels of the same number of elements -> (B,)."""
    return (precise(outputs).flatten(1) - labels.reshape(outputs.shape).flatten(1)).square().mean(1)


def binary_cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy per sample, averaged over the entries that are known.

    Args:
        outputs: (B, C) logits, one per entry.
        labels: (B, C), 1 where the entry applies, 0 where it does not, ``UNLABELLED`` where that is unknown.

    Returns:
        (B,); 0 where no entry is known.
    """
    known = labels != UNLABELLED
    outputs = precise(outputs.masked_fill(~known, 0))
    loss = F.binary_cross_entropy_with_logits(outputs, labels.clamp(min=0).to(outputs), reduction="none")
    return loss.masked_fill(~known, 0).sum(1) / known.sum(1).clamp(min=1)


def _token_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(outputs.transpose(1, 2), labels)


def _correct(dim: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    def hits(outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        labelled = (labels != UNLABELLED).reshape(len(labels), -1)
        correct = (outputs.argmax(dim) == labels).reshape(len(labels), -1) & labelled
        return correct.sum(1), labelled.sum(1)

    return hits


def _found(outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """2 TP and 2 TP + FP + FN of each sample over its known entries; the ratio of their sums is micro-averaged F1."""
    chosen, true = (outputs > 0) & (labels != UNLABELLED), labels == 1
    return 2 * (chosen & true).sum(1), chosen.sum(1) + true.sum(1)


def _errors(outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return squared_error(outputs, labels), torch.ones(len(outputs), device=outputs.device)


def _same_choice(dim: int) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    def agreement(student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
        labelled = labels != UNLABELLED
        same = (student.argmax(dim) == teacher.argmax(dim)) & labelled
        return same.sum() / labelled.sum().clamp(min=1)

    return agreement


def _same_entries(student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
    known = labels != UNLABELLED
    return (((student > 0) == (teacher > 0)) & known).sum() / known.sum().clamp(min=1)


def _closeness(student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
    return (1 / (1 + (student - teacher).flatten(1).square().mean(1))).mean()


_IN_POINTS = {"higher_is_better": True, "scale": 100.0, "bounds": (0.0, 100.0)}

TASKS = {
    task.name: task
    for task in (
        Task("classification", "(B, C) logits", cross_entropy, _correct(1), "accuracy", _same_choice(1), **_IN_POINTS),
        Task("tokens", "(B, L, V) logits", _token_loss, _correct(2), "token accuracy", _same_choice(2), **_IN_POINTS),
        Task(
            "dense", "(B, C, H, W) logits", cross_entropy, _correct(1), "pixel accuracy", _same_choice(1), **_IN_POINTS
        ),
        Task("multilabel", "(B, C) logits", binary_cross_entropy, _found, "micro F1", _same_entries, **_IN_POINTS),
        Task("regression", "(B, K) values", squared_error, _errors, "mean squared error", _closeness),
    )
}


def task(name: str) -> Task:
    """The task of a name.

    Raises:
        KeyError: no such task; the message names the nearest ones.
    """
    if name not in TASKS:
        near = get_close_matches(name, TASKS, 3, 0.3) or list(TASKS)
        raise KeyError(f"no task {name!r}; nearest: {', '.join(near)}")
    return TASKS[name]
