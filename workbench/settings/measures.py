"""Checks the measures of a setting when it is made."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import torch

from workbench.records.measure import Measure
from workbench.settings.fields import Fields

COLUMNS = (
    "arm",
    "role",
    "seeds",
    "mean",
    "low",
    "high",
    "compared",
    "difference",
    "verdict",
    "sentence",
    "total_steps",
)
"""Other columns of a study's rows."""

TAKEN = ("score", "last", "selected", "agreement", "seconds", "steps", "seed", "run", "student", "teacher", *COLUMNS)

FORMS = "'balanced', one number per class, or a dict of numbers by class name"


def measures_of(given: Any, score: str) -> dict[str, Measure]:
    """The measures by name.

    Args:
        given: functions or ``Measure`` objects by name.
        score: name of the task's score, which no measure may have.

    Raises:
        TypeError: they do not come by name, one cannot be called, or not with (models, setting, seed).
        ValueError: a name is empty, not printable, or that of something else.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"measures are a {type(given).__name__}; give a dict such as {{'auc': function}}")
    return {_named(name, score): _measure(name, value) for name, value in given.items()}


def _named(name: Any, score: str) -> str:
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ValueError(f"{name!r} is no name of a measure; give a short text such as 'auc'")
    if name in (*TAKEN, score):
        raise ValueError(
            f"a measure cannot be called {name!r}, which names something else of a run; choose another name"
        )
    return name


def _measure(name: str, value: Any) -> Measure:
    try:
        found = value if isinstance(value, Measure) else Measure(value)
    except TypeError as error:
        raise TypeError(f"measure {name!r}: {error}") from None
    try:
        inspect.signature(found.function).bind({}, None, 0)
    except TypeError as error:
        raise TypeError(f"measure {name!r} must take (models, setting, seed): {error}") from None
    except ValueError:  # a built-in function does not tell its signature
        pass
    return found


def class_weights_of(setting: Fields) -> tuple[float, ...] | None:
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


def _balanced(setting: Fields, given: str) -> tuple[float, ...]:
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
