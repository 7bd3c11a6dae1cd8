"""Measures of one's own, taken at the end of a run; one that fails costs the run nothing but itself."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from workbench.engine.streams import repeatable
from workbench.models.copies import copied
from workbench.records import events
from workbench.records.measure import Measure
from workbench.settings.setting import Setting


def measured(
    setting: Setting, models: Mapping[str, nn.Module], seed: int
) -> Generator[events.Event, None, dict[str, dict[str, Any]]]:
    """The value of each measure with its unit and direction; yields a warning for each that has none.

    Args:
        setting: whose measures are taken.
        models: deployed, by party; the measures are given copies.
        seed: of the student.
    """
    found = {}
    for name, measure in setting.measures.items():
        value = _value(measure, setting, models, seed)
        if isinstance(value, str):
            yield events.Warning(message=f"measure {name!r} has no value: {value}")
        else:
            found[name] = {"value": value, **measure.about()}
    return found


def _value(measure: Measure, setting: Setting, models: Mapping[str, nn.Module], seed: int) -> float | str:
    """The value, or why there is none."""
    copies = {party: copied(model).cpu().eval() for party, model in models.items()}
    try:
        with torch.no_grad(), repeatable(torch.device("cpu")):
            given = measure.function(copies, setting, seed)
            value = (
                None
                if isinstance(given, str | bytes)
                else float(given.detach() if isinstance(given, Tensor) else given)
            )
    except Exception as error:  # whatever somebody's own function raises, the run is kept
        return f"{type(error).__name__}: {error}"
    if value is None:
        return f"it returned a {type(given).__name__}, {given!r}; a number is needed"
    if not math.isfinite(value):
        return f"it returned {value}"
    low, high = measure.bounds
    return value if low <= value <= high else f"it returned {value:g}, outside its bounds of {low:g} to {high:g}"
