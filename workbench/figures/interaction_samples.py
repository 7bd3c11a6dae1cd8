"""Which features are used on which samples: a heat map per group, samples by class, features by where they are used."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.interaction.interaction import Interaction
from workbench.figures import theme
from workbench.figures.text import label

MOST_SAMPLES, MOST_FEATURES = 300, 150


def samples(result: Interaction) -> go.Figure:
    """Share of each group's models that use a feature on a sample; evenly spread samples, the most frequent features."""
    shares = _shares(result)
    rows = np.argsort(result.labels, kind="stable")
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_SAMPLES)).astype(int)]
    total = sum(share.sum(axis=1) for share in shares)
    kept = np.argsort(-total, kind="stable")[:MOST_FEATURES]
    used = sum(shares)[kept][:, rows]
    place = (used * np.arange(len(rows))).sum(axis=1) / np.maximum(used.sum(axis=1), 1e-9)
    kept = kept[np.argsort(place, kind="stable")]
    names = result.group_names
    made = theme.canvas(height=440, margin_t=40)
    make_subplots(1, len(names), shared_yaxes=True, horizontal_spacing=0.03, figure=made)
    for column, (name, share) in enumerate(zip(names, shares, strict=True), 1):
        made.add_trace(_heatmap(share[kept][:, rows], kept, label(name)), 1, column)
        made.update_xaxes(title_text=f"feature, {label(name)}", showticklabels=False, ticks="", row=1, col=column)
    ticks = _class_places(result.labels[rows])
    axis = {"tickvals": list(ticks.values()), "ticktext": [label(result.class_names[k], 12) for k in ticks]}
    made.update_yaxes(autorange="reversed", showgrid=False, ticks="", showticklabels=False)
    title = f"{len(rows):,} of {result.n:,} samples" if len(rows) < result.n else f"{result.n:,} samples"
    return made.update_yaxes(title_text=title, showticklabels=bool(ticks), **(axis if ticks else {}), row=1, col=1)


def _shares(result: Interaction) -> list[np.ndarray]:
    """Per group (F, N): the share of its models that use a feature on a sample."""
    omega, found = result.omega, []
    for g in range(len(result.group_names)):
        members = result.members(g)
        share = np.zeros((result.features, result.n), np.float32)
        for pair in np.flatnonzero(np.isin(omega.model, members)):
            share[omega.feature[pair]] += omega.active[pair]
        found.append(share / len(members))
    return found


def _heatmap(share: np.ndarray, features: np.ndarray, name: str) -> go.Heatmap:
    return go.Heatmap(
        z=share.T,
        x=[f"feature {feature}" for feature in features],
        zmin=0,
        zmax=1,
        colorscale=theme.SEQUENTIAL,
        showscale=False,
        hovertemplate=f"%{{x}}, row %{{y}}: %{{z:.0%}} of the models<extra>{name}</extra>",
    )


def _class_places(labels: np.ndarray) -> dict[int, float]:
    """Where the name of each class stands: in the middle of its samples."""
    if labels.min() < 0:
        return {}
    return {int(k): float(np.flatnonzero(labels == k).mean()) for k in np.unique(labels)}
