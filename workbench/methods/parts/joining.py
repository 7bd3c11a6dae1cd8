"""Two batches as one, no field lost."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from workbench.records.batch import UNLABELLED, Batch


def joined(first: Batch, second: Batch) -> Batch:
    """The samples of one batch, then those of another.

    What only one of them has is filled up: samples without a label, of weight 1, of which every position counts, whose teacher
    sees the student's inputs. ``alignment``, and an entry of ``extras``, is kept if both have it.
    """
    parts = {field.name: (getattr(first, field.name), getattr(second, field.name)) for field in fields(Batch)}
    for name, fill in (("labels", UNLABELLED), ("weight", 1), ("mask", True)):
        mine, other = parts[name]
        parts[name] = _filled(mine, other, first, fill), _filled(other, mine, second, fill)
    if any(given is not None for given in parts["teacher_inputs"]):
        parts["teacher_inputs"] = first.for_teacher, second.for_teacher
    aligned = parts["alignment"]
    if aligned[1] is not None and aligned[1].dim() == 1:  # rows of the teacher's batch, which stand lower now
        parts["alignment"] = aligned[0], torch.where(aligned[1] < 0, aligned[1], aligned[1] + _rows(first.for_teacher))
    return Batch(**{name: _one_below_the_other(*pair) for name, pair in parts.items()})


def _filled(given: Tensor | None, like: Tensor | None, batch: Batch, value: float) -> Tensor | None:
    if given is not None or like is None:
        return given
    return like.new_full((len(batch.ids), *like.shape[1:]), value)


def _one_below_the_other(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return None
    if isinstance(first, Tensor):
        return torch.cat([first, second])
    if isinstance(first, tuple):
        return tuple(_one_below_the_other(*pair) for pair in zip(first, second, strict=True))
    if isinstance(first, list):
        return first + second
    return {name: _one_below_the_other(first[name], second[name]) for name in first if name in second}


def _rows(inputs: Any) -> int:
    if isinstance(inputs, Tensor):
        return len(inputs)
    return _rows(next(iter(inputs.values() if isinstance(inputs, dict) else inputs)))
