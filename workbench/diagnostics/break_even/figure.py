"""When distilling pays: joules per student against how many share the teacher's work, and against how often each is asked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.break_even.measure import BreakEven
from workbench.diagnostics.break_even.measure_balance import SHOWN
from workbench.diagnostics.energy.figure_units import Unit, unit_for
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.interval import Interval, bounds
from workbench.records.wording import number

PARTIES = ("control", "student", "teacher")
BAND, MAP, MANY = 0.3, 0.6, 1000


def figure(result: BreakEven) -> go.Figure:
    """Curves with their bands; the shaded stripe is where the break-even lies, if one is demonstrated."""
    top, low = unit_for(_typical(result.reuse_j)), unit_for(_typical(result.served_j))
    sharing = _title("N*", "students", result.students, result.students_verdict)
    serving = _title("T*", "samples", result.samples, result.samples_verdict)
    decades = {"type": "log", "dtick": 1, "tickformat": "~s"}
    guess = ", estimated" if any(each.startswith("everything is estimated") for each in result.warnings) else ""
    first = {"text": f"students that share the teacher's work<br><b>{sharing}</b>"}
    second = {"text": f"samples that one student serves<br><b>{serving}</b>"}
    third = (
        "students that share the teacher's work<br>(in the colour of the way that takes least by the central values)"
    )
    axes = {  # laid out by hand and at once: a slider waits for this figure
        "xaxis": {"anchor": "y", "title": first, "type": "log", **_ticks(result.reuse[-1])},
        "yaxis": {"domain": [0.745, 1], "title": {"text": f"{top.name} per student{guess}"}, "rangemode": "tozero"},
        "xaxis2": {"anchor": "y2", "title": second, **decades},
        "yaxis2": {"anchor": "x2", "domain": [0.36, 0.6], "title": {"text": f"{low.name} in all{guess}"}, **decades},
        "xaxis3": {"anchor": "y3", "title": {"text": third}, "type": "log", **_ticks(result.reuse[-1])},
        "yaxis3": {"anchor": "x3", "domain": [0, 0.215], "title": {"text": "samples each serves"}, **decades},
        "shapes": [
            *_stripe(result.students, result.students_verdict, ""),
            *_stripe(result.samples, result.samples_verdict, "2"),
        ],
    }
    made = theme.canvas(height=900, margin_t=16, margin_b=96, legend_traceorder="normal", **axes)
    names = [label(name) for name in (result.plain, result.distilled, "teacher, asked itself")]
    for k, name in enumerate(names):
        if k < len(result.reuse_j):
            made.add_traces(_curve(result.reuse, result.reuse_j[k], (name, PARTIES[k]), top, {}))
        lower = {"xaxis": "x2", "yaxis": "y2"}
        made.add_traces(
            _curve(result.served[1:], result.served_j[k][:, 1:], (name, PARTIES[k]), low, lower, again=k < 2)
        )
    made.add_traces([_map(result, names), *_points(result, names, top, low)])
    return made


def _typical(curves: np.ndarray) -> float:
    """The lowest curve where it is highest: the unit in which the differences can be read."""
    central = curves[:, 1]
    return float(np.nanmin(np.nanmax(central, axis=1))) if np.isfinite(central).any() else math.nan


def _curve(
    x: np.ndarray, band: np.ndarray, who: tuple[str, str], unit: Unit, axes: dict[str, str], *, again: bool = False
) -> list[go.Scatter]:
    name, party = who
    color = theme.style(party).color
    low, central, high = band / unit.joules
    hover = f"%{{x:.3g}}: %{{y:.3g}} {unit.name}<extra>{name}</extra>"
    around = {"mode": "lines", "line": {"width": 0, "color": color}, "hoverinfo": "skip", "showlegend": False, **axes}
    return [
        go.Scatter(x=x, y=high, **around),
        go.Scatter(x=x, y=low, fill="tonexty", opacity=BAND, **around),
        go.Scatter(
            x=x,
            y=central,
            mode="lines",
            name=name,
            line=theme.line(party),
            hovertemplate=hover,
            showlegend=not again,
            **axes,
        ),
    ]


def _map(result: BreakEven, names: list[str]) -> go.Heatmap:
    """Which way takes least at each reuse and volume: the lines between the colours are the break-evens."""
    cheapest = result.cheapest[1:]
    told = [["" if np.isnan(place) else names[int(place)] for place in row] for row in cheapest]
    return go.Heatmap(
        x=result.reuse,
        y=result.served[1:],
        z=cheapest,
        zmin=-0.5,
        zmax=2.5,
        colorscale=[
            [at, theme.style(PARTIES[place]).color] for place in range(3) for at in (place / 3, (place + 1) / 3)
        ],
        opacity=MAP,
        showscale=False,
        customdata=told,
        hovertemplate="%{customdata} takes least at %{x:.3g} students and %{y:.3g} samples<extra></extra>",
        xaxis="x3",
        yaxis="y3",
    )


def _points(result: BreakEven, names: list[str], top: Unit, low: Unit) -> list[go.Scatter]:
    """Where N and V stand now."""
    found = []
    for (party, name), joules in zip(zip(PARTIES, names, strict=True), result.at["energy_j"].values(), strict=True):
        look = {"mode": "markers", "marker": theme.marker(party, 11), "showlegend": False, "name": name}
        hover = f"{number(joules)} J at {result.at['reuse']:g} students and {result.at['served']:g} samples<extra>{name}</extra>"
        if party != "teacher":
            found.append(go.Scatter(x=[result.at["reuse"]], y=[joules / top.joules], hovertemplate=hover, **look))
        if result.at["served"] > 0:
            there = {"x": [result.at["served"]], "y": [joules / low.joules], "xaxis": "x2", "yaxis": "y2"}
            found.append(go.Scatter(**there, hovertemplate=hover, **look))
    if result.at["served"] > 0:
        here = {"x": [result.at["reuse"]], "y": [result.at["served"]], "xaxis": "x3", "yaxis": "y3"}
        mark = {"color": theme.TEXT, "size": 9, "symbol": "cross"}
        found.append(go.Scatter(**here, mode="markers", marker=mark, showlegend=False, name="here", hoverinfo="skip"))
    return found


def _stripe(times: Interval, verdict: str, axis: str) -> list[dict[str, Any]]:
    if verdict != SHOWN:
        return []
    place = {"xref": f"x{axis}", "yref": f"y{axis} domain", "y0": 0, "y1": 1, "layer": "below"}
    line = {"color": theme.LINE, "dash": "dot", "width": 1.5}
    middle = {"type": "line", "x0": times.mean, "x1": times.mean, "line": line, **place}
    if math.isnan(times.low):
        return [middle]
    span = {"x0": max(times.low, 0.1), "x1": times.high, "fillcolor": theme.GRID, "line": {"width": 0}}
    return [{"type": "rect", **span, **place}, middle]


def _title(symbol: str, what: str, times: Interval, verdict: str) -> str:
    if verdict == SHOWN:
        return f"{symbol} = {number(times.mean)} {what} ({bounds(times)})"
    return f"{symbol}: {verdict}"


def _ticks(end: float) -> dict[str, Any]:
    """1, 2, 5, 10 ... while they are few enough to be read, then powers of ten."""
    if end > MANY:
        return {"dtick": 1, "tickformat": "~s"}
    values = [digit * 10**power for power in range(4) for digit in (1, 2, 5)]
    return {"tickvals": [value for value in values if value <= end]}
