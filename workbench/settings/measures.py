"""Checks the measures of a setting when it is made."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from workbench.records.measure import Measure

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
