"""Where in the plane each model says which class: one panel per party, side by side, over the same points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.snapshot import Regions


def regions(found: Regions, class_names: Sequence[str] = ("0", "1"), *, height: int = 280) -> go.Figure:
    """Share of the second class over the plane, the line where it is one half, and the samples.

    The traces stay the same while a run goes on; only their ``z`` changes.

    Args:
        found: grid, shares by party, and samples.
        class_names: of the two classes.
        height: in pixels.
    """
    made = theme.canvas(height=height, margin={**theme.MARGIN, "b": 64})
    titles = [label(party, 16) for party in found.classes]
    make_subplots(
        1, max(len(titles), 1), shared_yaxes=True, horizontal_spacing=0.02, subplot_titles=titles, figure=made
    )
    for column, (party, share) in enumerate(found.classes.items(), 1):
        made.add_traces([_shares(found, party, share, class_names), _border(found, party, share)], 1, column)
        made.add_traces(_samples(found, class_names, legend=column == 1), [1] * len(_kinds(found)), column)
    made.update_annotations(font_size=theme.TITLE_SIZE)
    made.update_xaxes(range=_ends(found.x), showgrid=False, zeroline=False, nticks=4, title_text="first input")
    made.update_yaxes(title_text="second input", col=1)
    return made.update_yaxes(range=_ends(found.y), showgrid=False, zeroline=False, nticks=5)


def _shares(found: Regions, party: str, share: np.ndarray, class_names: Sequence[str]) -> go.Heatmap:
    return go.Heatmap(
        x=found.x,
        y=found.y,
        z=share,
        zmin=0,
        zmax=1,
        zsmooth="best",
        colorscale=theme.DIVERGING,
        showscale=False,
        name=label(party),
        hovertemplate=f"(%{{x:.2f}}, %{{y:.2f}})<br>{label(class_names[1])}: %{{z:.1%}}<extra>%{{fullData.name}}</extra>",
    )


def _border(found: Regions, party: str, share: np.ndarray) -> go.Contour:
    return go.Contour(
        x=found.x,
        y=found.y,
        z=share,
        contours={"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
        line={"color": theme.style(party).color, "dash": theme.style(party).dash, "width": theme.WIDTH},
        showscale=False,
        showlegend=False,
        hoverinfo="skip",
        name=f"{label(party)} border",
    )


def _kinds(found: Regions) -> list[int]:
    return sorted(set(np.asarray(found.labels).tolist()))


def _samples(found: Regions, class_names: Sequence[str], *, legend: bool) -> list[go.Scatter]:
    """One trace per class, and one for the samples without a label."""
    made = []
    for kind in _kinds(found):
        rows = np.flatnonzero(np.asarray(found.labels) == kind)
        name = "no label" if kind < 0 else label(class_names[kind])
        made.append(
            go.Scatter(
                x=found.points[rows, 0],
                y=found.points[rows, 1],
                mode="markers",
                name=name,
                legendgroup=name,
                showlegend=legend,
                marker=_marker(kind),
                hovertemplate=f"(%{{x:.2f}}, %{{y:.2f}})<extra>{name}</extra>",
            )
        )
    return made


def _marker(kind: int) -> dict[str, object]:
    if kind < 0:
        return {"color": theme.LINE, "size": 3}
    outline = {"color": theme.HOVER_TEXT, "width": 1}
    return {"color": theme.class_color(kind), "symbol": theme.SYMBOLS[kind], "size": theme.MARKER, "line": outline}


def _ends(axis: np.ndarray) -> list[float]:
    return [float(axis[0]), float(axis[-1])] if len(axis) else [0.0, 1.0]
