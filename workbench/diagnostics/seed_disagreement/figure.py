"""How often seeds contradict each other against how often they err: a dot per pair, and their mean."""

from __future__ import annotations

import plotly.graph_objects as go

from workbench.diagnostics.seed_disagreement.measure import SeedDisagreement
from workbench.drawing import theme
from workbench.drawing.dots import interval_bars
from workbench.drawing.text import label


def figure(result: SeedDisagreement) -> go.Figure:
    """On the diagonal, unlabelled data would tell the error; below it, the seeds err alike."""
    made = theme.canvas(height=420, margin_t=16)
    disagreement, error = result.disagreement, result.error
    ends = [*result.by_pair.ravel(), disagreement.high, error.high]
    most = 1.1 * max([v for v in ends if v == v] + [1e-3])
    diagonal = {"color": theme.LINE, "width": 1, "dash": "dot"}
    made.add_scatter(x=[0, most], y=[0, most], mode="lines", line=diagonal, showlegend=False, hoverinfo="skip")
    made.add_scatter(
        x=result.by_pair[:, 1],
        y=result.by_pair[:, 0],
        mode="markers",
        name="two seeds",
        marker={"color": theme.STUDENT.color, "symbol": "circle-open", "size": theme.MARKER},
        customdata=[{"seeds": [int(first), int(second)]} for first, second in result.pairs],
        hovertemplate="seeds %{customdata.seeds[0]} and %{customdata.seeds[1]}: differ on %{y:.1%}, err on %{x:.1%}<extra></extra>",
    )
    made.add_scatter(
        x=[error.mean],
        y=[disagreement.mean],
        mode="markers",
        name="mean and 95 % interval",
        marker=theme.marker("agreement", 10),
        error_x=interval_bars([error]),
        error_y=interval_bars([disagreement]),
        hovertemplate="differ on %{y:.1%}, err on %{x:.1%}<extra>mean</extra>",
    )
    share = {"range": [0, most], "tickformat": ".3~p", "nticks": 7}
    made.update_xaxes(title_text=f"error of {label(result.arm.replace('_', ' '), 22)} (mean of the pair)", **share)
    return made.update_yaxes(title_text="share on which two seeds differ", **share)
