"""The one verb for pictures: any record or result that has a figure."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from workbench.records.arguments import bound
from workbench.records.rooms import beside, shown


def draw(thing: Any, **options: Any) -> go.Figure:
    """The figure of a result, a run or a study.

    An ``Agreement`` is drawn by ``figure.py`` in the folder of its question, ``diagnostics/agreement/``; a ``Run``, which
    belongs to no question, by ``drawing/run.py``.

    Args:
        thing: what to draw.
        options: of that figure.

    Raises:
        TypeError: nothing draws it; the message lists what can be drawn. Or the figure has no such option.
    """
    if home := beside(thing, "figure", "drawing"):
        arguments = bound(home.figure, (thing,), options, "draw")
        return home.figure(*arguments.args, **arguments.kwargs)
    raise TypeError(f"cannot draw a {type(thing).__name__}; what can be drawn: {', '.join(drawable())}")


def drawable() -> list[str]:
    """What has a figure."""
    return shown("figure", "drawing")
