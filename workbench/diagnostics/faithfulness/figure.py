"""Can the maps be trusted: the score as places are replaced, and likeness as layers are shuffled."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.faithfulness.measure import ORDERS, Faithfulness
from workbench.drawing import theme
from workbench.drawing.text import label, sentence
from workbench.records.wording import plural

LOOKS = {
    "deletion": theme.STUDENT,
    "insertion": theme.TEACHER,
    "random deletion": theme.OTHER,
    "random insertion": theme.OTHER,
}


def figure(result: Faithfulness) -> go.Figure:
    """Four curves with their bands; beside them, rank correlation with the trained model's maps, layer by layer."""
    made = theme.canvas(f"Maps of {sentence(result.plan['score'])}: are they faithful?", 380, margin_b=92)
    wide = [0.62, 0.38] if result.layers else [1.0]
    make_subplots(1, len(wide), column_widths=wide, horizontal_spacing=0.16, figure=made)
    for k, name in enumerate(ORDERS):
        made.add_traces(_curve(result, k, name), [1, 1], [1, 1])
    made.update_xaxes(title_text="places replaced", tickformat=".0%", nticks=6, row=1, col=1)
    made.update_yaxes(title_text=f"score, as a share of its way ({plural(result.n, 'sample')})", nticks=7, row=1, col=1)
    if result.layers:
        made.add_trace(_dependence(result), 1, 2)
        made.add_hline(0, line={"color": theme.LINE, "width": 1}, row=1, col=2)
        made.update_xaxes(title_text="weights shuffled down to", type="category", tickangle=-40, row=1, col=2)
        lowest = float(np.nanmin([*result.dependence_mean, 0]))
        made.update_yaxes(title_text="rank correlation", range=[lowest - 0.1, 1.05], nticks=5, row=1, col=2)
    return made


def _curve(result: Faithfulness, k: int, name: str) -> list[go.Scatter]:
    look = LOOKS[name]
    shares, mean = result.shares, result.mean_curves[k]
    band = go.Scatter(
        x=[*shares, *shares[::-1]],
        y=[*result.high_curves[k], *result.low_curves[k][::-1]],
        fill="toself",
        fillcolor=theme.GRID,
        line={"width": 0},
        mode="lines",
        name=f"{name}, interval",
        showlegend=False,
        hoverinfo="skip",
    )
    line = go.Scatter(
        x=shares,
        y=mean,
        mode="lines",
        name=name,
        line={"color": look.color, "width": theme.WIDTH, "dash": "dot" if name == "random insertion" else look.dash},
        hovertemplate=f"%{{x:.0%}}: %{{y:.2f}}<extra>{name}</extra>",
    )
    return [band, line]


def _dependence(result: Faithfulness) -> go.Scatter:
    return go.Scatter(
        x=["none", *(label(name, 14) for name in result.layers)],
        y=[1.0, *result.dependence_mean],
        mode="lines+markers",
        name="maps after shuffling",
        showlegend=False,
        line=theme.line("agreement"),
        marker=theme.marker("agreement"),
        hovertemplate="%{x}: %{y:.2f}<extra>rank correlation</extra>",
    )
