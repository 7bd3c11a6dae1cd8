"""Where teacher, student and control look: maps sample by sample, likeness, what is left of the divergence, class pairs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.attribution.figure_places import columns, points, series
from workbench.diagnostics.attribution.figure_sheet import parts, sheet
from workbench.diagnostics.attribution.measure import PARTS, Attribution
from workbench.drawing import theme
from workbench.drawing.dots import lying
from workbench.drawing.text import label
from workbench.records.interval import bounds
from workbench.records.wording import plural, signed

MOST_PAIRS, MOST_SAMPLES = 12, 40


ROWS = 4

MEASURES = {
    "cosine": "cosine",
    "spearman": "rank<br>correlation",
    "iou": "overlap of<br>the top 10 %",
    "ssim": "structure<br>(SSIM)",
}

NAMES = {"target": "at the label", "rest": "among the other classes"}


def figure(result: Attribution, *, view: str = "maps", ids: list[int] | None = None) -> go.Figure:
    """One of the views of an attribution.

    Args:
        result: of ``attribution_of``.
        view: ``maps`` (one row per sample), ``parts`` (the student's map of ``kd_match``, split), ``likeness``,
            ``divergence`` or ``pairs``.
        ids: samples whose maps are drawn; the first few if None.

    Raises:
        ValueError: there is no such view, or no split.
        KeyError: a sample was not explained.
    """
    rows = list(range(min(ROWS, result.n))) if ids is None else [result.row_of(id) for id in ids]
    if view == "maps":
        return _maps(result, rows, every=ids is None)
    if view == "parts":
        if not result.part_maps.size or result.maps.ndim != 4:
            raise ValueError("there are maps of both parts for images and the score kd_match only")
        return parts(result, rows)
    if view not in VIEWS:
        raise ValueError(f"no view {view!r}; there are maps, parts, {', '.join(VIEWS)}")
    return VIEWS[view](result)


def _maps(result: Attribution, rows: list[int], *, every: bool) -> go.Figure:
    if result.maps.ndim == 4:
        return sheet(result, rows)
    if result.look == "series":
        return series(result, rows)
    if result.look == "points" and result.maps.shape[2] == 2:
        return points(result, list(range(result.n)) if every else rows)
    return columns(result, rows)


def likeness(result: Attribution) -> go.Figure:
    """Mean likeness to the teacher's maps for student and control, with intervals over samples."""
    made = theme.canvas(
        f"Likeness to the teacher's maps, {plural(result.n, 'sample')}", 130 + 62 * len(result.measures)
    )
    rows = np.arange(len(result.measures), dtype=float)
    others = [party for party in result.parties if party != "teacher"]
    for k, party in enumerate(others):
        shift = 0.14 * (2 * k - len(others) + 1)
        made.add_trace(lying([result.numbers[m][party] for m in result.measures], rows + shift, party, party))
    for row, measure in zip(rows, result.measures, strict=True):
        if gain := result.numbers[measure].get("gain"):
            text = f"gain {signed(gain.mean)} ({bounds(gain, signed)})"
            place = {"x": 1, "xref": "paper", "xanchor": "right", "y": row + 0.34}
            made.add_annotation(text=text, showarrow=False, font_size=theme.SMALL, **place)
    made.update_xaxes(title_text="likeness (1 is the same map)", range=_from(result.similarity), nticks=6)
    ticks = {"tickvals": rows, "ticktext": [MEASURES[m] for m in result.measures]}
    return made.update_yaxes(range=[rows[-1] + 0.6, -0.6], zeroline=False, showgrid=False, **ticks)


def divergence(result: Attribution) -> go.Figure:
    """What each student still misses of the teacher's answer, sample by sample, in its two parts."""
    others = [p for p, party in enumerate(result.parties) if party != "teacher"]
    order = np.argsort(-result.divergence[others[0], :, :, 1].sum(1), kind="stable")[:MOST_SAMPLES]
    made = theme.canvas("What is left of the teacher's answer", 120 + 190 * len(others), barmode="stack", margin_b=80)
    titles = [f"{result.parties[p]}, on its own scale" if k else result.parties[p] for k, p in enumerate(others)]
    make_subplots(len(others), 1, shared_xaxes=True, vertical_spacing=0.12, subplot_titles=titles, figure=made)
    names = [_name(result, row) for row in order]
    for row, p in enumerate(others, 1):
        for k, part in enumerate(PARTS):
            made.add_trace(
                go.Bar(
                    x=np.arange(len(order)),
                    y=result.divergence[p, order, k, 1],
                    name=NAMES[part],
                    legendgroup=part,
                    showlegend=row == 1,
                    marker={"color": theme.term_color(k)},
                    customdata=names,
                    hovertemplate=f"%{{customdata}}: %{{y:.3g}} nats<extra>{NAMES[part]}</extra>",
                ),
                row,
                1,
            )
        made.update_yaxes(title_text="T\u00b2 KL (nats)", nticks=5, row=row, col=1)
    made.update_annotations(font_size=theme.SIZE)
    shown = (
        f"{len(order)} of {plural(result.n, 'sample')}" if len(order) < result.n else f"{plural(result.n, 'sample')}"
    )
    return made.update_xaxes(title_text=f"{shown}, the student's largest first", nticks=6, row=len(others), col=1)


def pairs(result: Attribution) -> go.Figure:
    """Cosine with the teacher's map by label and the teacher's first other class, the most frequent pairs."""
    shown = result.pairs[:MOST_PAIRS]
    made = theme.canvas("Likeness by pair of classes", 120 + 30 * len(shown))
    rows = np.arange(len(shown), dtype=float)
    others = [party for party in result.parties if party != "teacher"]
    for k, party in enumerate(others):
        shift = 0.14 * (2 * k - len(others) + 1)
        made.add_trace(lying([pair["cosine"][party] for pair in shown], rows + shift, party, party))
    names = [label(each, 12) for each in result.class_names]
    texts = [f"{names[pair['label']]}, then {names[pair['other']]} ({pair['n']})" for pair in shown]
    made.update_xaxes(
        title_text="cosine with the teacher's map (mean, 95 % interval)", range=_from(result.similarity), nticks=6
    )
    return made.update_yaxes(tickvals=rows, ticktext=texts, range=[len(shown) - 0.4, -0.6], zeroline=False)


def _from(similarity: np.ndarray) -> list[float]:
    """From 0, or from the lowest likeness below it, to 1; wide intervals of a few samples end at the edge."""
    known = similarity[np.isfinite(similarity)]
    return [min(-0.03, float(known.min()) - 0.05) if known.size else -0.03, 1.05]


def _name(result: Attribution, row: int) -> str:
    names = result.class_names
    return (
        f"{label(names[result.labels[row]], 14)}, then {label(names[result.dark[row]], 14)}, sample {result.ids[row]}"
    )


VIEWS: dict[str, Callable[..., go.Figure]] = {
    "likeness": likeness,
    "divergence": divergence,
    "pairs": pairs,
}
