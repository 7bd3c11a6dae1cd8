"""What student and teacher have in common: who says what for whom, the four outcomes, and the feasible range."""

from __future__ import annotations

from math import isfinite

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.agreement.measure import OUTCOMES, Agreement
from workbench.drawing import theme
from workbench.drawing.class_axes import NAMED_UP_TO, class_axes
from workbench.drawing.dots import interval_bars
from workbench.drawing.text import label, sentence
from workbench.records.interval import bounds
from workbench.records.wording import between, number, percent, plural

MEANING = {"student_only": "student only (progress)", "teacher_only": "teacher only (regress)"}


def figure(result: Agreement) -> go.Figure:
    """Three panels: the classes they pick, the outcomes against the labels, and agreement within its bounds."""
    made = theme.canvas(height=700, barmode="stack", legend_traceorder="normal", margin_t=24, margin_b=76)
    make_subplots(3, 1, row_heights=[0.76, 0.13, 0.11], vertical_spacing=0.12, figure=made)
    made.add_traces(_confusion(result), [1, 1], [1, 1])
    made.add_traces(_outcomes(result), [2] * 4, [1] * 4)
    made.add_traces(_range(result), [3] * 2, [1] * 2)
    class_axes(made, result.class_names, ("student's class", "teacher's class"), 14, 1)
    allowed = f"same class: {percent(result.top1.mean)}; possible with these accuracies: {between(result.lowest, result.highest, percent)}"
    if isfinite(result.phi.mean):
        allowed += f"<br>beyond what the labels explain: phi = {number(result.phi.mean)}"
    low, high = min(result.lowest, result.top1.low), max(result.highest, result.top1.high)
    room = 0.04 * (high - low) + 0.002
    share = {"tickformat": ".3~p", "nticks": 6, "zeroline": False, "col": 1}
    made.update_xaxes(
        title_text=f"share of {plural(result.n, 'sample')}, by who is right", range=[0, 1], row=2, **share
    )
    made.update_xaxes(title_text=allowed, range=[low - room, high + room], row=3, **share)
    for row in (2, 3):
        made.update_yaxes(visible=False, row=row, col=1)
    return made


def _confusion(result: Agreement) -> list[go.Heatmap]:
    """Where they differ in colour; where they agree as plain counts, which would drown everything else."""
    counts = result.confusion.astype(float)
    same = np.eye(len(counts), dtype=bool)
    names = [label(name) for name in result.class_names]
    pairs = [[f"teacher {taught}, student {chosen}" for chosen in names] for taught in names]
    cells = [[{"teacher": taught, "student": chosen} for chosen in range(len(names))] for taught in range(len(names))]
    hover = {
        "hovertext": pairs,
        "customdata": cells,
        "hovertemplate": "%{hovertext}: %{z:,} samples<extra></extra>",
        "showscale": False,
    }
    few = len(counts) <= NAMED_UP_TO
    text = {"texttemplate": "%{text}", "textfont": {"size": theme.SMALL, "color": theme.DARK_TEXT}} if few else {}
    written = np.where(counts > 0, counts.astype(int).astype(str), "") if few else None
    look = hover | text | {"text": written, "xgap": int(few), "ygap": int(few)}
    differ = np.where(same | (counts == 0), np.nan, counts)
    most = float(counts[~same].max()) or 1.0
    return [
        go.Heatmap(z=differ, zmin=0, zmax=most, colorscale=theme.SEQUENTIAL, **look),
        go.Heatmap(z=np.where(same, counts, np.nan), colorscale=theme.FLAT, **look),
    ]


def _outcomes(result: Agreement) -> list[go.Bar]:
    return [
        go.Bar(
            x=[share.mean],
            y=[0],
            orientation="h",
            name=MEANING.get(name, sentence(name)),
            marker={"color": theme.OUTCOMES[name], "line": {"color": theme.LINE, "width": 1}},
            text=f"{getattr(result, name):,}",
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            customdata=[{"outcome": name, "samples": getattr(result, name), "low": share.low, "high": share.high}],
            hovertemplate="%{customdata.samples:,} samples, %{x:.1%} (%{customdata.low:.1%} to %{customdata.high:.1%})",
        )
        for name, share in ((name, result.shares[name]) for name in OUTCOMES)
    ]


def _range(result: Agreement) -> list[go.Scatter]:
    top1 = result.top1
    ends = go.Scatter(
        x=[result.lowest, result.highest],
        y=[0, 0],
        mode="lines",
        line={"color": theme.GRID, "width": 14},
        showlegend=False,
        hovertemplate="bound %{x:.1%}<extra></extra>",
    )
    found = go.Scatter(
        x=[top1.mean],
        y=[0],
        mode="markers",
        marker=theme.marker("agreement", 11),
        error_x=interval_bars([top1]),
        showlegend=False,
        hovertemplate=f"{bounds(top1, percent)}<extra>agreement</extra>",
    )
    return [ends, found]
