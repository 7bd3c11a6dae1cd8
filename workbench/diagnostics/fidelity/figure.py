"""How far the student's probabilities are from its teacher's at every temperature, and how alike they rank the classes."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.fidelity.measure import Fidelity
from workbench.drawing import theme
from workbench.drawing.dots import lying, standing
from workbench.drawing.text import sentence
from workbench.records.wording import plural

NATS = ("forward_kl", "reverse_kl", "jeffreys", "jensen_shannon")
RANKS = ("kendall", "top_k", "non_target")


def figure(result: Fidelity, measure: str | None = None) -> go.Figure:
    """Divergences and bounded distances over the temperature, and below them the ranks.

    Args:
        result: what was measured.
        measure: show this distance alone.

    Raises:
        KeyError: it was not measured; the message lists what was.
    """
    if measure is not None:
        result.distance(measure, float(result.temperatures[0]))
    shown = [name for name in result.measures if measure in (None, name)]
    made = theme.canvas(height=640, margin_t=16)
    made.update_layout(legend={"y": 0, "font": {"size": theme.SMALL}}, margin_b=92)
    make_subplots(3, 1, row_heights=[0.42, 0.32, 0.26], vertical_spacing=0.13, figure=made)
    for name in shown:
        made.add_trace(_line(result, name), 1 if name in NATS else 2, 1)
    made.add_trace(_ranks(result), 3, 1)
    ticks = {"tickvals": result.temperatures, "ticktext": [f"{t:g}" for t in result.temperatures], "type": "log"}
    for row, title in ((1, "nats"), (2, "bounded distance")):
        made.update_xaxes(title_text="temperature of both", row=row, col=1, **ticks)
        made.update_yaxes(title_text=title, rangemode="tozero", row=row, col=1)
    names = {"kendall": "order (tau)", "top_k": f"first {result.k}", "non_target": "best beside<br>the label"}
    rows = list(range(len(RANKS)))
    made.update_yaxes(tickvals=rows, ticktext=[names[r] for r in RANKS], range=[2.6, -0.6], row=3, col=1)
    made.update_xaxes(title_text=f"alike in rank, {plural(result.n, 'sample')}", range=_span(result), row=3, col=1)
    return made


def _line(result: Fidelity, name: str) -> go.Scatter:
    at = result.measures.index(name)
    style = {"color": theme.term_color(at), "symbol": theme.SYMBOLS[at], "size": theme.MARKER}
    table = (result.means[at], result.lows[at], result.highs[at])
    line = {"color": theme.term_color(at), "width": theme.WIDTH}
    return standing(result.temperatures, table, sentence(name), style, lines=True, line=line)


def _ranks(result: Fidelity) -> go.Scatter:
    found = [getattr(result, name) for name in RANKS]
    return lying(found, range(len(RANKS)), "ranks", "agreement", showlegend=False)


def _span(result: Fidelity) -> list[float]:
    lows = [getattr(result, name).low for name in RANKS]
    return [min([0.0, *(low for low in lows if low == low)]) - 0.03, 1.03]
