"""Refuses arguments of a setting that are not what they should be, before any data is read."""

from __future__ import annotations

import inspect
from functools import partial
from numbers import Real
from typing import Any

from torch import nn

from workbench.data.arrays import is_sparse
from workbench.data.transfer import TransferSet
from workbench.records.budget import Budget
from workbench.records.parameters import spoken
from workbench.settings.fields import Fields
from workbench.settings.signature import is_model


def check_arguments(setting: Fields) -> None:
    """Refuse arguments of another form or range; plain ones have the types they are declared with already.

    Args:
        setting: as it was given, its data not yet read.

    Raises:
        TypeError: an argument is of another type; the message says what works.
        ValueError: it is out of its range.
    """
    if not setting.name.strip():
        raise ValueError("name is empty; it is shown in tables and files")
    if not isinstance(setting.budget, Budget):
        raise TypeError(f"budget is a {type(setting.budget).__name__}; give a Budget, such as Budget(epochs=30)")
    if setting.augment is not None and not callable(setting.augment):
        raise TypeError(f"augment is a {type(setting.augment).__name__}; give a function of (inputs, generator)")
    if setting.threads is not None and setting.threads < 1:
        raise ValueError(f"threads = {setting.threads} must be 1 or more, or None")
    _check_names(setting.class_names)
    _check_validation(setting.validation)
    for name in ("train", "test"):
        if getattr(setting, name) is None:
            raise TypeError(f"{name} is None; give (inputs, labels)")
    _check_student(setting.student)
    _check_teacher(setting.teacher)


def check_factory(what: str, factory: Any) -> None:
    """Refuse a factory that cannot be called without arguments.

    Raises:
        TypeError: it needs arguments, or is no factory; the message names the arguments.
    """
    if not callable(factory) or isinstance(factory, nn.Module):
        raise TypeError(f"{what} is a {type(factory).__name__}; give a function that makes a net")
    if isinstance(factory, type) and not (issubclass(factory, nn.Module) or hasattr(factory, "get_params")):
        raise TypeError(
            f"{what} is the class {factory.__name__}, which makes no net; give a class of nets or a function"
        )
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # some builtins do not say
        return
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if needed := [p.name for p in parameters if p.default is p.empty and p.kind not in open_ended]:
        name = getattr(factory, "__qualname__", type(factory).__name__)
        raise TypeError(
            f"{what} {name} is called without arguments but needs {', '.join(needed)}; give functools.partial({name}, ...) or "
            "a lambda"
        )


def _check_names(given: Any) -> None:
    try:
        names = None if isinstance(given, str | bytes | dict) or is_sparse(given) else [str(name) for name in given]
    except TypeError:  # nothing to walk through, such as an array of a single number
        names = None
    if names is None:
        raise TypeError(f"class_names is {spoken(given)}; it must be a tuple of names, one per class")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"class_names hold {twice} twice; every class needs a name of its own")


def _check_validation(share: Any) -> None:
    works = "give a share of the labelled data between 0 and 1, or data of its own"
    if share is None or isinstance(share, bool | str):
        raise TypeError(f"validation = {share!r}; {works}")
    if isinstance(share, Real) and not 0 < share < 1:
        raise ValueError(f"validation = {share} must lie between 0 and 1, or be data of its own")


def _check_student(student: Any) -> None:
    if is_model(student):
        if isinstance(student, nn.Module):
            check_trainable(student)
        return
    if not callable(student) or isinstance(student, TransferSet):
        raise TypeError(f"the student is a {type(student).__name__}; a model or a factory of one is needed")
    check_factory("the student's factory", student)


def check_trainable(student: nn.Module) -> None:
    """Refuse a net that cannot learn.

    Raises:
        ValueError: it has no weights, none that may change, or none that hold numbers.
    """
    weights = list(student.parameters())
    if any(weight.is_meta for weight in weights):
        raise ValueError("the student is on the meta device, so its weights hold no numbers")
    if not any(weight.requires_grad for weight in weights):
        quantised = any(".quantized" in type(part).__module__ for part in student.modules())
        why = "it is quantised, so it can only teach" if quantised else "set requires_grad of those that shall learn"
        raise ValueError(
            f"there is nothing to train in the student {type(student).__name__}: no weight can move; {why}"
        )


def _check_teacher(teacher: Any) -> None:
    if isinstance(teacher, partial) and isinstance(teacher.func, type) and issubclass(teacher.func, nn.Module):
        raise TypeError(
            f"the teacher is a factory of {teacher.func.__name__}; give Recipe(factory) to have it trained, or a trained net"
        )
    if isinstance(teacher, nn.Module) and any(part.is_meta for part in teacher.parameters()):
        raise ValueError("the teacher is on the meta device, so its weights hold no numbers")
