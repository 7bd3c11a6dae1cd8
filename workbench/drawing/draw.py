"""The one verb for pictures: any record or result that has a figure."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import plotly.graph_objects as go

from workbench.records.arguments import bound


def draw(thing: Any, **options: Any) -> go.Figure:
    """The figure of a result, a run or a study.

    The figure lives in the module of this floor that is named as the module of the thing's class: an ``Agreement`` of
    ``diagnostics/agreement/agreement.py`` is drawn by ``figures/agreement.py``.

    Args:
        thing: what to draw.
        options: of that figure.

    Raises:
        TypeError: nothing here draws it; the message lists what can be drawn. Or the figure has no such option.
    """
    for kind in type(thing).__mro__:
        if kind.__module__.startswith("workbench.") and (module := _module(kind.__module__.rpartition(".")[2])):
            arguments = bound(module.figure, (thing,), options, "draw")
            return module.figure(*arguments.args, **arguments.kwargs)
    raise TypeError(f"cannot draw a {type(thing).__name__}; what can be drawn: {', '.join(drawable())}")


def drawable() -> list[str]:
    """The subjects that have a figure."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    return [name for name in names if _module(name)]


def _module(name: str) -> ModuleType | None:
    if not (Path(__file__).parent / f"{name}.py").exists():
        return None
    module = import_module(f"workbench.figures.{name}")
    return module if hasattr(module, "figure") else None
