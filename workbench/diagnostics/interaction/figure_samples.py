"""Which features are used on which samples: a heat map per group, samples by class, those of equal use side by side."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.interaction.figure_style import canvas
from workbench.diagnostics.interaction.measure import Interaction
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.wording import plural

MOST_SAMPLES, MOST_FEATURES = 300, 150


def samples(result: Interaction) -> go.Figure:
    """Share of each group's models that use a feature on a sample; evenly spread samples, the most frequent features.

    Features, and the samples of a class, stand in the order of the leaves of their average linkage.
    """
    shares = _shares(result)
    rows = np.argsort(result.labels, kind="stable")
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_SAMPLES)).astype(int)]
    total = sum(share.sum(axis=1) for share in shares)
    kept = np.argsort(-total, kind="stable")[:MOST_FEATURES]
    used = np.concatenate([share[kept][:, rows] for share in shares], axis=1)
    kept = kept[_clustered(used)]
    by_sample = np.concatenate([share[kept][:, rows] for share in shares]).T
    rows = np.concatenate([rows[same][_clustered(by_sample[same])] for same in _classes(result.labels[rows])])
    names = result.group_names
    made = canvas("On which samples each feature is used", 440)
    make_subplots(1, len(names), shared_yaxes=True, horizontal_spacing=0.03, figure=made)
    for column, (name, share) in enumerate(zip(names, shares, strict=True), 1):
        made.add_trace(_heatmap(share[kept][:, rows], kept, label(name)), 1, column)
        made.update_xaxes(title_text=label(name, 20), showticklabels=False, ticks="", row=1, col=column)
    ticks = _class_places(result.labels[rows])
    axis = {"tickvals": list(ticks.values()), "ticktext": [label(result.class_names[k], 12) for k in ticks]}
    made.update_yaxes(autorange="reversed", showgrid=False, ticks="", showticklabels=False)
    title = (
        f"{len(rows):,} of {plural(result.n, 'sample')}" if len(rows) < result.n else f"{plural(result.n, 'sample')}"
    )
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


def _clustered(rows: np.ndarray) -> np.ndarray:
    """An order in which rows that are alike stand side by side."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    return leaves_list(linkage(rows, "average", optimal_ordering=True)) if len(rows) > 2 else np.arange(len(rows))


def _classes(labels: np.ndarray) -> list[np.ndarray]:
    """Ascending labels -> the places of each of them."""
    return np.split(np.arange(len(labels)), np.flatnonzero(np.diff(labels)) + 1)


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
