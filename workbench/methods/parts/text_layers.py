"""Where the transformers of text keep their attention, and which of their tokens are real."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from workbench.methods.parts.layers import every_stage, stage_pairs
from workbench.models.layers import layers_of, listing
from workbench.records.batch import Batch
from workbench.records.trace import Trace

VALUES = ("value", "v_proj", "v_lin")
"""What the projections of the values are called, here and in Hugging Face models."""


def attention_of(model: nn.Module, block: str) -> str:
    """The name of the attention in a block.

    Raises:
        ValueError: there is none, or no such block; the message lists the layers.
    """
    if block not in layers_of(model):
        raise ValueError(f"{type(model).__name__} has no layer {block!r}; layers: {listing(layers_of(model))}")
    for name, part in model.get_submodule(block).named_modules():
        leaf = name.rpartition(".")[2].lower()
        if isinstance(part, nn.MultiheadAttention) or ("att" in leaf and "norm" not in leaf):
            return f"{block}.{name}"
    raise ValueError(
        f"layer {block!r} of {type(model).__name__} has no attention to compare; name blocks of a transformer; "
        f"layers: {listing(layers_of(model))}"
    )


def spread_pairs(
    student_model: nn.Module, teacher_model: nn.Module, guided: str | None, hint: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All of the student's blocks, and as many of the teacher's, evenly spread up to its last; or those that are named.

    Raises:
        ValueError: a model has no blocks, or as ``stage_pairs``.
    """
    if hint is not None:
        return stage_pairs(student_model, teacher_model, guided, hint)
    student, teacher = every_stage(student_model, teacher_model, guided, None)
    ends = [-(-number * len(teacher) // len(student)) for number in range(1, len(student) + 1)]
    return student, tuple(teacher[end - 1] for end in ends)


def scores_of(models: tuple[nn.Module, nn.Module], blocks: tuple[str, str]) -> tuple[str, str]:
    """The features of two blocks with their attention before the softmax, or after it where a model hides that."""
    names = [attention_of(model, block) for model, block in zip(models, blocks, strict=True)]
    kept = [f"{name}.scores" in layers_of(model) for model, name in zip(models, names, strict=True)]
    student, teacher = (f"{name}.scores" if all(kept) else f"{name}:attention" for name in names)
    return student, teacher


def values_of(model: nn.Module, block: str) -> str:
    """The projection of the values in a block.

    Raises:
        ValueError: there is none by the usual names, as where queries, keys and values are one projection.
    """
    attention = attention_of(model, block)
    for name in layers_of(model):
        if name.startswith(f"{attention}.") and name.rpartition(".")[2] in VALUES:
            return name
    raise ValueError(
        f"{attention!r} of {type(model).__name__} has no projection of its values alone, called {', '.join(VALUES)}; "
        f"layers: {listing(layers_of(model))}"
    )


def real_tokens(batch: Batch) -> Tensor:
    """Which tokens the student reads are no padding, (B, L) bool."""
    inputs = batch.student_inputs
    if isinstance(inputs, dict) and "attention_mask" in inputs:
        return inputs["attention_mask"].bool()
    first = (
        inputs if isinstance(inputs, Tensor) else next(iter(inputs.values() if isinstance(inputs, dict) else inputs))
    )
    return torch.ones(first.shape[:2], dtype=torch.bool, device=first.device)


def check_head_counts(name: str, student: Trace, teacher: Trace, pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse pairs of attention, (B, H, L, L) each, that cannot be compared head by head; ``name`` is the method.

    Raises:
        ValueError: the numbers of heads differ.
    """
    for own, theirs in pairs:
        mine, others = student[own].shape[1], teacher[theirs].shape[1]
        if mine != others:
            raise ValueError(
                f"{name} compares attention head by head, but the student has {mine} heads and the teacher {others}; "
                "give both the same number"
            )
