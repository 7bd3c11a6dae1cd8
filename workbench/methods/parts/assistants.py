"""A net whose size is between a student's and a teacher's."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from torch import nn

from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP


def between(student_model: nn.Module, teacher_model: nn.Module) -> Callable[[], nn.Module]:
    """A factory of the net half-way from student to teacher: mean depth, geometric mean of the widths.

    Raises:
        ValueError: the two are not of one family whose sizes are known here; the message says what to do.
    """
    for family, outline in ((MLP, _mlp), (ConvNet, _convnet)):
        if isinstance(student_model, family) and isinstance(teacher_model, family):
            entry, small, classes = outline(student_model)
            return partial(family, entry, _halfway(small, outline(teacher_model)[1]), classes)
    raise ValueError(
        f"no assistant is known between {type(student_model).__name__} and {type(teacher_model).__name__}; name a net "
        "with assistant='resnet32' or give a factory with TeacherAssistant().assisted_by(factory)"
    )


def _mlp(model: MLP) -> tuple[int, list[int], int]:
    linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    return linear[0].in_features, [layer.out_features for layer in linear[:-1]], linear[-1].out_features


def _convnet(model: ConvNet) -> tuple[int, list[int], int]:
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    return convolutions[0].in_channels, [layer.out_channels for layer in convolutions], linear[-1].out_features


def _halfway(small: list[int], large: list[int]) -> tuple[int, ...]:
    """Widths at equal relative depths; a net without hidden layers counts as one of width 1."""
    small, large = small or [1], large or [1]
    depth = math.ceil((len(small) + len(large)) / 2)
    at = [(small[i * len(small) // depth], large[i * len(large) // depth]) for i in range(depth)]
    return tuple(round(math.sqrt(mine * theirs)) for mine, theirs in at)
