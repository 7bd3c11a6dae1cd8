"""Power over the seconds of a run, in the colours of its stages: what sensors saw, or else what processor seconds tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.energy.measure import Energy
from workbench.drawing import theme
from workbench.drawing.text import label, sentence

SHADE = 0.3
Axes = tuple[dict[str, Any], dict[str, Any]]


def trace(result: Energy) -> list[Any]:
    """Watts and the joules so far; stages are bars of the watts themselves, or shades behind those of the sensors."""
    return _sensed(result) if result.sensed else _estimated(result)


def axes(result: Energy) -> Axes:
    """Of that picture."""
    ends = [result.trace_s[-1]] if len(result.trace_s) else [1.0]
    ends += [each["seconds"][-1] for each in result.sensed]
    title = {"text": f"seconds of work: {label(result.arms[0], 18)}, first run"}
    power = "W, measured" if result.sensed else "W, estimated"
    return {"title": title, "range": [0, float(max(ends))]}, {"title": {"text": power}, "rangemode": "tozero"}


def _estimated(result: Energy) -> list[Any]:
    watts = _watts(result.trace_s, result.trace_j)
    told = [[sentence(stage), total] for stage, total in zip(result.trace_stage, result.trace_j, strict=True)]
    hover = "%{customdata[0]}: %{y:.3g} W, %{customdata[1]:.3g} J so far<extra></extra>"
    bars = _stages(result, watts).update(customdata=told, hovertemplate=hover)
    return [bars, _so_far(result.trace_s, result.trace_j, watts.max(initial=0.0), ("", theme.term_color(2)))]


def _sensed(result: Energy) -> list[Any]:
    curves = [
        (
            f"{label(each['part'], 20)} ({label(each['method'], 20)})",
            np.array(each["seconds"]),
            np.array(each["joules"]),
        )
        for each in result.sensed
    ]
    watts = [_watts(seconds, joules) for _, seconds, joules in curves]
    for each in watts:
        each[:1] = each[1:2]  # the first moment is where it begins
    top = max(float(each.max(initial=0.0)) for each in watts)
    shades = _stages(result, np.full(len(result.trace_s), top)).update(
        opacity=SHADE,
        customdata=[sentence(stage) for stage in result.trace_stage],
        hovertemplate="%{customdata}<extra></extra>",
    )
    found: list[Any] = [shades]
    for place, ((name, seconds, joules), power) in enumerate(zip(curves, watts, strict=True)):
        color = theme.term_color(place)
        look = {"mode": "lines", "line": {"color": color, "width": theme.WIDTH, "shape": "vh"}}
        hover = f"{name}: %{{y:.3g}} W<extra></extra>"
        found.append(go.Scatter(x=seconds, y=power, name=f"{name}, W", hovertemplate=hover, **look))
        found.append(_so_far(seconds, joules, top, (name, color)))
    return found


def _stages(result: Energy, heights: np.ndarray) -> go.Bar:
    """Bars as wide as their time, in the colour of what was worked on."""
    widths = np.nan_to_num(np.diff(result.trace_s, prepend=0.0))
    colors = [theme.STAGES.get(stage, theme.OTHER.color) for stage in result.trace_stage]
    marker = {"color": colors, "line": {"width": 0}}
    return go.Bar(x=result.trace_s - widths / 2, y=heights, width=widths, marker=marker, showlegend=False)


def _so_far(seconds: np.ndarray, joules: np.ndarray, top: float, who: tuple[str, str]) -> go.Scatter:
    name, color = who
    return go.Scatter(
        x=seconds,
        y=joules * (top / max(joules.max(initial=0.0), 1e-12)),
        mode="lines",
        name=f"{name}{', ' if name else ''}joules so far (to the scale of the watts)",
        line={"color": color, "width": 2.5, "dash": "dot"},
        customdata=joules,
        hovertemplate="%{customdata:.3g} J so far<extra></extra>",
    )


def _watts(seconds: np.ndarray, joules: np.ndarray) -> np.ndarray:
    """Between each moment and the one before."""
    return np.diff(joules, prepend=0.0) / np.maximum(np.diff(seconds, prepend=0.0), 1e-9)
