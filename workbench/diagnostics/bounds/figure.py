"""The gaps of students and teachers against the divergence, with what it allows; a badge where it says nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.bounds.measure import LARGEST, Bounds, allowance, lower_bound
from workbench.diagnostics.divergence.figure_note import ROOM, note
from workbench.drawing import theme
from workbench.drawing.dots import error_bars, interval_bars
from workbench.drawing.text import escaped
from workbench.records.wording import number

CURVE, BADGE, SPAN = 120, 22, 30
LEAST = 1e-4


def figure(result: Bounds) -> go.Figure:
    """Between the curves a student's gap is allowed; beyond the largest gap there is, a bound is vacuous."""
    here = max(result.divergence.mean, LEAST)
    ends = (here / SPAN, max(here * SPAN, 2.0 if result.vacuous else 0.0))
    straight = lower_bound(result.teacher_gap.mean, here, result.eta, result.sigma) if result.eta else 0.0
    seen = max(3 * max(abs(result.upper), abs(result.student_gap.mean), LEAST), 1.3 * abs(straight))
    reach = min(1.15 * LARGEST, seen)
    axes = {
        "xaxis": {"title": {"text": f"divergence K in nats, as {escaped(result.estimator)} estimates it"}},
        "yaxis": {"title": {"text": f"test minus training loss ({escaped(result.loss)})"}, "range": [-reach, reach]},
        "shapes": [_vacuous(sign, reach) for sign in (1, -1)],
        "annotations": [_badge(result), _region()],
    }
    axes["xaxis"] |= {"type": "log", "dtick": 1, "exponentformat": "power", "range": [math.log10(end) for end in ends]}
    made = theme.canvas(height=480, margin_t=ROOM + BADGE, **axes)
    made.add_traces([*_curves(result, ends), *_markers(result, here)])
    return note(made, result.provenance)


def _vacuous(sign: int, reach: float) -> dict[str, Any]:
    """Out of sight where the bound is far from it."""
    reach = max(reach, LARGEST)
    place = {"xref": "x domain", "x0": 0, "x1": 1, "y0": sign * LARGEST, "y1": sign * reach}
    return {"type": "rect", **place, "fillcolor": theme.GRID, "line": {"width": 0}, "layer": "below"}


def _region() -> dict[str, Any]:
    place = {"xref": "x domain", "x": 0.01, "y": LARGEST, "xanchor": "left", "yanchor": "bottom", "showarrow": False}
    return {**place, "text": "vacuous", "font": {"size": theme.SMALL, "color": theme.TEXT}}


def _badge(result: Bounds) -> dict[str, Any]:
    """Says in words whether the bound says anything."""
    text = f"allowance beyond the teacher's gap: {number(result.allowance)}"
    if result.vacuous:
        text = f"<b>VACUOUS</b>: {text}"
    color = theme.STUDENT.color if result.vacuous else theme.CONTROL.color
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 2}
    return {**place, "text": text, "showarrow": False, "font": {"color": color, "size": theme.SIZE}}


def _curves(result: Bounds, ends: tuple[float, float]) -> list[go.Scatter]:
    divergence = np.geomspace(*ends, CURVE)
    gap = result.teacher_gap.mean
    upper = [gap + allowance(k, result.sigma) for k in divergence]
    straight = [lower_bound(gap, k, result.eta, result.sigma) if result.eta else np.nan for k in divergence]
    return [
        _curve(divergence, upper, "at most: teacher's gap + \u221a(2\u03c3\u00b2K)", theme.line("student")),
        _curve(divergence, [2 * gap - high for high in upper], "at least, best \u03b7", theme.line("control")),
        _curve(divergence, straight, f"at least, \u03b7 = {number(result.eta)}: linear in K", theme.line("agreement")),
        _curve(divergence, np.full(CURVE, gap), "teacher's gap", theme.line("teacher")),
    ]


def _curve(x: np.ndarray, y: Any, name: str, line: dict[str, Any]) -> go.Scatter:
    hover = f"K %{{x:.3g}}: %{{y:.3g}}<extra>{name}</extra>"
    return go.Scatter(x=x, y=y, name=name, mode="lines", line=line, hovertemplate=hover)


def _markers(result: Bounds, here: float) -> list[go.Scatter]:
    value, student = result.divergence, result.student_gap
    look = {"color": theme.STUDENT.color, "thickness": 1.5, "width": 4}
    words = f"students' gap {escaped(student)}<br>K {escaped(value)}"
    return [
        go.Scatter(
            x=[here],
            y=[student.mean],
            mode="markers",
            name="students' gap",
            marker=theme.marker("student", 10),
            error_x=error_bars([value.mean], [max(value.low, 0.01 * value.mean)], [value.high]) | look,
            error_y=interval_bars([student]) | look,
            hovertemplate=f"{words}<extra></extra>",
        )
    ]
