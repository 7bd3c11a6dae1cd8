"""Confusion beside dark knowledge: both tables without their diagonal, entry against entry, and the numbers with chance."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.confusion.measure import Confusion, other_of
from workbench.diagnostics.confusion.measure_similarity import NAMES
from workbench.drawing import theme
from workbench.drawing.class_axes import NAMED_UP_TO, class_axes
from workbench.drawing.text import label

WORDS = {
    "pearson": "Pearson",
    "spearman": "Spearman",
    "cosine": "cosine",
    "soft_iou": "soft IoU",
    "top_overlap": "top 3",
}

TITLES = ("teacher: mean soft labels", "student: confusion")


def figure(result: Confusion) -> go.Figure:
    """Four panels: the two tables, the student's entries over the teacher's, and every number beside its null."""
    made = theme.canvas(height=860, legend_traceorder="normal", margin_t=64)
    layout = [[{}, {}], [{"colspan": 2}, None], [{"colspan": 2}, None]]
    space = {"vertical_spacing": 0.085, "horizontal_spacing": 0.05}
    make_subplots(3, 2, specs=layout, row_heights=[0.44, 0.28, 0.28], figure=made, **space)
    soft, hard, used = result.off_diagonals()
    tables = [_square(np.where(used[:, None], table, np.nan)) for table in (soft, hard)]
    largest = max(float(np.nanmax(table, initial=0)) for table in (soft, hard)) or 1.0
    for column, (table, title) in enumerate(zip(tables, TITLES, strict=True), 1):
        made.add_trace(_heatmap(table, largest, title, result.class_names), 1, column)
        class_axes(made, result.class_names, (title, "label" if column == 1 else ""), 10, column)
    made.update_yaxes(showticklabels=False, row=1, col=2)
    made.add_trace(_entries(soft[used], hard[used], result.class_names, used), 2, 1)
    made.add_traces(_numbers(result), 3, 1)
    form = "share among the wrong classes" if result.mode == "corrected" else "share of the class"
    made.update_xaxes(title_text=f"teacher: {form}", rangemode="tozero", row=2, col=1)
    made.update_yaxes(title_text="student", rangemode="tozero", row=2, col=1)
    made.update_xaxes(title_text=f"likeness, {result.errors:,} errors on {result.n:,} samples", row=3, col=1)
    made.update_yaxes(tickvals=np.arange(len(NAMES)), ticktext=list(WORDS.values()), row=3, col=1)
    return made.update_yaxes(range=[len(NAMES) - 0.5, -0.5], zeroline=False, row=3, col=1)


def _square(rows: np.ndarray) -> np.ndarray:
    """(C, C - 1) -> (C, C) with an empty diagonal."""
    classes = len(rows)
    found = np.full((classes, classes), np.nan)
    found[~np.eye(classes, dtype=bool)] = rows.ravel()
    return found


def _heatmap(table: np.ndarray, largest: float, title: str, names: tuple[str, ...]) -> go.Heatmap:
    words = [label(name) for name in names]
    pairs = [[f"of {of}, taken for {taken}" for taken in words] for of in words]
    cells = [[{"label": of, "taken": taken} for taken in range(len(words))] for of in range(len(words))]
    return go.Heatmap(
        z=table,
        customdata=cells,
        zmin=0,
        zmax=largest,
        colorscale=theme.SEQUENTIAL,
        showscale=False,
        xgap=int(len(names) <= NAMED_UP_TO),
        ygap=int(len(names) <= NAMED_UP_TO),
        hovertext=pairs,
        hovertemplate=f"%{{hovertext}}: %{{z:.1%}}<extra>{title}</extra>",
    )


def _entries(soft: np.ndarray, hard: np.ndarray, names: tuple[str, ...], used: np.ndarray) -> go.Scatter:
    words = [label(name) for name in names]
    pairs = [f"{words[j]} taken for {words[k]}" for j in np.flatnonzero(used) for k in range(len(names)) if k != j]
    return go.Scatter(
        x=soft.ravel(),
        y=hard.ravel(),
        mode="markers",
        marker={"color": theme.STUDENT.color, "size": 6, "opacity": 0.55},
        showlegend=False,
        hovertext=pairs,
        hovertemplate="%{hovertext}: teacher %{x:.1%}, student %{y:.1%}<extra></extra>",
    )


def _numbers(result: Confusion) -> list[go.Scatter]:
    places = np.arange(len(NAMES))
    return [
        _band(result, places),
        _marks(places, [result.disjoint[name] for name in NAMES], "on disjoint halves", "x"),
        _marks(places, [result.ceiling.get(name, np.nan) for name in NAMES], "reliability ceiling", "line-ns-open"),
        _marks(places, [result.other[name] for name in NAMES], f"{other_of(result)} form", "circle-open"),
        *_second(result, places),
        _estimates(result, places),
    ]


def _band(result: Confusion, places: np.ndarray) -> go.Scatter:
    """One thick grey line per number."""
    x, y = [], []
    for place, name in zip(places, NAMES, strict=True):
        x += [result.null[name].low, result.null[name].high, None]
        y += [place, place, None]
    line = {"color": theme.LINE, "width": 12}
    words = "errors shuffled (95 %)"
    hover = f"%{{x:.2f}}<extra>{words}</extra>"
    return go.Scatter(x=x, y=y, mode="lines", line=line, name=words, hovertemplate=hover)


def _estimates(result: Confusion, places: np.ndarray) -> go.Scatter:
    found = [getattr(result, name) for name in NAMES]
    return go.Scatter(
        x=[each.mean for each in found],
        y=places,
        mode="markers",
        name=f"student and teacher ({result.mode} form)",
        marker=theme.marker("student", 10),
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [each.high - each.mean for each in found],
            "arrayminus": [each.mean - each.low for each in found],
        },
        customdata=[[result.p[name]] for name in NAMES],
        hovertemplate="%{x:.2f}, reached by %{customdata[0]:.1%} of the shuffles<extra></extra>",
    )


def _marks(places: np.ndarray, values: list[float], name: str, symbol: str) -> go.Scatter:
    return go.Scatter(
        x=values,
        y=places,
        mode="markers",
        name=name,
        marker={"symbol": symbol, "size": 9, "color": theme.TEXT, "line": {"width": 2, "color": theme.TEXT}},
        hovertemplate=f"%{{x:.2f}}<extra>{name}</extra>",
    )


def _second(result: Confusion, places: np.ndarray) -> list[go.Scatter]:
    """How alike two teachers are, if a second one was given."""
    if not result.teachers:
        return []
    return [_marks(places, [result.teachers[name] for name in NAMES], "between two teachers", "diamond-open")]
