"""What a model wins and loses against a baseline: in all, and class by class."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.flips.measure import FLIPS, Flips
from workbench.drawing import theme
from workbench.drawing.dots import lying
from workbench.drawing.text import label, sentence
from workbench.records.wording import number, plural

COLORS = dict(zip(FLIPS, ("both_right", "student_only", "teacher_only", "both_wrong"), strict=True))
MOST = 20
ROW, REST = 22, 350


def figure(result: Flips) -> go.Figure:
    """The four groups, the net change with its interval, and progress and regress per class, the most flipped first."""
    flipped = result.progress_by_class + result.regress_by_class
    order = [k for k in np.argsort(-flipped, kind="stable")[:MOST] if flipped[k]]
    height = REST + ROW * max(len(order), 2)
    made = theme.canvas(height=height, barmode="relative", margin_t=16, legend_traceorder="normal")
    inner = height - 2 * 50
    heights = [70 / inner, 50 / inner, 1 - 120 / inner]
    make_subplots(3, 1, row_heights=heights, vertical_spacing=62 / inner, figure=made)
    made.add_traces([_part(result, flip) for flip in FLIPS], [1] * 4, [1] * 4)
    made.add_trace(lying([result.net], [0], "net", "agreement", percent=True, showlegend=False), 2, 1)
    made.add_traces([_by_class(result, order, won=won) for won in (True, False)], [3, 3], [1, 1])
    made.add_vline(0, line={"color": theme.LINE, "width": 1}, layer="below", row=2, col=1)
    title = f"share of {plural(result.n, 'sample')}, against {label(result.against, 24)}"
    made.update_xaxes(title_text=title, range=[0, 1], tickformat=".0%", row=1, col=1)
    net = f"net change of accuracy; McNemar p = {number(result.p_exact)}"
    made.update_xaxes(title_text=net, tickformat="+.3~p", nticks=6, zeroline=False, row=2, col=1)
    made.update_xaxes(title_text="samples lost (left) and won (right), by label", row=3, col=1)
    for row in (1, 2):
        made.update_yaxes(visible=False, row=row, col=1)
    names = [label(result.class_names[k], 16) for k in order]
    made.update_yaxes(tickvals=list(range(len(order))), ticktext=names, autorange="reversed", row=3, col=1)
    return made.update_yaxes(showgrid=False, zeroline=False)


def _part(result: Flips, flip: str) -> go.Bar:
    count = getattr(result, flip)
    return go.Bar(
        x=[count / result.n],
        y=[0],
        orientation="h",
        name=sentence(flip),
        marker={"color": theme.OUTCOMES[COLORS[flip]], "line": {"color": theme.LINE, "width": 1}},
        text=f"{count:,}",
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        customdata=[{"flip": flip}],
        hovertemplate=f"{count:,} samples, %{{x:.1%}}<extra>{sentence(flip)}</extra>",
    )


def _by_class(result: Flips, order: list[int], *, won: bool) -> go.Bar:
    counts = result.progress_by_class[order] if won else -result.regress_by_class[order]
    name = "progress" if won else "regress"
    return go.Bar(
        x=counts,
        y=list(range(len(order))),
        orientation="h",
        name=name,
        showlegend=False,
        marker_color=theme.OUTCOMES[COLORS[name]],
        customdata=[[label(result.class_names[k]), abs(int(c))] for k, c in zip(order, counts, strict=True)],
        hovertemplate=f"%{{customdata[0]}}: %{{customdata[1]:,}} samples<extra>{name}</extra>",
    )
