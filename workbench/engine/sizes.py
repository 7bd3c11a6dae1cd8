"""A student that is larger than its teacher: allowed, but more often a mistake."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from workbench.engine.streams import Streams
from workbench.models.size import parameters
from workbench.settings.setting import Recipe, Setting
from workbench.settings.signature import new_from


def larger_student(student: Any, teacher: Any) -> str:
    """What to say if the student has more parameters than its teacher; empty if not, or if one is no net."""
    if not (isinstance(student, nn.Module) and isinstance(teacher, nn.Module)):
        return ""
    own, theirs = parameters(student), parameters(teacher)
    if not own > theirs > 0:  # a function has none
        return ""
    return f"the student has {own:,} parameters, more than the {theirs:,} of its teacher; were they swapped?"


def larger_student_of(setting: Setting) -> str:
    """The same, of nets made anew."""
    streams = Streams(0, torch.device("cpu"))
    with streams.initialising("student"):
        student = setting.make_student()
    with streams.initialising("teacher"):
        teacher = (
            new_from(setting.teacher.factory, "teacher") if isinstance(setting.teacher, Recipe) else setting.teacher
        )
    return larger_student(student, teacher)
