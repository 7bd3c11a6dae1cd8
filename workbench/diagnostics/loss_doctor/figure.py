"""The loss doctor's picture: what each term weighs, how hard it pulls and where to, scale and softness, and the checks."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.loss_doctor.measure import LossDoctor
from workbench.drawing import theme
from workbench.drawing.curves import STEP, Columns
from workbench.drawing.text import escaped, label
from workbench.records.probes import AND
from workbench.records.wording import number

TITLES = ("share of<br>the loss", "length of<br>the gradient", "cosine of<br>gradients", "teacher<br>over student")
HEIGHTS = (0.17, 0.19, 0.15, 0.16, 0.33)
COURSES = {
    "logit_scale": ("spread of logits", "solid", "circle"),
    "effective_temperature": ("softness", "dash", "square"),
}
HOVER_WIDTH = 60
SYMBOLS = {"ok": "circle", "look": "diamond", "wrong": "x", "not applicable": "circle-open"}


def figure(result: LossDoctor) -> go.Figure:
    """Four panels over the steps, and the checks below them; the sentences appear where one points."""
    made = theme.canvas(height=900, margin_t=20, hovermode="closest", legend_traceorder="normal")
    make_subplots(5, 1, row_heights=list(HEIGHTS), vertical_spacing=0.045, figure=made)
    panels = (_shares(result), _gradients(result), _cosines(result), _courses(result))
    for row, (title, traces) in enumerate(zip(TITLES, panels, strict=True), 1):
        made.add_traces(traces, [row] * len(traces), [1] * len(traces))
        made.update_yaxes(title_text=title, row=row, col=1)
        made.update_xaxes(matches="x", showticklabels=row == 4, row=row, col=1)
    made.update_xaxes(title_text=STEP, title_standoff=2, row=4, col=1)
    made.add_trace(_board(result), row=5, col=1)
    _axes(made)
    return made


def gradient_trace(term: str, position: int, columns: Columns) -> go.Scatter:
    """How long a term's gradient is over steps, on a logarithmic axis: no mark where it is 0."""
    return go.Scatter(
        x=columns["x"],
        y=_positive(columns["y"]),
        name=gradient_name(term),
        mode="lines+markers",
        line={"color": theme.term_color(position), "width": theme.WIDTH},
        marker={"color": theme.term_color(position), "size": 5, "symbol": theme.SYMBOLS[position % len(theme.SYMBOLS)]},
        hovertemplate=f"step %{{x}}: %{{y:.3g}}<extra>{gradient_name(term)}</extra>",
    )


def cosine_trace(pair: str, position: int, columns: Columns) -> go.Scatter:
    """The cosine between two terms' gradients over steps."""
    color = theme.class_color(position)
    return go.Scatter(
        **columns,
        name=cosine_name(pair),
        mode="lines+markers",
        line={"color": color, "width": theme.WIDTH, "dash": "dot"},
        marker={"color": color, "size": 5},
        hovertemplate=f"step %{{x}}: %{{y:.2f}}<extra>{cosine_name(pair)}</extra>",
    )


def gradient_name(term: str) -> str:
    """The name of its trace."""
    return f"gradient of {label(term)}"


def cosine_name(pair: str) -> str:
    """The name of its trace."""
    first, _, second = pair.partition(AND)
    return f"cosine {label(first)}, {label(second)}"


def gradient_axis() -> dict[str, Any]:
    """How the axis of lengths looks."""
    return theme.LOG_AXIS


def cosine_axis() -> dict[str, Any]:
    """How the axis of cosines looks: the line at 0 tells pulling together from pulling apart."""
    zero = {"zeroline": True, "zerolinecolor": theme.LINE, "zerolinewidth": 2}
    return {"range": [-1.08, 1.08], "tickvals": [-1, 0, 1], **zero}


def _axes(made: go.Figure) -> None:
    made.update_yaxes(row=1, col=1, range=[0, 1], tickformat=".0%", nticks=4)
    made.update_yaxes(row=2, col=1, **gradient_axis())
    made.update_yaxes(row=3, col=1, **cosine_axis())
    made.update_yaxes(row=4, col=1, **gradient_axis())
    made.add_hline(y=1, row=4, col=1, line={"color": theme.LINE, "width": 1, "dash": "dot"})
    made.update_yaxes(row=5, col=1, autorange="reversed", showgrid=False, ticks="")
    made.update_xaxes(row=5, col=1, range=[-0.04, 1], visible=False, showticklabels=False, fixedrange=True)


def _shares(result: LossDoctor) -> list[go.Scatter]:
    found = []
    for position, (term, share) in enumerate(zip(result.terms, result.shares, strict=True)):
        hover = f"about step %{{x:.0f}}: %{{y:.1%}}<extra>{label(term)}</extra>"
        line = {"color": theme.term_color(position), "width": 0.5}
        look = {"stackgroup": "share", "line": line, "mode": "lines", "hovertemplate": hover}
        found.append(go.Scatter(x=result.share_steps, y=share, name=label(term), **look))
    return found


def _gradients(result: LossDoctor) -> list[go.Scatter]:
    return [
        gradient_trace(term, position, {"x": result.steps, "y": row}).update(showlegend=False)
        for position, (term, row) in enumerate(zip(result.terms, result.gradients, strict=True))
        if np.isfinite(row).any()
    ]


def _cosines(result: LossDoctor) -> list[go.Scatter]:
    return [
        cosine_trace(pair, position, {"x": result.steps, "y": row})
        for position, (pair, row) in enumerate(zip(result.pairs, result.cosines, strict=True))
    ]


def _courses(result: LossDoctor) -> list[go.Scatter]:
    found = []
    for course, (name, dash, symbol) in COURSES.items():
        values = _positive(getattr(result, course))
        look = {"line": {"color": theme.TEACHER.color, "dash": dash}, "marker": {"symbol": symbol, "size": 5}}
        hover = f"step %{{x}}: %{{y:.3g}}<extra>{name}</extra>"
        found.append(go.Scatter(x=result.steps, y=values, name=name, mode="lines+markers", hovertemplate=hover, **look))
    return found


def _board(result: LossDoctor) -> go.Scatter:
    """One line for each check: its name, what came out, the number, and on pointing the sentences."""
    said = [
        _wrapped(" ".join(check[part] for part in ("seen", "means", "helps") if check[part])) for check in result.checks
    ]
    words = [f" <b>{check['status']}</b> {_number(check)}" for check in result.checks]
    return go.Scatter(
        x=np.zeros(len(words)),
        y=[check["check"] for check in result.checks],
        mode="markers+text",
        text=words,
        textposition="middle right",
        textfont={"size": theme.SIZE},
        cliponaxis=False,
        name="checks",
        showlegend=False,
        customdata=said,
        hovertemplate="%{customdata}<extra></extra>",
        marker={
            "size": 9,
            "color": [theme.STATUS[check["status"]] for check in result.checks],
            "symbol": [SYMBOLS[check["status"]] for check in result.checks],
        },
    )


def _number(check: dict[str, Any]) -> str:
    if check["status"] == "not applicable" or not np.isfinite(check["value"]):
        return ""
    return escaped(f"{check['counted']} {number(check['value'])}")


def _wrapped(text: str) -> str:
    return "<br>".join(escaped(line) for line in wrap(text, HOVER_WIDTH))


def _positive(values: np.ndarray) -> np.ndarray:
    """Nothing but positive finite numbers has a place on a logarithmic axis."""
    values = np.asarray(values, float)
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)
