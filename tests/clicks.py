"""Clicks on a figure, as the page reports them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from workbench.widgets.plot_view import PlotView


def customdata(view: PlotView, trace: int, **place: Any) -> Any:
    """The ``customdata`` of the point of a trace that is nearest to a place, None where the trace has none.

    Args:
        view: shows the figure.
        trace: its number.
        place: coordinates by axis, such as ``x=1``; those of a heatmap are numbers or names of its columns and rows.
    """
    drawn = view.figure.data[trace]
    if drawn.customdata is None:
        return None
    if drawn.type == "heatmap":
        column, row = (_position(getattr(drawn, axis), place[axis]) for axis in "xy")
        return _plain(drawn.customdata[row][column])
    apart = sum(abs(np.asarray(getattr(drawn, axis), float) - value) for axis, value in place.items())
    return _plain(drawn.customdata[int(np.nanargmin(apart)) if place else 0])


def click(view: PlotView, trace: int, **place: Any) -> None:
    """What the page sends when the user clicks there."""
    view._answer(view, {"clicked": customdata(view, trace, **place)}, [])


def _position(names: Any, at: Any) -> int:
    return list(names).index(at) if names is not None and at in list(names) else int(at)


def _plain(found: Any) -> Any:
    return json.loads(json.dumps(found, default=lambda each: np.asarray(each).tolist()))
