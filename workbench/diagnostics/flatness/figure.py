"""How the loss rises around each net, and how its Hessian's eigenvalues are spread."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.divergence.figure_note import ROOM, note
from workbench.diagnostics.flatness.measure import Flatness
from workbench.drawing import theme
from workbench.drawing.text import label

By = Literal["share", "radius"]
WARNING = "<br>(compare architectures only by filter norm)"
FAINTEST, BADGE = 1e-5, 22
DECADES = {"type": "log", "dtick": 1, "exponentformat": "power"}


def figure(result: Flatness, by: By = "share") -> go.Figure:
    """Above, the mean rise of the loss under noise; below, the spectral densities.

    Args:
        result: of one net or several.
        by: noise in shares of each filter's norm, or of one size for all weights, with the smoothed bound if there is
            one.
    """
    bounded = by == "radius" and not np.isnan(result.distance)
    size = "noise, share of each filter's norm" if by == "share" else f"noise \u03c1 of every weight{WARNING}"
    axes = {
        "xaxis": {"anchor": "y", "title": {"text": size}, "type": "log", "tickvals": _ticks(result, by)},
        "yaxis": {"domain": [0.56, 1], "title": {"text": "rise of the loss"}, **DECADES},
        "xaxis2": {"anchor": "y2", "title": {"text": f"eigenvalue of the Hessian{WARNING}"}},
        "yaxis2": {"anchor": "x2", "domain": [0, 0.34], "title": {"text": "density"}, **DECADES},
    }
    marks = _marks(result) if bounded else {}
    badge = BADGE if bounded and np.isnan(result.rho_zero) else 0
    made = theme.canvas(height=620, margin_t=ROOM + badge, **axes, **marks)
    for position, model in enumerate(result.models):
        made.add_traces([_rise(result, by, position), _spectrum(result, position)])
        if model == "student" and bounded:
            made.add_trace(_bound(result))
    return note(made, result.provenance) if bounded else made


def _ticks(result: Flatness, by: By) -> list[float]:
    places = result.shares if by == "share" else result.radii
    low, high = math.floor(math.log10(places[0])), math.ceil(math.log10(places[-1]))
    ticks = [digit * 10.0**power for power in range(low, high + 1) for digit in (1, 2, 5)]
    return [tick for tick in ticks if places[0] <= tick <= places[-1]]


def _rise(result: Flatness, by: By, position: int) -> go.Scatter:
    """Falls below zero are gaps: noise that lowers the loss has no place on a logarithmic axis."""
    places, found, errors = (
        (result.shares, result.share_rises, result.share_errors)
        if by == "share"
        else (result.radii, result.rises, result.errors)
    )
    model, means = result.models[position], found[position]
    above = np.where(means > 0, means, np.nan)
    ends = {"array": errors[position], "arrayminus": np.minimum(errors[position], 0.99 * np.nan_to_num(above))}
    return go.Scatter(
        x=places,
        y=above,
        mode="lines+markers",
        name=label(model),
        line=theme.line(model),
        marker=theme.marker(model, 5),
        error_y={"type": "data", "symmetric": False, **ends, "color": theme.LINE, "thickness": 1, "width": 3},
        hovertemplate=f"noise %{{x:.3g}}: %{{y:.3g}}<extra>{label(model)}</extra>",
    )


def _spectrum(result: Flatness, position: int) -> go.Scatter:
    model, shown = result.models[position], result.density[position]
    return go.Scatter(
        x=result.grid[position],
        y=np.where(shown > FAINTEST * shown.max(initial=FAINTEST), shown, np.nan),
        xaxis="x2",
        yaxis="y2",
        mode="lines",
        name=label(model),
        showlegend=False,
        line=theme.line(model),
        hovertemplate=f"eigenvalue %{{x:.3g}}: %{{y:.3g}}<extra>{label(model)}</extra>",
    )


def _bound(result: Flatness) -> go.Scatter:
    return go.Scatter(
        x=result.radii,
        y=result.smoothed,
        mode="lines",
        name="smoothed bound, Brier score (vacuous above 1)",
        line=theme.line("agreement"),
        hovertemplate="\u03c1 %{x:.3g}: %{y:.3g}<extra>smoothed bound</extra>",
    )


def _marks(result: Flatness) -> dict[str, Any]:
    """Upright lines at rho* and rho0, as far as they are within the picture."""
    places = {"\u03c1*": result.rho_star, "\u03c10 (operational)": result.rho_zero}
    shown = {name: place for name, place in places.items() if result.radii[0] <= place <= result.radii[-1]}
    line = {"type": "line", "yref": "y domain", "y0": 0, "y1": 1, "line": {"color": theme.LINE, "dash": "dot"}}
    font = {"size": theme.SMALL, "color": theme.TEXT}
    text = {"yref": "y domain", "y": 1, "xanchor": "left", "yanchor": "top", "showarrow": False, "font": font}
    names = [{**text, "x": math.log10(place), "text": name} for name, place in shown.items()]
    return {
        "shapes": [{**line, "x0": place, "x1": place} for place in shown.values()],
        "annotations": [*names, *_badge(result)],
    }


def _badge(result: Flatness) -> list[dict[str, Any]]:
    """Says in words that the bound says nothing, where it does so at every radius."""
    if not np.isnan(result.rho_zero):
        return []
    place = {"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "bottom", "yshift": 2}
    text = "<b>VACUOUS</b>: the smoothed bound is above 1 at every radius"
    return [{**place, "text": text, "showarrow": False, "font": {"color": theme.STUDENT.color, "size": theme.SIZE}}]
