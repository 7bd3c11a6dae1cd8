"""Weights of classes in the loss on labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

FORMS = "'balanced', one number per class, or a dict of numbers by class name"


def class_weights_of(setting: Setting) -> tuple[float, ...] | None:
    """One weight per class, or None for equal ones; ``balanced`` counts the labels of the student's training data.

    Raises:
        ValueError: the task has no classes, there is not one weight for each class, a weight is negative or not finite,
            all are 0, or ``balanced`` meets a class without a labelled sample.
        TypeError: the weights are of another form.
    """
    given = setting.class_weights
    if given is None:
        return None
    if setting.task != "classification":
        raise ValueError(f"class_weights weigh samples by their class; the task is {setting.task}")
    names = setting.class_names
    if isinstance(given, str):
        return _balanced(setting, given)
    if isinstance(given, Mapping):
        by_name = {str(name): weight for name, weight in given.items()}
        if set(by_name) != set(names) or len(by_name) != len(given):
            raise ValueError(f"class_weights name {', '.join(by_name)}; the classes are {', '.join(names)}")
        given = [by_name[name] for name in names]
    return _numbers(given, names)


def _balanced(setting: Setting, given: str) -> tuple[float, ...]:
    if given != "balanced":
        raise ValueError(f"class_weights = {given!r}: give {FORMS}")
    labels = setting.train.labels[setting.train.labelled]
    counts = torch.bincount(labels, minlength=setting.classes).tolist()
    if 0 in counts:
        missing = ", ".join(name for name, count in zip(setting.class_names, counts, strict=True) if not count)
        raise ValueError(f"class_weights = 'balanced', but the student's training data has no label of: {missing}")
    return tuple(len(labels) / (len(counts) * count) for count in counts)


def _numbers(given: Any, names: tuple[str, ...]) -> tuple[float, ...]:
    try:
        listed = torch.as_tensor(given).tolist() if not isinstance(given, list | tuple) else [*given]
        weights = tuple(float(weight) for weight in listed)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"class_weights are a {type(given).__name__}; give {FORMS}") from error
    if any(isinstance(weight, bool | str) or not isinstance(weight, Real | torch.Tensor) for weight in listed):
        raise TypeError(f"class_weights = {given!r}: give {FORMS}")
    if len(weights) != len(names):
        raise ValueError(f"class_weights hold {len(weights)} numbers for {len(names)} classes: {', '.join(names)}")
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or not any(weights):
        raise ValueError(f"class_weights = {weights}: finite numbers of 0 or more are needed, one of them above 0")
    return weights
