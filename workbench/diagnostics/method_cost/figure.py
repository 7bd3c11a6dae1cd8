"""What methods bring beside what they cost: gain over the control against time per step."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.method_cost.measure import MethodCost
from workbench.drawing import theme
from workbench.drawing.dots import error_bars, interval_bars
from workbench.drawing.text import label, sentence, with_unit


def figure(result: MethodCost) -> go.Figure:
    """A mark per method; left is cheap, up is better, and inside the band it is too small to matter."""
    made = theme.canvas(height=420, margin_t=24, margin_r=40)
    reach = result.smallest_effect
    made.add_hrect(-reach, reach, fillcolor=theme.GRID, line_width=0, layer="below")
    made.add_hline(0, line=theme.line("control"), layer="below")
    made.add_traces([_methods(result), _control(result)])
    made.update_xaxes(title_text=f"processor time per step, times {label(result.methods[0].replace('_', ' '), 20)}")
    made.update_yaxes(title_text=f"gain in {with_unit(result.score)}", zeroline=False)
    return made


def _methods(result: MethodCost) -> go.Scatter:
    rows = [k for k in range(1, result.n) if not np.isnan(result.gains[k].mean + result.ratios[k])]
    gains = [result.gains[k] for k in rows]
    look = {"thickness": 1.5, "width": 4}
    around = error_bars(result.ratios[rows], result.ratios_low[rows], result.ratios_high[rows])
    return go.Scatter(
        x=result.ratios[rows],
        y=[gain.mean for gain in gains],
        error_x=around | look,
        error_y=interval_bars(gains) | look,
        mode="markers+text",
        name="method: gain with its interval, lowest to highest time",
        marker=theme.marker("student", 10),
        text=[label(result.methods[k], 18) for k in rows],
        textposition=[_beside(result, k, [other for other in rows if other != k]) for k in rows],
        textfont={"size": theme.SMALL, "color": theme.TEXT},
        customdata=[[label(result.methods[k]), result.passes[k], result.learnt[k], result.extra[k]] for k in rows],
        hovertemplate=(
            "%{customdata[0]}: %{x:.2f} times, %{y:+.2f}<br>teacher passes per sample %{customdata[1]:.2g}<br>"
            "learnt besides %{customdata[2]:,.0f}, more when used %{customdata[3]:,.0f}<extra></extra>"
        ),
    )


def _beside(result: MethodCost, k: int, others: list[int]) -> str:
    """Names stand inside the frame; of two neighbours the better one's is above and the other's below."""
    side = "left" if result.ratios[k] > (1 + np.nanmax(result.ratios)) / 2 else "right"
    nearest = min(others, key=lambda other: abs(result.ratios[other] - result.ratios[k]), default=k)
    return f"{'top' if result.gains[k].mean >= result.gains[nearest].mean else 'bottom'} {side}"


def _control(result: MethodCost) -> go.Scatter:
    return go.Scatter(
        x=[1],
        y=[0],
        mode="markers",
        name=sentence(result.methods[0]),
        marker=theme.marker("control", 10),
        hovertemplate="the control<extra></extra>",
    )
