"""Loss surfaces side by side, and the line between two nets."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.landscape.measure import Landscape
from workbench.drawing import theme
from workbench.drawing.text import label

WARNING = "Axes are shares of each filter's norm:<br>they compare across architectures in this unit only."
GAP, LEVELS = 0.05, 14
TOP = 74


def figure(result: Landscape, reach: float = 1.0) -> go.Figure:
    """A contour plot for each net on one scale of colours, and below them the line if there is one.

    Args:
        result: of one net or several.
        reach: how far from the weights is shown, in filter norms; the colours are those of what is shown.
    """
    lined = bool(result.ends)
    low = 0.42 if lined else 0.0
    width = (1 - GAP * (len(result.models) - 1)) / len(result.models)
    axes, notes = {}, [_note(0, 1, WARNING, yshift=TOP - 8)]
    for position, model in enumerate(result.models):
        number, start = position + 1, position * (width + GAP)
        axes[f"xaxis{number}"] = {
            "anchor": f"y{number}",
            "domain": [start, start + width],
            **_axis("along direction 1"),
        }
        side = _axis("along direction 2" if position == 0 else "")
        axes[f"yaxis{number}"] = {"anchor": f"x{number}", "domain": [low, 1], "showticklabels": position == 0, **side}
        notes.append(_note(start, 1, label(model), yshift=18))
    if lined:
        last = len(result.models) + 1
        words = f"share of the way from {label(result.ends[0])} to {label(result.ends[1])}"
        axes[f"xaxis{last}"] = {"anchor": f"y{last}", "title": {"text": words}}
        axes[f"yaxis{last}"] = {"anchor": f"x{last}", "domain": [0, 0.24], "title": {"text": "loss"}}
    made = theme.canvas(height=640 if lined else 420, margin_t=TOP, annotations=notes, **axes)
    made.add_traces(_surfaces(result, reach))
    if lined:
        made.add_trace(_line(result))
    return made


def _axis(title: str) -> dict[str, object]:
    return {"title": {"text": title}, "zeroline": False, "showgrid": False, "nticks": 3, "tickangle": 0}


def _note(x: float, y: float, text: str, yshift: float) -> dict[str, object]:
    place = {"xref": "paper", "yref": "paper", "x": x, "y": y, "xanchor": "left", "yanchor": "top", "yshift": yshift}
    return {
        **place,
        "align": "left",
        "text": text,
        "showarrow": False,
        "font": {"size": theme.SMALL + 1, "color": theme.TEXT},
    }


def _surfaces(result: Landscape, reach: float) -> list[go.Contour]:
    """On a logarithmic scale of the loss, the same for all, so that the colours compare."""
    near = np.abs(result.steps) <= reach + 1e-9
    losses = result.surfaces[:, near][:, :, near]
    shown = np.log10(np.where(losses > 0, losses, np.nan))
    ends = (float(np.nanmin(shown)), float(np.nanmax(shown))) if np.isfinite(shown).any() else (0.0, 1.0)
    return [_surface(result, (result.steps[near], losses[k], shown[k]), k, ends) for k in range(len(result.models))]


def _surface(result: Landscape, part: tuple[np.ndarray, ...], position: int, ends: tuple[float, float]) -> go.Contour:
    steps, losses, shown = part
    bar = {
        "title": {"text": "log\u2081\u2080<br>loss", "side": "top"},
        "thickness": 12,
        "outlinewidth": 0,
        "nticks": 5,
        "tickformat": ".2f",
    }
    size = (ends[1] - ends[0]) / LEVELS or 1.0
    name = label(result.models[position])
    return go.Contour(
        x=steps,
        y=steps,
        z=shown,
        customdata=losses,
        xaxis=f"x{position + 1}",
        yaxis=f"y{position + 1}",
        colorscale=theme.SEQUENTIAL,
        zmin=ends[0],
        zmax=ends[1],
        autocontour=False,
        contours={"start": ends[0], "end": ends[1], "size": size},
        line={"width": 0.6, "color": theme.LINE},
        showscale=position == len(result.models) - 1,
        colorbar=bar | {"len": 0.55 if result.ends else 1, "y": 1, "yanchor": "top"},
        name=name,
        showlegend=False,
        hovertemplate=f"(%{{x:.2f}}, %{{y:.2f}}): loss %{{customdata:.3g}}<extra>{name}</extra>",
    )


def _line(result: Landscape) -> go.Scatter:
    number = len(result.models) + 1
    return go.Scatter(
        x=result.places,
        y=result.line,
        xaxis=f"x{number}",
        yaxis=f"y{number}",
        mode="lines+markers",
        line=theme.line("student"),
        marker=theme.marker("student", 4),
        showlegend=False,
        hovertemplate="%{x:.0%} of the way: %{y:.3g}<extra>loss</extra>",
    )
