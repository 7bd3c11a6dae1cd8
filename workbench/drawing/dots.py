"""Estimates as dots with their intervals: one trace of any length, lying or standing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.drawing import theme
from workbench.records.interval import Interval, estimate
from workbench.records.wording import between, number, plural
from workbench.records.wording import percent as as_percent


def error_bars(mean: Sequence[float], low: Sequence[float], high: Sequence[float]) -> dict[str, Any]:
    """The bars of estimates with bounds; none where a bound is missing."""
    centre, bounds = np.asarray(mean, float), [np.asarray(each, float) for each in (low, high)]
    up, down = (np.nan_to_num(np.maximum(each, 0)) for each in (bounds[1] - centre, centre - bounds[0]))
    look = {"color": theme.LINE, "thickness": 2, "width": 5}
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, **look}


def interval_bars(intervals: Sequence[Interval]) -> dict[str, Any]:
    """The bars of intervals around their means; none where an interval has no bounds."""
    return error_bars(*([getattr(i, part) for i in intervals] for part in ("mean", "low", "high")))


def named(texts: Sequence[str], names: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """``customdata`` of points: the hover text, and what each stands for where a panel follows clicks."""
    return [{"text": text, **name} for text, name in zip(texts, names or [{}] * len(texts), strict=True)]


def lying(
    intervals: Sequence[Interval],
    rows: Sequence[float],
    name: str,
    party: str,
    *,
    percent: bool = False,
    names: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> go.Scatter:
    """A dot per row on a horizontal scale.

    Args:
        intervals: one per row.
        rows: their heights.
        name: in the legend.
        party: whose colour and symbol they have.
        percent: whether the numbers are shares.
        names: what each dot stands for, such as ``{"arm": 0}``, where a panel follows clicks.
        more: of the trace.
    """
    texts = [f"{estimate(i, as_percent if percent else number)}, {plural(i.n, 'sample')}" for i in intervals]
    return go.Scatter(
        x=[i.mean for i in intervals],
        y=list(rows),
        mode="markers",
        name=name,
        marker=theme.marker(party, 9),
        error_x=interval_bars(intervals),
        customdata=named(texts, names),
        hovertemplate=f"%{{customdata.text}}<extra>{name}</extra>",
        **more,
    )


def standing(
    x: Sequence[float],
    table: Sequence[Sequence[float]],
    name: str,
    marker: dict[str, Any],
    *,
    lines: bool,
    names: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> go.Scatter:
    """Dots on a vertical scale at places x, from a table of means, lower and upper bounds; ``names`` as in ``lying``."""
    mean, low, high = table
    texts = ["" if np.isnan(a + b) else f" ({between(a, b)})" for a, b in zip(low, high, strict=True)]
    return go.Scatter(
        x=list(x),
        y=list(mean),
        mode="lines+markers" if lines else "markers",
        name=name,
        marker=marker,
        error_y=error_bars(mean, low, high) | {"thickness": 1.2, "width": 3},
        customdata=named(texts, names),
        hovertemplate=f"%{{y:.3g}}%{{customdata.text}}<extra>{name}</extra>",
        **more,
    )
