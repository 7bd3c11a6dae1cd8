"""What was distilled: how it resembles the teacher and bears on the labels, and where in some pictures it is."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.unicam.measure import UniCAM
from workbench.drawing import theme
from workbench.records.interval import Interval
from workbench.records.wording import plural

SCORES = {"similarity": ("like the teacher (FSS)", "teacher"), "relevance": ("about the labels (RS)", "agreement")}
ROWS = ("image", "distilled", "residual")
COLUMNS = 4
OURS = "Scores of our proposal: the paper's scaling was not seen"


def figure(result: UniCAM, *, first: int = 0) -> go.Figure:
    """Scores above; below some pictures with the maps of the distilled and the residual part.

    Args:
        result: scores and maps.
        first: row of the first picture that is shown.
    """
    shown = range(first, min(first + COLUMNS, len(result.distilled)))
    rows, heights = (4, [0.37, 0.21, 0.21, 0.21]) if len(shown) else (1, [1.0])
    specs = [[{"colspan": COLUMNS}, *[None] * (COLUMNS - 1)], *[[{}] * COLUMNS for _ in range(rows - 1)]]
    title = OURS if result.provenance["fidelity"] == "proposed" else ""
    made = theme.canvas(title, height=780 if len(shown) else 340, margin_t=44, barmode="group")
    gaps = {"horizontal_spacing": 0.04, "vertical_spacing": 0.08}
    make_subplots(rows, COLUMNS, specs=specs, row_heights=heights, **gaps, figure=made)
    for field, (name, party) in SCORES.items():
        made.add_trace(_bars(getattr(result, field), name, party), row=1, col=1)
    made.update_xaxes(title_text=f"part of what is known ({plural(result.n, 'sample')})", row=1, col=1)
    made.update_yaxes(title_text="distance correlation", row=1, col=1)
    for column, image in enumerate(shown, 1):
        for row, trace in enumerate(_pictures(result, image), 2):
            made.add_trace(trace, row=row, col=column)
            _bare(made, row, column, str(result.ids[image]) if row == 4 else "")
    for row, name in enumerate(ROWS[: rows - 1], 2):
        made.update_yaxes(title_text=name, row=row, col=1)
    return made


def _bars(scores: dict[str, Interval], name: str, party: str) -> go.Bar:
    mean, low, high = (np.array([getattr(each, part) for each in scores.values()]) for part in ("mean", "low", "high"))
    return go.Bar(
        x=[*scores],
        y=mean,
        name=name,
        marker={"color": theme.style(party).color},
        error_y={"type": "data", "array": high - mean, "arrayminus": mean - low, "color": theme.TEXT},
        hovertemplate=f"%{{x}}: %{{y:.2f}} {name}<extra></extra>",
    )


def _pictures(result: UniCAM, image: int) -> list[go.Heatmap]:
    look = {"showscale": False}
    shown = result.images[image] if image < len(result.images) else np.full((1, 2, 2), np.nan)
    made = [
        go.Heatmap(
            z=shown.mean(0), colorscale=theme.GREYS, name="image", hovertemplate="%{z:.2f}<extra></extra>", **look
        )
    ]
    for name, maps in (("distilled", result.distilled), ("residual", result.residual)):
        hover = f"{name}: %{{z:.2f}}<extra></extra>"
        scale = {"zmin": 0, "zmax": 1, "colorscale": theme.SEQUENTIAL}
        made.append(go.Heatmap(z=maps[image], name=name, hovertemplate=hover, **scale, **look))
    return made


def _bare(made: go.Figure, row: int, column: int, title: str) -> None:
    blank = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}
    made.update_xaxes(title_text=title, row=row, col=column, **blank)
    axis = made.get_subplot(row, column).xaxis.plotly_name.replace("xaxis", "x")
    made.update_yaxes(autorange="reversed", scaleanchor=axis, row=row, col=column, **blank)
