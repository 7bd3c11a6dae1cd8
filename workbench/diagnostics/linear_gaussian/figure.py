"""The four costs of a linear student along a slider, and what the bounds make of their sum."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.divergence.figure_note import ROOM, note
from workbench.diagnostics.linear_gaussian.measure import PROBES, LinearGaussian
from workbench.diagnostics.linear_gaussian.measure_costs import PARTS
from workbench.drawing import theme
from workbench.drawing.dots import interval_bars
from workbench.drawing.text import sentence

MEANING = {"bottleneck": "rank bottleneck"}
TICKS = {"rank": None, "samples": (10, 20, 50, 100, 200, 400), "ridge": (0.01, 0.1, 1, 10, 100)}


def figure(result: LinearGaussian) -> go.Figure:
    """Above, the costs stacked along the slider; below, the square root and the straight line that bound the gaps."""
    kind = {"type": "log"} if result.along in ("samples", "ridge") else {}
    ticks = {"tickvals": TICKS[result.along] or result.grid} if result.along in TICKS else {}
    decades = {"type": "log", "dtick": 1, "exponentformat": "power"}
    place = result.laboratory[result.along]
    here = {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "y domain", "layer": "above"}
    axes = {  # laid out by hand and at once: a slider waits for this figure
        "xaxis": {
            "anchor": "y",
            "title": {"text": _slider(result)},
            "showgrid": False,
            "zeroline": False,
            **kind,
            **ticks,
        },
        "yaxis": {"domain": [0.5, 1], "title": {"text": f"nats on {PROBES} probes"}, "rangemode": "tozero"},
        "xaxis2": {"anchor": "y2", "title": {"text": "divergence K in nats"}, **decades},
        "yaxis2": {"anchor": "x2", "domain": [0, 0.32], "title": {"text": "gap allowed"}, **decades},
        "shapes": [{**here, "line": {"color": theme.LINE, "dash": "dot"}}],
    }
    made = theme.canvas(height=560, barmode="stack", legend_traceorder="normal", margin_t=ROOM, **axes)
    made.add_traces([*_costs(result), *_curves(result), _places(result)])
    return note(made, result.provenance)


def _slider(result: LinearGaussian) -> str:
    rest = {name: value for name, value in result.laboratory.items() if name != result.along}
    shown = ", ".join(f"{sentence(name)} {value:g}" for name, value in rest.items() if not isinstance(value, str))
    return f"{sentence(result.along)} ({shown})"


def _costs(result: LinearGaussian) -> list[go.Bar | go.Scatter]:
    """Bars where the slider moves in steps of one, areas elsewhere, and the sum with its interval at the place."""
    return [_cost(result, name, position) for position, name in enumerate(PARTS)] + [_sum(result)]


def _cost(result: LinearGaussian, name: str, position: int) -> go.Bar | go.Scatter:
    color, means = theme.term_color(position), getattr(result, name).mean(1)
    words = MEANING.get(name, name)
    shared = {"x": result.grid, "y": means, "name": words}
    shared["hovertemplate"] = f"{sentence(result.along)} %{{x}}: %{{y:.3g}} nats<extra>{words}</extra>"
    if result.along == "rank":
        return go.Bar(**shared, marker_color=color, width=0.7)
    return go.Scatter(**shared, mode="lines", stackgroup="costs", fillcolor=color, line={"width": 0.5, "color": color})


def _sum(result: LinearGaussian) -> go.Scatter:
    total = result.total
    return go.Scatter(
        x=[result.laboratory[result.along]],
        y=[total.mean],
        mode="markers",
        name="sum here, 95 % interval over draws",
        marker={"color": theme.TEXT, "size": theme.MARKER, "symbol": "circle"},
        error_y=interval_bars([total]) | {"color": theme.TEXT},
        hovertemplate=f"{total}<extra>sum</extra>",
    )


def _curves(result: LinearGaussian) -> list[go.Scatter]:
    """A loss in [0, 1]: from 1 upwards an allowance says nothing."""
    sums = sum(getattr(result, name).mean(1) for name in PARTS)
    divergence = np.geomspace(min(0.01, sums.min() / 3), max(10.0, sums.max() * 3), 60)
    hover = "K %{x:.3g}: %{y:.3g}<extra>%{fullData.name}</extra>"
    below = {"xaxis": "x2", "yaxis": "y2", "hovertemplate": hover}
    return [
        go.Scatter(
            x=divergence,
            y=np.sqrt(2 * divergence),
            name="above the teacher's: \u221a(2\u03c3\u00b2K), \u03c3 = 1",
            mode="lines",
            line=theme.line("student"),
            **below,
        ),
        go.Scatter(
            x=divergence,
            y=divergence,
            name="below it, central condition: K/\u03b7, \u03b7 = 1",
            mode="lines",
            line=theme.line("control"),
            **below,
        ),
        go.Scatter(
            x=divergence[[0, -1]],
            y=[1, 1],
            name="vacuous from here on (loss in [0, 1])",
            mode="lines",
            line={"color": theme.LINE, "width": 1},
            **below | {"hovertemplate": "no loss in [0, 1] has a larger gap<extra></extra>"},
        ),
    ]


def _places(result: LinearGaussian) -> go.Scatter:
    """Every place of the slider on the upper curve; the one it stands at is filled."""
    sums = sum(getattr(result, name).mean(1) for name in PARTS)
    here = result.grid == result.laboratory[result.along]
    return go.Scatter(
        x=sums,
        y=np.sqrt(2 * sums),
        xaxis="x2",
        yaxis="y2",
        mode="markers",
        showlegend=False,
        marker={
            "color": [theme.STUDENT.color if place else theme.CLEAR for place in here],
            "size": theme.MARKER,
            "line": {"color": theme.STUDENT.color, "width": 1.5},
        },
        customdata=result.grid,
        hovertemplate=f"{sentence(result.along)} %{{customdata:g}}: K %{{x:.3g}}, allowed %{{y:.3g}}<extra></extra>",
    )
