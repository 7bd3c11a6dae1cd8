"""Which models have which features: models on a ring by group, every feature in the middle of the models that have it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.interaction.figure_style import canvas, styles
from workbench.diagnostics.interaction.measure import Interaction
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.wording import plural

MOST = 150
GOLDEN = np.pi * (3 - 5**0.5)


def network(result: Interaction) -> go.Figure:
    """Features of many models gather in the centre, those of one model beside it; the most frequent ones only."""
    owned = result.omega.owned(len(result.models))
    kept = np.argsort(-result.frequency.sum(axis=0), kind="stable")
    kept = kept[owned[:, kept].any(axis=0)][:MOST]
    angles = 2 * np.pi * np.arange(len(result.models)) / len(result.models)
    ring = np.c_[np.cos(angles), np.sin(angles)]
    places = _places(owned[:, kept], ring)
    used = int(owned.any(axis=0).sum())
    more = (
        f"the {len(kept)} most frequent of {plural(used, 'feature')}"
        if len(kept) < used
        else f"{plural(used, 'feature')}"
    )
    made = canvas("Which models have which features", 520)
    made.add_trace(_edges(owned[:, kept], ring, places))
    made.add_trace(_features(result, owned[:, kept], kept, places))
    for g, (name, style) in enumerate(zip(result.group_names, styles(result.group_names), strict=True)):
        members = result.members(g)
        made.add_trace(_models(ring[members], [label(result.models[m]) for m in members], label(name), style))
    axis = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "range": [-1.15, 1.15]}
    made.update_yaxes(scaleanchor="x", **axis)
    return made.update_xaxes(title_text=f"models around {more}", **axis)


def _places(owned: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """(F, 2) mean place of the owners, drawn inwards and spread a little where many would stand on one spot."""
    mean = 0.85 * (owned.T @ ring) / owned.sum(axis=0)[:, None]
    places = mean.copy()
    _, spot = np.unique(np.round(mean, 6), axis=0, return_inverse=True)
    for each in np.unique(spot):
        same = np.flatnonzero(spot.ravel() == each)
        turn, far = GOLDEN * np.arange(len(same)), 0.035 * np.sqrt(np.arange(len(same)))
        places[same] += np.c_[np.cos(turn), np.sin(turn)] * far[:, None]
    return places


def _edges(owned: np.ndarray, ring: np.ndarray, places: np.ndarray) -> go.Scatter:
    models, features = np.nonzero(owned)
    gap = np.full(len(models), np.nan)
    x = np.c_[ring[models, 0], places[features, 0], gap].ravel()
    y = np.c_[ring[models, 1], places[features, 1], gap].ravel()
    line = {"color": theme.GRID, "width": 0.6}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _features(result: Interaction, owned: np.ndarray, kept: np.ndarray, places: np.ndarray) -> go.Scatter:
    often = result.frequency.max(axis=0)[kept]
    size = 5 + 11 * np.sqrt(often / max(often.max(initial=1), 1))
    return go.Scatter(
        x=places[:, 0],
        y=places[:, 1],
        mode="markers",
        name="features",
        marker={"color": theme.AGREEMENT.color, "size": size, "opacity": 0.75},
        customdata=np.c_[kept, owned.sum(axis=0), often],
        hovertemplate="feature %{customdata[0]}: %{customdata[1]} models, up to %{customdata[2]:,} samples<extra></extra>",
    )


def _models(places: np.ndarray, names: list[str], group: str, style: theme.Style) -> go.Scatter:
    return go.Scatter(
        x=places[:, 0],
        y=places[:, 1],
        mode="markers",
        name=group,
        marker={"color": style.color, "symbol": style.symbol, "size": 13},
        hovertext=names,
        hovertemplate="%{hovertext}<extra></extra>",
    )
