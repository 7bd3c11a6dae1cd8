"""What a setting can say of the models it was given, before they are run."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn

from workbench.models.learners import FLOOR, as_teacher, class_columns, other_precision
from workbench.settings.fields import Fields


def check_teacher(setting: Fields) -> list[str]:
    """Warnings about a given teacher; one that cannot teach these classes is refused.

    Raises:
        TypeError: it is no teacher.
        ValueError: it is a classifier that was not fitted, or on other classes or columns.
    """
    teacher = setting.teacher
    if teacher is None or isinstance(teacher, nn.Module) or hasattr(teacher, "factory"):
        return []
    if isinstance(teacher, type) or not hasattr(teacher, "predict_proba"):
        as_teacher(teacher)
        return []
    if setting.task != "classification":
        raise ValueError(f"{_name(teacher)} gives probabilities of classes; the task is {setting.task}")
    known = getattr(teacher, "classes_", None)
    if known is None:
        if hasattr(teacher, "get_params"):
            raise ValueError(f"the teacher {_name(teacher)} was not fitted; call its fit first")
        return []
    _check_features(teacher, setting)
    present = {*class_columns(known, setting.classes, setting.class_numbers).tolist()}
    missing = [name for k, name in enumerate(setting.class_names) if k not in present]
    if not missing:
        return []
    one = len(missing) == 1
    return [
        f"the teacher {_name(teacher)} was not fitted on {'class' if one else 'classes'} {', '.join(missing[:5])}; it gives "
        f"{'it' if one else 'them'} a probability of {FLOOR:g}"
    ]


def answering(teacher: Any, setting: Fields) -> nn.Module:
    """A teacher that was given, as a net in float32 that answers in the order of the setting's classes."""
    return setting.in_precision(as_teacher(teacher, setting.classes or None, setting.class_numbers))


def _check_features(teacher: Any, setting: Fields) -> None:
    inputs, wanted = setting.train.as_teacher_sees().inputs, getattr(teacher, "n_features_in_", None)
    if isinstance(inputs, Tensor) and wanted is not None and (width := math.prod(inputs.shape[1:])) != wanted:
        raise ValueError(
            f"the teacher {_name(teacher)} was fitted on {wanted} numbers per sample; the inputs have {width}"
        )


def notes_of_models(setting: Fields) -> list[str]:
    """What is done to the given models."""
    return [
        f"the {party}'s {precision} weights are computed with in float32"
        for party, model in (("teacher", setting.teacher), ("student", setting.student))
        if isinstance(model, nn.Module) and (precision := other_precision(model))
    ]


def _name(model: Any) -> str:
    return type(model).__name__
